import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { EnvironmentError, InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { Damage, RunStore, Snapshot, TelemetryRow } from '../../loop/store.ts';
import { canonicalJson } from '../../protocol/canonical-json.ts';
import type { RunEvent, StoredEvent } from '../../protocol/events.ts';
import { eventVersion, readEvent } from '../../protocol/events.ts';
import type { LockHolder } from './lock.ts';
import { heldBy, isAlive, thisProcess } from './lock.ts';
import { migrate, STORE_VERSION, tablesVersion } from './schema.ts';

/** How a store is opened. */
export interface StoreOptions {
  /** Opens for reading only: nothing is created, written or migrated. */
  readonly readOnly?: boolean;
  /** Clock that stamps events; the system's when absent. */
  readonly now?: () => Date;
  /** Most pages the file may have (4096 bytes each): a full disk on demand. */
  readonly maxPages?: number;
}

/** A store on disk, which one process at a time may hold for writing. */
export interface FileStore extends RunStore {
  /** The process that holds it and still runs, if any. */
  holder(): LockHolder | null;
  /**
   * Holds it for this process until `release` or `close`. The hold of a process that no longer runs is taken over; with
   * `force` that of any.
   * @throws EnvironmentError `RUN_LOCKED` naming the holder
   */
  hold(force?: boolean): void;
  release(): void;
}

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly version: number;
  readonly time: string;
  readonly data: string;
  readonly hash: string;
}

/** Errors of SQLite by number: the low byte of `errcode`. */
const SQLITE = { busy: 5, locked: 6, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 };

function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

/** How long to wait for another process's transaction, ms. */
const BUSY_TIMEOUT = 10_000;

/** Hash that chains an event to the one before it. */
function chain(previous: string, type: string, version: number, time: string, data: string): string {
  return sha256Hex(previous, '\n', type, '\n', String(version), '\n', time, '\n', data);
}

/** What the machine did to the store, in words; other errors as they are. */
function explained(error: unknown, file: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  switch (sqliteCode(error)) {
    case SQLITE.full:
      return new EnvironmentError(
        'DISK_FULL',
        `${file}: the disk is full; nothing is lost: everything up to the last event is safe. Make room and run the same command again`,
        { file },
        error,
      );
    case SQLITE.busy:
    case SQLITE.locked:
      return new EnvironmentError(
        'STORE_BUSY',
        `${file}: another program is writing to it; try again`,
        { file },
        error,
      );
    case SQLITE.readOnly:
    case SQLITE.cantOpen:
    case SQLITE.ioError:
      return new EnvironmentError(
        'STORE_UNREADABLE',
        `${file}: cannot be read or written: ${message}`,
        { file },
        error,
      );
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return new EnvironmentError('STORE_DAMAGED', `${file}: is damaged: ${message}`, { file }, error);
    default:
      return error;
  }
}

/**
 * A run's memory in one SQLite file. The journal is a rollback journal, truncated after each transaction, with
 * synchronous = FULL: unlike write-ahead logging it is safe on network file systems and leaves a single file that can be
 * copied at any time between transactions. Readers wait for the writer, never the reverse for long.
 */
class SqliteStore implements FileStore {
  readonly damage: Damage | null;
  private readonly database: DatabaseSync;
  private readonly file: string;
  private readonly now: () => Date;
  private readonly writable: boolean;
  private stored: StoredEvent[];
  private held = false;

  constructor(database: DatabaseSync, file: string, options: StoreOptions) {
    this.database = database;
    this.file = file;
    this.now = options.now ?? (() => new Date());
    const { events, damage } = this.load();
    this.stored = events;
    this.damage = damage;
    this.writable = options.readOnly !== true && damage === null;
  }

