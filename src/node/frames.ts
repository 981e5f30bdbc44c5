import { createReadStream, existsSync } from 'node:fs';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FormatError, InputError, QuerentError } from '../core/errors.ts';
import type { Frame } from '../core/structure/structure.ts';
import { type ParsedFrame, parseExtxyz } from '../formats/extxyz.ts';
import type { LabelKeyOptions } from '../formats/extxyz-labels.ts';
import {
  ALL_FRAMES,
  type FrameArgument,
  parseFrameArgument,
  CONTENT_HEAD,
  formatOfContent,
  selectFrames,
  type StructureFormat,
  structureFormat,
} from '../formats/frames.ts';
import { parseCif } from '../formats/cif.ts';
import { parseLammpsData } from '../formats/lammps-data.ts';
import { parseLammpsDump } from '../formats/lammps-dump.ts';
import type { ElementOptions } from '../formats/lammps-elements.ts';
import { parsePoscar } from '../formats/poscar.ts';
import { readError } from './files.ts';

/** How structure arguments are read. */
export interface FrameReadOptions extends LabelKeyOptions, ElementOptions {
  /** Format of all files; by default the name tells, or how a file begins. */
  readonly format?: StructureFormat;
  /** What `-` stands for; the standard input of the process by default. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

/** Keys that labels were taken from, each once, in the order met. */
export interface UsedKeys {
  readonly energy: readonly string[];
  readonly forces: readonly string[];
  /** Keys of stresses and virials. */
  readonly virial: readonly string[];
}

/** Frames one at a time; `keys` grows while they are read. */
export interface FrameStream extends AsyncIterable<Frame> {
  readonly keys: UsedKeys;
}

/** Unpacks gzip, of one member or several, where the first bytes say so; other data pass through. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const { value, done } = await source.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      for (let step = await source.next(); !step.done; step = await source.next()) yield step.value;
    } finally {
      await source.return?.();
    }
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  pipeline(Readable.from(whole(), { objectMode: true, highWaterMark: 1 }), gunzip, () => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('Z_')) throw error;
    const message =
      code === 'Z_BUF_ERROR'
        ? 'gzip data must be complete, got the end of the file'
        : `gzip data must be intact, got ${code}`;
    throw new FormatError('BAD_GZIP', { file }, message, { code }, error);
  }
}

/** Text of UTF-8 bytes cut anywhere. @throws FormatError `BINARY_FILE` */
async function* decoded(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new FormatError('BINARY_FILE', { file }, 'file must be text (UTF-8), got other bytes', {}, error);
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  const rest = decode();
  if (rest !== '') yield rest;
}

/** Bytes of a file or of standard input, with system errors told in our words. */
async function* bytesOf(file: string, options: FrameReadOptions): AsyncGenerator<Uint8Array> {
  try {
    if (file === '-') yield* (options.stdin ?? process.stdin) as AsyncIterable<Uint8Array>;
    else yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof QuerentError) throw error;
    throw readError(error, file);
  }
}

/** A structure argument; a file whose name happens to hold `@1` is taken as it is. */
function argumentOf(argument: string): FrameArgument {
  return existsSync(argument) ? { file: argument, selection: ALL_FRAMES } : parseFrameArgument(argument);
}

/** The same chunks, and the format that their beginning tells. */
async function formatOf(
  chunks: AsyncIterable<string>,
): Promise<{ readonly format: StructureFormat; readonly text: AsyncIterable<string> }> {
  const source = chunks[Symbol.asyncIterator]();
  let head = '';
  let done = false;
  while (!done && head.length < CONTENT_HEAD) {
    const step = await source.next();
    if (step.done) done = true;
    else head += step.value;
  }
  async function* whole(): AsyncGenerator<string> {
    try {
      yield head;
      if (!done) for (let step = await source.next(); !step.done; step = await source.next()) yield step.value;
    } finally {
      await source.return?.();
    }
  }
  return { format: formatOfContent(head.slice(0, CONTENT_HEAD)), text: whole() };
}

