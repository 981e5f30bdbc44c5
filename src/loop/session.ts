import type { RunEvent, StoredEvent } from '../protocol/events.ts';
import type { NamedBlob } from './blobs.ts';
import { REDUCER_VERSION, reduce } from './reduce.ts';
import { openState } from './replay.ts';
import type { Settlement } from './settle.ts';
import type { LoopState } from './state.ts';
import type { RunStore } from './store.ts';

/** Events between two snapshots. */
const SNAPSHOT_INTERVAL = 200;

/** The state of a run beside its store: an event is stored first, then the state follows. */
export class Session {
  readonly store: RunStore;
  private readonly onEvent: ((event: StoredEvent, state: LoopState) => void) | undefined;
  private current: LoopState;
  private staged: Settlement = { events: [], blobs: [] };
  private lastSnapshot: number;

  constructor(store: RunStore, onEvent?: (event: StoredEvent, state: LoopState) => void) {
    this.store = store;
    this.onEvent = onEvent;
    this.current = openState(store);
    this.lastSnapshot = this.current.seq;
  }

  /** The state after the last stored event. */
  get state(): LoopState {
    return this.current;
  }

  /** Stores events, those staged before them first, in one transaction, and lets the state follow. */
  append(events: readonly RunEvent[], blobs: readonly NamedBlob[] = []): void {
    const all = [...this.staged.events, ...events];
    const bytes = [...this.staged.blobs, ...blobs].map((blob) => blob.bytes);
    this.staged = { events: [], blobs: [] };
    if (all.length === 0) return;
    for (const event of this.store.append(all, bytes)) {
      this.current = reduce(this.current, event);
      this.onEvent?.(event, this.current);
    }
    if (this.current.seq - this.lastSnapshot >= SNAPSHOT_INTERVAL) this.saveSnapshot();
  }

  /** Keeps events for the next `append`: a finished label and the start of the next one share a transaction. */
  stage({ events, blobs }: Settlement): void {
    this.staged = { events: [...this.staged.events, ...events], blobs: [...this.staged.blobs, ...blobs] };
  }

  /** The state as it will be once the staged events are stored. */
  preview(): LoopState {
    const { seq, clock } = this.current;
    const time = new Date(clock.last).toISOString();
    return this.staged.events.reduce<LoopState>(
      (state, event, index) => reduce(state, { ...event, seq: seq + index + 1, time, hash: '' }),
      this.current,
    );
  }

  /** Saves the state, so that the next opening is quick. */
  saveSnapshot(): void {
    if (this.current.seq === this.lastSnapshot) return;
    this.store.saveSnapshot({ seq: this.current.seq, version: REDUCER_VERSION, state: this.current });
    this.lastSnapshot = this.current.seq;
  }
}