  /** All events whose chain of hashes holds; damage when there are rows beyond them. */
  private load(): { readonly events: StoredEvent[]; readonly damage: Damage | null } {
    const events: StoredEvent[] = [];
    const broken = (what: string): Damage => {
      const last = events.at(-1);
      const good =
        last === undefined
          ? 'no transaction is intact'
          : `the last good transaction is event ${last.seq} (${last.type}, ${last.time})`;
      return {
        message: `${this.file}: ${what}; ${good}. The run is open for reading only`,
        lastGoodSeq: last?.seq ?? 0,
      };
    };
    try {
      let previous = '';
      const rows = this.database
        .prepare('SELECT seq, type, version, time, data, hash FROM events ORDER BY seq')
        .iterate();
      for (const raw of rows) {
        const row = raw as unknown as EventRow;
        const expected = chain(previous, row.type, row.version, row.time, row.data);
        if (row.seq !== events.length + 1 || row.hash !== expected) {
          return { events, damage: broken(`event ${row.seq} is damaged`) };
        }
        const event = readEvent(row.type, row.version, JSON.parse(row.data));
        events.push({ ...event, seq: row.seq, time: row.time, hash: row.hash });
        previous = row.hash;
      }
    } catch (error) {
      const code = sqliteCode(error);
      if (code === SQLITE.corrupt || code === SQLITE.notADatabase) {
        return { events, damage: broken(`is damaged (${(error as Error).message})`) };
      }
      throw explained(error, this.file);
    }
    return { events, damage: null };
  }

  /** Runs `write` in a transaction that is either done or undone. */
  private transaction<T>(write: () => T): T {
    if (this.damage !== null) throw new EnvironmentError('STORE_DAMAGED', this.damage.message, { file: this.file });
    if (!this.writable)
      throw new EnvironmentError('STORE_READ_ONLY', `${this.file}: is open for reading only`, { file: this.file });
    try {
      this.database.exec('BEGIN IMMEDIATE');
      const result = write();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw explained(error, this.file);
    }
  }

  append(events: readonly RunEvent[], blobs: readonly Uint8Array[] = []): readonly StoredEvent[] {
    const added = this.transaction(() => {
      const putBlob = this.database.prepare('INSERT OR IGNORE INTO blobs (id, bytes) VALUES (?, ?)');
      for (const bytes of blobs) putBlob.run(sha256Hex(bytes), bytes);
      const putEvent = this.database.prepare(
        'INSERT INTO events (seq, type, version, time, data, hash) VALUES (?, ?, ?, ?, ?, ?)',
      );
      const time = this.now().toISOString();
      const list: StoredEvent[] = [];
      let previous = this.stored.at(-1)?.hash ?? '';
      for (const event of events) {
        const version = eventVersion(event.type);
        const data = canonicalJson(event.data);
        const seq = this.stored.length + list.length + 1;
        const hash = chain(previous, event.type, version, time, data);
        putEvent.run(seq, event.type, version, time, data, hash);
        // What is handed out is what a later reading gives, not what was passed in.
        list.push({ ...readEvent(event.type, version, JSON.parse(data)), seq, time, hash });
        previous = hash;
      }
      return list;
    });
    this.stored.push(...added);
    return added;
  }

  events(after = 0): readonly StoredEvent[] {
    return this.stored.slice(after);
  }

  blob(id: string): Uint8Array {
    let row: Record<string, unknown> | undefined;
    try {
      row = this.database.prepare('SELECT bytes FROM blobs WHERE id = ?').get(id);
    } catch (error) {
      throw explained(error, this.file);
    }
    if (row === undefined)
      throw new EnvironmentError('BLOB_MISSING', `${this.file}: blob ${id} must exist, got none`, { id });
    const bytes = row.bytes as Uint8Array;
    if (sha256Hex(bytes) !== id)
      throw new EnvironmentError('STORE_DAMAGED', `${this.file}: blob ${id} is damaged`, { id });
    return bytes;
  }

  snapshot(): Snapshot | null {
    let row: Record<string, unknown> | undefined;
    try {
      row = this.database.prepare('SELECT seq, version, state, hash FROM snapshots ORDER BY seq DESC LIMIT 1').get();
    } catch (error) {
      throw explained(error, this.file);
    }
    if (row === undefined || Number(row.seq) > this.stored.length) return null;
    const text = row.state as string;
    if (sha256Hex(text) !== row.hash) return null;
    return { seq: Number(row.seq), version: Number(row.version), state: JSON.parse(text) };
  }

  saveSnapshot(snapshot: Snapshot): void {
    const text = canonicalJson(snapshot.state);
    this.transaction(() => {
      this.database.exec('DELETE FROM snapshots');
      this.database
        .prepare('INSERT INTO snapshots (seq, version, state, hash) VALUES (?, ?, ?, ?)')
        .run(snapshot.seq, snapshot.version, text, sha256Hex(text));
    });
  }