const NO_KEYS = { energy: null, forces: null, virial: null } as const;

/**
 * Frames of a text in one of the formats, one at a time where the format has several.
 * @param chunks pieces of the text, cut anywhere
 * @param name   of the file, for messages
 */
export async function* parseFrames(
  chunks: AsyncIterable<string>,
  name: string,
  format: StructureFormat,
  options: FrameReadOptions = {},
): AsyncGenerator<ParsedFrame> {
  if (format === 'extxyz') yield* parseExtxyz(chunks, name, options);
  else if (format === 'lammps-dump') yield* parseLammpsDump(chunks, name, options);
  else {
    let whole = '';
    for await (const part of chunks) whole += part;
    const frames =
      format === 'cif'
        ? parseCif(whole, name)
        : [format === 'poscar' ? parsePoscar(whole, name) : parseLammpsData(whole, name, options)];
    for (const frame of frames) yield { frame, keys: NO_KEYS };
  }
}

async function* parsedFrames(file: string, options: FrameReadOptions): AsyncGenerator<ParsedFrame> {
  const name = file === '-' ? '<stdin>' : file;
  const text = decoded(unpacked(bytesOf(file, options), name), name);
  const known = options.format ?? structureFormat(file);
  if (known !== null) yield* parseFrames(text, name, known, options);
  else {
    const found = await formatOf(text);
    yield* parseFrames(found.text, name, found.format, options);
  }
}

function remember(list: string[], key: string | null): void {
  if (key !== null && !list.includes(key)) list.push(key);
}

/**
 * The frames of a structure argument of the command line, one at a time: `file@start:stop:step`, `-` for standard input,
 * gzip or not, in any of the formats (`structureFormat`, `formatOfContent`). Memory does not grow with extended XYZ and dumps
 * (see `selectFrames`).
 * @throws InputError `FILE_NOT_FOUND`, `NO_SUCH_FRAME`, `EMPTY_SELECTION`; FormatError with file, line and column
 */
export function openFrames(argument: string, options: FrameReadOptions = {}): FrameStream {
  const keys = { energy: [] as string[], forces: [] as string[], virial: [] as string[] };
  return {
    keys,
    async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
      const { file, selection } = argumentOf(argument);
      let count = 0;
      for await (const parsed of selectFrames(parsedFrames(file, options), selection)) {
        remember(keys.energy, parsed.keys.energy);
        remember(keys.forces, parsed.keys.forces);
        remember(keys.virial, parsed.keys.virial);
        count++;
        yield parsed.frame;
      }
      if (count === 0)
        throw new InputError('EMPTY_SELECTION', `selection must hold at least one frame, got none from "${argument}"`, {
          argument,
        });
    },
  };
}

/**
 * All frames of several structure arguments and the keys their labels came from.
 * @throws as `openFrames`; InputError `LABEL_KEY_NOT_FOUND` when a key that was asked for is in no frame
 */
export async function readFrames(
  args: readonly string[],
  options: FrameReadOptions = {},
): Promise<{ readonly frames: Frame[]; readonly keys: UsedKeys }> {
  const frames: Frame[] = [];
  const keys = { energy: [] as string[], forces: [] as string[], virial: [] as string[] };
  for (const argument of args) {
    const stream = openFrames(argument, options);
    for await (const frame of stream) frames.push(frame);
    for (const kind of ['energy', 'forces', 'virial'] as const)
      for (const key of stream.keys[kind]) remember(keys[kind], key);
  }
  const wanted = [
    ['energy', options.energyKey, keys.energy],
    ['forces', options.forcesKey, keys.forces],
    ['stress', options.stressKey, keys.virial],
    ['virial', options.stressKey === undefined ? options.virialKey : undefined, keys.virial],
  ] as const;
  for (const [name, key, found] of wanted) {
    if (key === undefined || found.includes(key)) continue;
    throw new InputError(
      'LABEL_KEY_NOT_FOUND',
      `${name} key must be in at least one frame, got "${key}" in none of ${args.join(', ')}`,
      { name, key },
    );
  }
  return { frames, keys };
}
