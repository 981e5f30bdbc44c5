import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeExtxyz } from '../../formats/extxyz-writer.ts';
import type { LammpsPotential } from '../../formats/lammps-input.ts';
import { readModel } from '../../formats/model-file.ts';
import { FrameReader } from '../../loop/frames.ts';
import type { LoopState, RoundRecord } from '../../loop/state.ts';
import { stateHash, usableLabels } from '../../loop/state.ts';
import type { RunStore } from '../../loop/store.ts';
import type { StoredEvent } from '../../protocol/events.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { formatRunFile } from '../../protocol/run-file-resolve.ts';
import { writeFileAtomic } from '../files.ts';
import { exportBBasis } from '../training/export-bbasis.ts';
import { exportYace } from '../training/export-yace.ts';

/** Names inside a run directory. */
export const RUN_FILES = {
  store: 'store.sqlite',
  runFile: 'run.yaml',
  labelled: 'labelled.extxyz',
  models: 'models',
  potential: 'potential.yace',
  graded: 'potential.yaml',
  activeSet: 'potential.asi',
  provenance: 'provenance.json',
} as const;

/** File of a round's model, relative to the run directory. */
export function modelFile(round: number): string {
  return `${RUN_FILES.models}/round-${String(round).padStart(2, '0')}.model`;
}

/** File of the latest round that has a model, or null. */
export function latestModelFile(state: LoopState): string | null {
  const round = state.rounds.findLast(({ model }) => model !== null);
  return round === undefined ? null : modelFile(round.round);
}

/**
 * Keeps the readable files of a run directory in step with its store: `run.yaml` with every default, a model per round,
 * `labelled.extxyz` with training and assessment labels, `provenance.json`, and at the end the potential for LAMMPS. The store is
 * the truth; the files can be written again from it at any time.
 */
export class RunDirectory {
  private readonly directory: string;
  private readonly store: RunStore;
  private readonly reader: FrameReader;
  /** The potential that `finish` wrote for LAMMPS, named relative to the run directory; null before. */
  exported: LammpsPotential | null = null;
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | null = null;

  constructor(directory: string, store: RunStore) {
    this.directory = directory;
    this.store = store;
    this.reader = new FrameReader(store);
  }

  /** Schedules what an event changes; files are written one after the other behind the run. */
  onEvent(event: StoredEvent, state: LoopState): void {
    if (event.type === 'model-fitted') this.schedule(() => this.writeModel(state.rounds.at(-1)!));
    if (event.type === 'assessed' || event.type === 'paused' || event.type === 'stopped') {
      this.schedule(() => this.writeLabels(state));
    }
  }

  private schedule(write: () => Promise<void>): void {
    this.writing = this.writing.then(write).catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  private async writeModel({ round, model }: RoundRecord): Promise<void> {
    const path = join(this.directory, modelFile(round));
    if (model === null || existsSync(path)) return;
    await mkdir(join(this.directory, RUN_FILES.models), { recursive: true });
    await writeFileAtomic(path, this.store.blob(model.model));
  }

  private async writeLabels(state: LoopState): Promise<void> {
    const labels = [...usableLabels(state, 'training'), ...usableLabels(state, 'assessment')];
    const text = labels.map((label) => writeExtxyz(this.reader.frame(label))).join('');
    await writeFileAtomic(join(this.directory, RUN_FILES.labelled), text);
  }

  /** Writes `run.yaml`: the run file in force with every default. */
  async writeRunFile(runFile: RunFile): Promise<void> {
    const header = '# The settings in force, complete; written by querent. Paths start from this directory.\n';
    await writeFileAtomic(join(this.directory, RUN_FILES.runFile), header + formatRunFile(runFile));
  }

  /**
   * Waits for scheduled files, writes those that are missing, and what the run was made with.
   * @throws what the first failed write threw
   */
  async finish(state: LoopState): Promise<void> {
    for (const round of state.rounds) this.schedule(() => this.writeModel(round));
    this.schedule(() => this.writeLabels(state));
    this.schedule(() => this.writeProvenance(state));
    if (state.stopped !== null) this.schedule(() => this.writePotential(state));
    await this.writing;
    if (this.failure !== null) throw this.failure.error;
  }

  /**
   * Writes `potential.yace`, the last model for LAMMPS, and where it has active sets `potential.yaml` with `potential.asi`, which
   * give extrapolation grades; each read back and compared before it is there.
   */
  private async writePotential(state: LoopState): Promise<void> {
    const round = state.rounds.findLast(({ model }) => model !== null);
    if (round?.model == null) return;
    const { model, basis } = readModel(this.store.blob(round.model.model), modelFile(round.round));
    await writeFileAtomic(
      join(this.directory, RUN_FILES.potential),
      exportYace(model, basis, RUN_FILES.potential).text,
    );
    const { elements } = model.specification;
    const graded = model.activeSets?.every((set) => set !== null) === true;
    if (graded) {
      const { text, activeSet } = exportBBasis(model, basis, RUN_FILES.graded);
      await writeFileAtomic(join(this.directory, RUN_FILES.activeSet), activeSet);
      await writeFileAtomic(join(this.directory, RUN_FILES.graded), text);
    }
    const file = graded ? RUN_FILES.graded : RUN_FILES.potential;
    this.exported = { elements, file, activeSet: graded ? RUN_FILES.activeSet : null };
  }

  private async writeProvenance(state: LoopState): Promise<void> {
    const { started, fingerprint, settingsChanges } = state;
    if (started === null) return;
    const data = {
      querent: started.querent,
      started: started.time,
      updated: new Date().toISOString(),
      host: hostname(),
      platform: `${process.platform} ${process.arch}`,
      node: process.versions.node,
      kernel: started.kernel,
      seed: started.seed,
      inputs: started.inputs,
      runFile: state.runFile,
      reference: fingerprint,
      settingsChanges,
      stateHash: stateHash(state),
    };
    await writeFileAtomic(join(this.directory, RUN_FILES.provenance), `${JSON.stringify(data, null, 2)}\n`);
  }
}
