import type { RunEvent, StoredEvent } from '../protocol/events.ts';

/** State of a run at an event, kept so that opening does not replay everything. */
export interface Snapshot {
  /** Event after which the state was taken. */
  readonly seq: number;
  /** Version of the reducer that made it; another version's snapshot is not used. */
  readonly version: number;
  readonly state: unknown;
}

/** Where a damaged store ends. */
export interface Damage {
  /** What is broken, and where the last good transaction is. */
  readonly message: string;
  readonly lastGoodSeq: number;
}

/** How long something took and other figures that no decision depends on. */
export interface TelemetryRow {
  readonly kind: string;
  readonly round: number;
  readonly data: Readonly<Record<string, number | string>>;
}

/** The memory of a run: an append-only, hash-chained list of events and the blobs they name. Synchronous. */
export interface RunStore {
  /** Set when the store is damaged: events up to the last good one can be read, nothing can be written. */
  readonly damage: Damage | null;
  /**
   * Writes events and the blobs they name in one transaction: after a crash either all of them are there or none.
   * @returns the events as stored
   */
  append(events: readonly RunEvent[], blobs?: readonly Uint8Array[]): readonly StoredEvent[];
  /** Events with a sequence number above `after` (0 for all), oldest first. */
  events(after?: number): readonly StoredEvent[];
  /** Bytes of a blob. @throws when there is none of that name or its bytes do not have that hash */
  blob(id: string): Uint8Array;
  snapshot(): Snapshot | null;
  saveSnapshot(snapshot: Snapshot): void;
  appendTelemetry(rows: readonly TelemetryRow[]): void;
  telemetry(kind?: string): readonly TelemetryRow[];
  close(): void;
}
