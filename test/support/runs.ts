/** Run directories made of events alone, and the command line over them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommandLine } from '../../src/cli/command-line.ts';
import type { VerbContext } from '../../src/cli/verb.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { jsonBlob, labelBlob, structureBlob } from '../../src/loop/blobs.ts';
import type { TelemetryRow } from '../../src/loop/store.ts';
import { openStore } from '../../src/node/store/store.ts';
import type { EventData, RunEvent } from '../../src/protocol/events.ts';
import { runFileSchema } from '../../src/protocol/run-file.ts';
import type { LabelSuccess } from '../../src/reference/reference.ts';
import { event, ORIGIN, pool } from './events.ts';

/** The run file of these runs. */
export const RUN_FILE = runFileSchema.parse({
  name: 'demo',
  structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
  conditions: { temperatures: [300, 900] },
  reference: { kind: 'sw-si' },
  start: { count: 3 },
  budget: { labels: 10, rounds: 4 },
});

/** Silicon in its primitive cell. */
export const bulk: Structure = {
  positions: Float64Array.of(0, 0, 0, 1.3575, 1.3575, 1.3575),
  cell: Float64Array.of(0, 2.715, 2.715, 2.715, 0, 2.715, 2.715, 2.715, 0),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
};

/** A structure that is asked for. */
export const STRUCTURE = structureBlob(bulk);

const VALUES: LabelSuccess = {
  status: 'done',
  ...{ energy: -8.5, internalEnergy: null, virial: null, netForce: 0.001, cost: 3 },
  forces: Float64Array.of(3, 0, 4, -3, 0, -4),
  fingerprint: { code: 'some code 1', settings: '{"ecutwfc":25}', files: { 'Si.UPF': 'ab12' } },
};

/** The values of a label. */
export const RESULT = labelBlob(VALUES);

/** The run begins. */
export const begun = event('run-started', {
  ...{ name: 'demo', seed: 1, runFile: jsonBlob(RUN_FILE).id, inputs: {}, kernel: 'plain', querent: '0', pid: 1 },
  host: 'here',
});

/** Training labels that are asked for in a round; `origin` changes where they come from. */
export const asked = (round: number, ids: readonly string[], origin: object = {}): RunEvent =>
  event('batch-selected', {
    ...{ round, strategy: 'd-optimality', certificate: 0.8, poolSize: round === 0 ? ids.length : 40 },
    selected: ids.map((id) => ({
      ...{ id, structure: STRUCTURE.id, origin: { ...ORIGIN, ...origin } },
      ...(round === 0 ? { gain: null, reason: 'rattled' } : { gain: 3.25, reason: 'largest information gain' }),
    })),
  });

/** Assessment labels that are drawn in a round. */
export const drawn = (round: number, ids: readonly string[], origin: object = {}): RunEvent =>
  event('assessment-drawn', {
    ...{ round, censored: 0 },
    frames: ids.map((id) => ({ id, structure: STRUCTURE.id, origin: { ...ORIGIN, kind: 'assessment', ...origin } })),
  });

/** A label is there. */
export const labelled = (id: string, change: Partial<EventData<'label-done'>> = {}): RunEvent =>
  event('label-done', {
    ...{ id, result: RESULT.id, fingerprint: VALUES.fingerprint, energy: -8.5, maxForce: 5, cost: 3 },
    ...{ directory: null, source: 'computed', ...change },
  });

/** A model of a round, and the verdict on it. */
export const judgedModel = (round: number, upper: number, structures: number): RunEvent[] => [
  event('model-fitted', { round, model: RESULT.id, data: `d${round}`, structures, summary: {} }),
  drawn(round, [`assessed-${round}`]),
  labelled(`assessed-${round}`),
  event('assessed', {
    ...{ round, assessment: RESULT.id, frames: 1, met: upper < 0.002, converged: false, history: { looks: round + 1 } },
    criteria: [
      { name: 'energyMae', value: upper / 2, upper, tolerance: 0.002, met: upper < 0.002 },
      { name: 'forceEce', value: 0.02, upper: 0.02, tolerance: 0.08, met: true },
    ],
    preconditions: [{ name: 'assessment', met: round > 0, detail: `${round + 1} of 2 assessment labels` }],
    reason: 'the energy MAE is too large',
  }),
];

/** The usual beginning: three structures, one of which failed and one was rejected, and a judged model. */
export const FIRST_ROUND: readonly RunEvent[] = [
  ...[begun, pool, asked(0, ['aaa1', 'aab2', 'bbb3'])],
  ...[labelled('aaa1', { directory: 'labels/aaa1/attempt-0' })],
  event('label-failed', { id: 'aab2', reason: 'timeout', message: 'stopped after 60 s, the time limit', cost: 60 }),
  event('label-rejected', { id: 'bbb3', reason: 'overlap', message: 'too close', cost: 0 }),
  ...judgedModel(0, 0.005, 1),
];

/** Writes a run directory with these events. */
export function writeRun(
  directory: string,
  events: readonly RunEvent[],
  telemetry: readonly TelemetryRow[] = [],
): void {
  mkdirSync(directory, { recursive: true });
  const store = openStore(join(directory, 'store.sqlite'));
  store.append(
    events,
    [jsonBlob(RUN_FILE), STRUCTURE, RESULT].map(({ bytes }) => bytes),
  );
  store.appendTelemetry(telemetry);
  store.close();
}

/** What a command line printed in this process, and its exit code. */
export async function commandLine(
  cwd: string,
  argv: readonly string[],
  change: Partial<VerbContext> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const code = await runCommandLine(argv, {
    stdout(text) {
      out += text;
    },
    stderr(text) {
      err += text;
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
    cwd,
    stdin: async () => '',
    ...change,
  });
  return { code, out, err };
}
