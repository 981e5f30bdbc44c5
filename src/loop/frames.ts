import type { Frame, Structure } from '../core/structure/structure.ts';
import { labelledFrame, readLabel, readStructure } from './blobs.ts';
import type { LabelRecord, LabelRole, LoopState } from './state.ts';
import { usableLabels } from './state.ts';
import type { RunStore } from './store.ts';

/** Reads the structures and labels of a run out of its store, each once. */
export class FrameReader {
  private readonly store: RunStore;
  private readonly structures = new Map<string, Structure>();
  private readonly frames = new Map<string, Frame>();

  constructor(store: RunStore) {
    this.store = store;
  }

  /** Structure of a label. */
  structure(label: LabelRecord): Structure {
    let structure = this.structures.get(label.structure);
    if (structure === undefined) {
      structure = readStructure(this.store.blob(label.structure));
      this.structures.set(label.structure, structure);
    }
    return structure;
  }

  /** A finished label as a frame. */
  frame(label: LabelRecord): Frame {
    const key = `${label.id} ${label.result}`;
    let frame = this.frames.get(key);
    if (frame === undefined) {
      const values = readLabel(this.store.blob(label.result!));
      frame = labelledFrame(label.id, this.structure(label), values, label.origin, label.role, label.index);
      this.frames.set(key, frame);
    }
    return frame;
  }

  /** Frames of all usable labels of a role, in the order in which they were asked for. */
  usable(state: LoopState, role: LabelRole): readonly Frame[] {
    return usableLabels(state, role).map((label) => this.frame(label));
  }
}