  appendTelemetry(rows: readonly TelemetryRow[]): void {
    this.transaction(() => {
      const put = this.database.prepare('INSERT INTO telemetry (kind, round, data) VALUES (?, ?, ?)');
      for (const { kind, round, data } of rows) put.run(kind, round, canonicalJson(data));
    });
  }

  telemetry(kind?: string): readonly TelemetryRow[] {
    const rows =
      kind === undefined
        ? this.database.prepare('SELECT kind, round, data FROM telemetry ORDER BY id').all()
        : this.database.prepare('SELECT kind, round, data FROM telemetry WHERE kind = ? ORDER BY id').all(kind);
    return rows.map((row) => ({
      kind: row.kind as string,
      round: Number(row.round),
      data: JSON.parse(row.data as string),
    }));
  }

  private storedHolder(): LockHolder | null {
    const row = this.database.prepare('SELECT pid, start_time, host FROM holder').get();
    if (row === undefined) return null;
    return { pid: Number(row.pid), startTime: row.start_time as string | null, host: row.host as string };
  }

  holder(): LockHolder | null {
    const holder = this.storedHolder();
    return holder !== null && isAlive(holder) ? holder : null;
  }

  hold(force = false): void {
    this.transaction(() => {
      const other = this.storedHolder();
      if (!force && other !== null && isAlive(other)) throw heldBy(this.file, other);
      const { pid, startTime, host } = thisProcess();
      this.database
        .prepare('INSERT OR REPLACE INTO holder (id, pid, start_time, host) VALUES (1, ?, ?, ?)')
        .run(pid, startTime, host);
    });
    this.held = true;
    // Another process may have written between opening and holding.
    this.stored = this.load().events;
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    this.transaction(() => this.database.exec('DELETE FROM holder'));
  }

  close(): void {
    if (!this.database.isOpen) return;
    try {
      this.release();
      // Leaves one file behind, not an empty journal beside it.
      if (this.writable) this.database.exec('PRAGMA journal_mode = DELETE');
    } finally {
      this.database.close();
    }
  }
}

/**
 * Undoes the transaction that a killed process left half written (its journal is still there), which a reader may not do.
 * Nothing happens while the writer is alive: its journal is locked.
 */
function rollBackLeftover(file: string): void {
  const journal = `${file}-journal`;
  if (!existsSync(journal) || statSync(journal).size === 0) return;
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  try {
    tablesVersion(database);
  } finally {
    database.close();
  }
}

/**
 * Opens the store of a run, making it when there is none (unless `readOnly`). A damaged store opens for reading up to its
 * last good transaction; `damage` says so.
 * @throws EnvironmentError `STORE_MISSING`, `STORE_NEWER`, `STORE_BUSY`, `STORE_UNREADABLE`, `STORE_DAMAGED` when not even
 *         its tables can be found, `DISK_FULL` when there is no room for them
 */
export function openStore(file: string, options: StoreOptions = {}): FileStore {
  const readOnly = options.readOnly === true;
  if (readOnly && !existsSync(file)) {
    throw new EnvironmentError(
      'STORE_MISSING',
      `${file}: must exist, got no such file; is this the directory of a run?`,
      { file },
    );
  }
  let database: DatabaseSync | null = null;
  try {
    if (readOnly) rollBackLeftover(file);
    database = new DatabaseSync(file, { readOnly, timeout: BUSY_TIMEOUT });
    const version = tablesVersion(database);
    if (version > STORE_VERSION) {
      throw new EnvironmentError(
        'STORE_NEWER',
        `${file}: was written by a newer Querent (store version ${version}, this program knows ${STORE_VERSION}); update it to go on`,
        { file, version },
      );
    }
    if (!readOnly) {
      database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL');
      if (options.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${options.maxPages}`);
      migrate(database);
    }
    return new SqliteStore(database, file, options);
  } catch (error) {
    if (database?.isOpen) database.close();
    if (error instanceof InputError)
      throw new EnvironmentError('STORE_NEWER', `${file}: ${error.message}`, { file }, error);
    throw explained(error, file);
  }
}
