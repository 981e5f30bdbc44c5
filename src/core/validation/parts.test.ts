import { describe, expect, it } from 'vitest';
import { meanParts, PART_NAMES, summarizeParts } from './parts.ts';

const parts = (label: number, modelForm: number, epistemic: number) => ({ label, modelForm, epistemic });

describe('parts of intervals', () => {
  it('are root mean squares, so that their squares add up over a set, too', () => {
    expect(meanParts([parts(0, 3, 1), parts(0, 4, 7)])).toEqual(parts(0, Math.sqrt(12.5), 5));
    expect(meanParts([])).toBeNull();
    expect(PART_NAMES.map((name) => parts(1, 2, 3)[name])).toEqual([1, 2, 3]);
  });

  it('are of an atom for energies, and pooled over atoms and components', () => {
    const frame = (atoms: number, energy: number) => ({
      atoms,
      parts: {
        energy: parts(0, 0, energy),
        forces: Array.from({ length: atoms }, (_, i) => parts(0.1, i, 0)),
        stress: atoms === 2 ? null : [parts(0, 0, 1e-3)],
      },
    });
    expect(summarizeParts([frame(2, 4), frame(4, 8), { atoms: 3 }])).toEqual({
      energy: parts(0, 0, 2),
      forces: { label: expect.closeTo(0.1, 12), modelForm: Math.sqrt((1 + 1 + 4 + 9) / 6), epistemic: 0 },
      stress: parts(0, 0, 1e-3),
    });
    expect(summarizeParts([{ atoms: 3 }])).toBeNull();
    expect(summarizeParts([frame(2, 1)])!.stress).toBeNull();
  });
});
