import { describe, expect, it } from 'vitest';
import type { FailureReason, LabelResult } from '../reference/reference.ts';
import { readLabel } from './blobs.ts';
import { LOST_RETRIES, SCF_RETRIES, settle } from './settle.ts';
import type { LabelRecord } from './state.ts';

const LABEL: LabelRecord = {
  ...{
    id: 'a',
    role: 'training',
    round: 0,
    index: 0,
    structure: 's',
    gain: null,
    selectionReason: '',
    status: 'running',
  },
  origin: { kind: 'seed', round: 0, walker: 0, step: 0, reason: '', temperature: 0, signals: {}, censored: false },
  ...{ attempt: 0, lost: 0, reason: '', message: '', result: null, energy: null, maxForce: null, cost: 0 },
  ...{ directory: null, imported: false, withdrawn: false, process: null },
};
const PRINT = { code: 'pw.x 6.7', settings: '{"ecutwfc":16}', files: { 'Si.UPF': '1', 'O.UPF': '2' } };

function success(change: object = {}): LabelResult {
  return {
    status: 'done',
    ...{ energy: -10, internalEnergy: -9.9, virial: null, netForce: 0, cost: 4, fingerprint: PRINT },
    forces: Float64Array.of(3, 4, 0, -3, -4, 0),
    ...change,
  } as LabelResult;
}

function settled(result: LabelResult, label: Partial<LabelRecord> = {}, known: typeof PRINT | null = PRINT) {
  return settle({ ...LABEL, ...label }, result, 'labels/a', 'computed', 2, known);
}

describe('a finished calculation', () => {
  it('is a label with its figures, and its values are a blob without the cost', () => {
    const { events, blobs } = settled(success());
    expect(events).toEqual([
      {
        type: 'label-done',
        data: {
          ...{ id: 'a', result: blobs[0]!.id, energy: -10, maxForce: 5, cost: 4 },
          ...{ directory: 'labels/a', source: 'computed', fingerprint: PRINT },
        },
      },
    ]);
    expect(readLabel(blobs[0]!.bytes)).toMatchObject({ energy: -10, internalEnergy: -9.9, virial: null });
    expect(settled(success({ cost: 99 })).blobs[0]!.id).toBe(blobs[0]!.id);
  });

  it.each([
    ['no number', { energy: Number.POSITIVE_INFINITY }, /must be finite/],
    ['a force that is none', { forces: Float64Array.of(0, 0, 0, 0, 0, Number.NaN) }, /must be finite/],
    ['a virial that is none', { virial: new Float64Array(6).fill(Number.NaN) }, /must be finite/],
    ['too few forces', { forces: new Float64Array(3) }, /3 force components for 2 atoms/],
    [
      'another code',
      { fingerprint: { ...PRINT, code: 'pw.x 7.0' } },
      /computed by pw\.x 7\.0, the other labels by pw\.x 6\.7/,
    ],
    ['other settings', { fingerprint: { ...PRINT, settings: '{}' } }, /other settings/],
    ['another file of the same name', { fingerprint: { ...PRINT, files: { 'Si.UPF': '3' } } }, /another Si\.UPF/],
  ])('with %s is rejected as inconsistent', (_, change, message) => {
    const { events, blobs } = settled(success(change));
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'label-rejected', data: { reason: 'inconsistent', cost: 4 } });
    expect((events[0]!.data as { message: string }).message).toMatch(message);
    expect(blobs).toEqual([]);
  });

  it('may use other files where they belong to elements that the others lack', () => {
    const silicon = success({ fingerprint: { ...PRINT, files: { 'Si.UPF': '1' } } });
    expect(settled(silicon).events[0]!.type).toBe('label-done');
    const carbide = success({ fingerprint: { ...PRINT, files: { 'Si.UPF': '1', 'C.UPF': '9' } } });
    expect(settled(carbide).events[0]!.type).toBe('label-done');
    expect(settled(success(), {}, null).events[0]!.type).toBe('label-done');
  });
});

describe('a calculation that failed', () => {
  const failure = (reason: FailureReason): LabelResult => ({ status: 'failed', reason, message: 'm', cost: 2 });

  it('is tried again after scf and lost only, so many times', () => {
    expect(settled(failure('scf')).events[0]).toEqual({
      type: 'label-queued',
      data: { id: 'a', reason: 'scf', message: 'm', cost: 2 },
    });
    expect(settled(failure('scf'), { attempt: SCF_RETRIES }).events[0]!.type).toBe('label-failed');
    expect(settled(failure('lost'), { attempt: SCF_RETRIES }).events[0]!.type).toBe('label-queued');
    expect(settled(failure('lost'), { lost: LOST_RETRIES }).events[0]!.type).toBe('label-failed');
    for (const reason of ['input', 'crash', 'timeout'] as const) {
      expect(settled(failure(reason)).events[0]).toEqual({
        type: 'label-failed',
        data: { id: 'a', reason, message: 'm', cost: 2 },
      });
    }
  });

  it('or was rejected keeps its reason', () => {
    const rejected: LabelResult = { status: 'rejected', reason: 'overlap', message: 'm', cost: 0 };
    expect(settled(rejected).events).toEqual([
      { type: 'label-rejected', data: { id: 'a', reason: 'overlap', message: 'm', cost: 0 } },
    ]);
  });
});
