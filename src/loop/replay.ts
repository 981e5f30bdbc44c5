import { REDUCER_VERSION, reduce } from './reduce.ts';
import type { LoopState } from './state.ts';
import { EMPTY_STATE } from './state.ts';
import type { RunStore } from './store.ts';

/** The state of a run from its first event on, without snapshots. */
export function replay(store: RunStore): LoopState {
  return store.events().reduce(reduce, EMPTY_STATE);
}

/** The state of a run: its latest snapshot, if this program's reducer made it, and the events since. */
export function openState(store: RunStore): LoopState {
  const snapshot = store.snapshot();
  if (snapshot === null || snapshot.version !== REDUCER_VERSION) return replay(store);
  return store.events(snapshot.seq).reduce(reduce, snapshot.state as LoopState);
}

/** The state as it was after event `seq`: how a run looked at any time. */
export function stateAt(store: RunStore, seq: number): LoopState {
  return store
    .events()
    .filter((event) => event.seq <= seq)
    .reduce(reduce, EMPTY_STATE);
}
