import { describe, expect, it } from 'vitest';
import { EMPTY_STATE } from '../loop/state.ts';
import type { EventType, StoredEvent } from '../protocol/events.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import { criteriaLine, criteriaTable, criterionLabel, formatCounts, formatSeconds, plural } from './output.ts';
import { eventLine, Progress } from './progress.ts';

const CRITERIA = [
  { name: 'energyMae', value: 0.00131, upper: 0.00162, tolerance: 0.002, met: true },
  { name: 'forceRmse', value: 0.091, upper: 0.112, tolerance: 0.09, met: false },
  { name: 'forceEce', value: 0.03, upper: 0.03, tolerance: 0.08, met: true },
  { name: 'energyWorst', value: null, upper: null, tolerance: 6, met: false },
];
const PRECONDITIONS = [{ name: 'exploration', met: false, detail: '3 of 6 walkers left the trust region, 1 allowed' }];

const RUN_FILE = runFileSchema.parse({
  name: 'demo',
  structures: [{ file: 'a.xyz' }],
  conditions: { temperatures: [300, 900] },
  reference: { kind: 'sw-si' },
});

function event(type: EventType, data: object): StoredEvent {
  return { type, data, seq: 1, time: '2026-11-24T12:00:00.000Z', hash: '' } as unknown as StoredEvent;
}

describe('criteria', () => {
  it('are shown in meV/atom and meV/Å with bounds and tolerances', () => {
    expect(criteriaTable(CRITERIA, PRECONDITIONS).split('\n')).toEqual([
      '         criterion                 value  upper bound  tolerance  unit',
      '-------  -----------------------  ------  -----------  ---------  --------',
      'met      energy MAE                 1.31         1.62       2.00  meV/atom',
      'not met  force RMSE                 91.0          112       90.0  meV/Å',
      'met      force calibration error  0.0300       0.0300     0.0800',
      'not met  worst energy residual         -            -       6.00  sigma',
      'not met  exploration stayed inside: 3 of 6 walkers left the trust region, 1 allowed',
      '',
    ]);
    expect(criteriaTable([], [])).toBe('');
  });

  it('fit on one line that compares bound and tolerance', () => {
    expect(criteriaLine(CRITERIA)).toBe(
      'E 1.62/2.00 meV/atom, F 112/90.0 meV/Å ✗, ECE F 0.0300/0.0800, worst E -/6.00 sigma ✗',
    );
    expect(criterionLabel('forceEce')).toBe('force calibration error');
    expect(criterionLabel('other')).toBe('other');
  });
});

describe('words', () => {
  it('count and measure', () => {
    expect([plural(1, 'label'), plural(2, 'label'), plural(0, 'label')]).toEqual(['1 label', '2 labels', '0 labels']);
    expect([0.42, 42, 420, 12_600].map(formatSeconds)).toEqual(['0.4 s', '42 s', '7 min', '3.5 h']);
    const counts = { done: 3, running: 1, queued: 0, failed: 2, rejected: 0, withdrawn: 0 };
    expect(formatCounts(counts)).toBe('3 done, 1 running, 2 failed');
  });
});

describe('a line per event', () => {
  const line = (type: EventType, data: object): string | null => eventLine(event(type, data), EMPTY_STATE, RUN_FILE);

  it('says what happened in the words of the field', () => {
    const id = '0123456789abcdef';
    expect(line('run-started', { name: 'demo', seed: 1, kernel: 'wasm' })).toBe(
      'demo: seed 1, reference sw-si, basis small, kernels wasm',
    );
    const walkers = [{ outcome: 'broken' }, { outcome: 'finished' }];
    expect(line('explored', { round: 2, size: 1, walkers })).toBe(
      'round 2: 2 walkers explored, 1 left the trust region, 1 candidate',
    );
    const batch = { round: 2, selected: [{}, {}], certificate: 0.724, poolSize: 96, strategy: 'd-optimality' };
    expect(line('batch-selected', batch)).toBe(
      'round 2: 2 of 96 candidates chosen by d-optimality, at least 72 % of the best batch',
    );
    expect(line('batch-selected', { ...batch, round: 0, certificate: null })).toBe(
      'round 0: 2 structures to begin with',
    );
    expect(line('label-failed', { id, reason: 'scf', message: 'not converged' })).toBe(
      'label 0123456789 failed (scf): not converged',
    );
    expect(line('label-rejected', { id, reason: 'force', message: 'too large' })).toMatch(
      /rejected \(force\): too large/,
    );
    expect(line('label-queued', { id, reason: 'scf', message: 'm' })).toBe('label 0123456789 is tried again (scf): m');
    expect(line('label-queued', { id, reason: 'interrupted', message: '' })).toBeNull();
    expect(line('label-done', { id })).toBeNull();
    expect(line('model-fitted', { round: 1, structures: 1 })).toBe('round 1: model fitted to 1 structure');
    expect(line('assessed', { round: 1, criteria: CRITERIA.slice(0, 1), converged: true, reason: '' })).toBe(
      'round 1: E 1.62/2.00 meV/atom; done',
    );
    expect(line('settings-changed', { changes: [{ path: 'budget.labels', from: 60, to: 80 }] })).toBe(
      'setting budget.labels: 60 → 80',
    );
    expect(line('paused', { cause: 'failures', message: 'm' })).toBe('paused: m');
    expect(line('stopped', { outcome: 'converged', message: 'm' })).toBe('stopped (converged): m');
  });
});

describe('progress', () => {
  function shown(isTTY: boolean, env: Record<string, string> = { NO_COLOR: '1' }, columns = 120): string {
    let text = '';
    let clock = 0;
    const stream = {
      stderr(part: string) {
        text += part;
      },
      isTTY,
      columns,
      env,
    };
    const tick = (): number => {
      clock += 1000;
      return clock;
    };
    const progress = new Progress(stream, RUN_FILE, EMPTY_STATE, () => [], tick);
    progress.start();
    progress.onCommand({ kind: 'fit', round: 0 }, EMPTY_STATE);
    progress.onEvent(event('model-fitted', { round: 0, structures: 8 }), EMPTY_STATE);
    progress.finish();
    return text;
  }

  it('is plain lines where nothing can be redrawn', () => {
    expect(shown(false)).toBe('round 0: model fitted to 8 structures\n');
    expect(shown(true, { TERM: 'dumb' })).toBe('round 0: model fitted to 8 structures\n');
  });

  it('is a block below the lines on a terminal, and leaves none behind', () => {
    const text = shown(true);
    expect(text).toContain('demo  round 0: fitting');
    expect(text).toContain('training    0 done  (0 of 60)');
    // What stays on the screen: apply the cursor movements.
    const screen: string[] = [];
    const esc = String.fromCharCode(27);
    for (const part of text.split(new RegExp(`(${esc}\\[\\d+A${esc}\\[J)`))) {
      const up = part.startsWith(esc) ? Number.parseInt(part.slice(2), 10) : 0;
      if (up > 0) screen.splice(screen.length - up);
      else screen.push(...part.split('\n').slice(0, -1));
    }
    expect(screen).toEqual(['round 0: model fitted to 8 structures']);
  });

  it('never wraps', () => {
    const lines = shown(true, { NO_COLOR: '1' }, 30).split('\n');
    expect(lines).toContain('training    0 done  (0 of 60)');
    expect(lines.filter((line) => line.startsWith('demo')).every((line) => line.length < 30)).toBe(true);
    expect(shown(true, {})).toContain('\u001b[1mdemo');
  });
});
