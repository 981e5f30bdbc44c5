import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { FormatError, InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { MemberState } from '../../core/potentials/neural/training.ts';
import { readBytes, writeError, writeFileAtomic } from '../files.ts';

/** First line of a checkpoint; the hash of the rest follows on the second. */
const MAGIC = 'querent neural checkpoint 1';

/** What a checkpoint holds. */
interface Checkpoint {
  /** Names data, linear model and settings. */
  readonly key: string;
  readonly state: MemberState;
}

/** Bytes of a checkpoint. */
export function encodeCheckpoint(key: string, state: MemberState): Uint8Array {
  const body = serialize({ key, state } satisfies Checkpoint);
  const head = new TextEncoder().encode(`${MAGIC}\n${sha256Hex(body)}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/**
 * The state in a checkpoint.
 *
 * @throws FormatError `CHECKPOINT_DAMAGED`; InputError `OTHER_TRAINING` where it is of other data or settings
 */
export function decodeCheckpoint(bytes: Uint8Array, file: string, key: string): MemberState {
  const head = new TextDecoder().decode(bytes.subarray(0, MAGIC.length + 66)).split('\n');
  const body = bytes.subarray(MAGIC.length + 66);
  if (head[0] !== MAGIC || head[1] !== sha256Hex(body)) {
    throw new FormatError(
      'CHECKPOINT_DAMAGED',
      { file },
      'checkpoint must be whole, but is damaged; delete it to train this member from the start',
    );
  }
  const checkpoint = deserialize(body) as Checkpoint;
  if (checkpoint.key !== key) {
    throw new InputError(
      'OTHER_TRAINING',
      `checkpoint ${file} must be of these data, this model and these settings, but is of others; delete it or name another output`,
    );
  }
  return checkpoint.state;
}

/** The checkpoints of one training, a file per member in a folder. */
export class Checkpoints {
  readonly folder: string;
  private readonly key: string;

  constructor(folder: string, key: string) {
    this.folder = folder;
    this.key = key;
  }

  private path(member: number): string {
    return join(this.folder, `member-${member + 1}.checkpoint`);
  }

  /** Makes the folder. @throws as `writeFileAtomic` */
  async open(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
    } catch (error) {
      throw writeError(error, this.folder);
    }
  }

  /** Where a member stands; null where it has not begun. @throws as `decodeCheckpoint`, `readBytes` */
  async read(member: number): Promise<MemberState | null> {
    const path = this.path(member);
    let bytes: Uint8Array;
    try {
      bytes = await readBytes(path);
    } catch (error) {
      if (error instanceof InputError && error.code === 'FILE_NOT_FOUND') return null;
      throw error;
    }
    return decodeCheckpoint(bytes, path, this.key);
  }

  /** Keeps where a member stands. */
  async write(state: MemberState): Promise<void> {
    await writeFileAtomic(this.path(state.member), encodeCheckpoint(this.key, state));
  }

  /** Removes the folder and all in it. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
