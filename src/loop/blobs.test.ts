import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../core/hash.ts';
import type { Structure } from '../core/structure/structure.ts';
import {
  assessmentBlob,
  jsonBlob,
  labelBlob,
  labelledFrame,
  originData,
  poolBlob,
  readAssessment,
  readLabel,
  readOrigin,
  readPool,
  readStructure,
  structureBlob,
} from './blobs.ts';
import type { Origin } from './ports.ts';

const STRUCTURE: Structure = {
  positions: Float64Array.of(0.1, 1 / 3, -2e-17, 1e300, Math.PI, 5),
  cell: Float64Array.of(5.43, 0, 0, 0, 5.43, 0, 0, 0.1 + 0.2, 5.43),
  pbc: [true, true, false],
  species: Uint8Array.of(14, 8),
};
const ORIGIN: Origin = {
  kind: 'exploration',
  round: 2,
  walker: 1,
  step: 40,
  reason: 'force sigma 0.4 eV/Å',
  temperature: 900,
  signals: { forceSigma: 0.4, leverage: Number.NaN, novelty: Number.POSITIVE_INFINITY },
  censored: false,
};

describe('blobs', () => {
  it('are named by the sha256 of their bytes, whatever the order of keys', () => {
    const blob = jsonBlob({ b: 1, a: [2] });
    expect(new TextDecoder().decode(blob.bytes)).toBe('{"a":[2],"b":1}');
    expect(blob.id).toBe(sha256Hex('{"a":[2],"b":1}'));
    expect(jsonBlob({ a: [2], b: 1 }).id).toBe(blob.id);
  });

  it('keep structures to the last bit', () => {
    expect(readStructure(structureBlob(STRUCTURE).bytes)).toEqual(STRUCTURE);
    expect(readStructure(structureBlob({ ...STRUCTURE, cell: null }).bytes).cell).toBeNull();
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const structure = { ...STRUCTURE, positions: Float64Array.of(x, 0, 0, 1, 1, 1) };
        // −0 becomes 0, as in the identity of structures.
        expect(readStructure(structureBlob(structure).bytes).positions[0]).toBe(x + 0);
      }),
    );
  });

  it('refuse structures whose arrays do not fit', () => {
    const bytes = jsonBlob({ positions: [1, 2], cell: null, pbc: [false, false, false], species: [14] }).bytes;
    expect(() => readStructure(bytes)).toThrow(/three coordinates per atom, got 2 for 1/);
  });

  it('keep pools; signals that are not finite come back as untrusted', () => {
    const pool = readPool(poolBlob([{ id: 'a', structure: STRUCTURE, origin: ORIGIN }]).bytes);
    expect(pool[0]!.structure).toEqual(STRUCTURE);
    expect(pool[0]!.origin.signals).toEqual({ forceSigma: 0.4, leverage: Number.NaN, novelty: Number.NaN });
    expect(originData(ORIGIN).signals).toEqual({ forceSigma: 0.4, leverage: null, novelty: null });
    expect(readOrigin(originData(ORIGIN))).toEqual(pool[0]!.origin);
  });

  it('keep labels without what differs from run to run', () => {
    const values = {
      energy: -10.5,
      internalEnergy: null,
      forces: Float64Array.of(0.1, 0.2, 0.3, -0.1, -0.2, -0.3),
      virial: Float64Array.of(1, 2, 3, 4, 5, 6),
      netForce: 1e-9,
    };
    const fingerprint = { code: 'x', settings: '{}', files: {} };
    const blob = labelBlob({ status: 'done', ...values, cost: 3, fingerprint });
    expect(readLabel(blob.bytes)).toEqual(values);
    expect(labelBlob({ status: 'done', ...values, cost: 4, fingerprint }).id).toBe(blob.id);
    const frame = labelledFrame('id', STRUCTURE, values, originData(ORIGIN), 'training', 3);
    expect(frame.labels).toEqual({ energy: -10.5, forces: values.forces, virial: values.virial });
    expect(frame.info).toMatchObject({ querent_id: 'id', querent_role: 'training', al_iteration: 2 });
    expect(frame.group).toBe('exploration');
  });

  it('keep errors; a sigma fixed by symmetry stays NaN', () => {
    const frame = {
      ...{ id: 'a', atoms: 2, energyError: 0.1, energySigma: 0.2 },
      forceErrors: [0.1, 0],
      forceSigmas: [0.2, Number.NaN],
    };
    expect(readAssessment(assessmentBlob([frame]).bytes)).toEqual([frame]);
  });
});
