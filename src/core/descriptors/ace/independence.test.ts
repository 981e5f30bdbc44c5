import { describe, expect, it } from 'vitest';
import { atomicNumberOf } from '../../elements.ts';
import { reciprocalCondition } from '../../numerics/condition.ts';
import { qrUpper } from '../../numerics/qr.ts';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import { buildAceBasis } from './enumerate.ts';
import { type PresetName, presetLimits, presetSpecification } from './presets.ts';
import { createAceProgram } from './program.ts';

const SIDE = 6.2;
const CLOSEST = 2;

/** Twelve atoms at random in a periodic box, none closer than 2 Å. */
function liquid(stream: RandomStream, elements: readonly string[]): Structure {
  const atoms: number[][] = [];
  const apart = (a: readonly number[], b: readonly number[]): boolean => {
    let square = 0;
    for (let d = 0; d < 3; d++) {
      const x = Math.abs(a[d]! - b[d]!);
      square += Math.min(x, SIDE - x) ** 2;
    }
    return square > CLOSEST * CLOSEST;
  };
  while (atoms.length < 12) {
    const atom = [0, 1, 2].map(() => SIDE * stream.uniform());
    if (atoms.every((other) => apart(atom, other))) atoms.push(atom);
  }
  return {
    positions: Float64Array.from(atoms.flat()),
    cell: Float64Array.of(SIDE, 0, 0, 0, SIDE, 0, 0, 0, SIDE),
    pbc: [true, true, true],
    species: Uint8Array.from(atoms, (_, i) => atomicNumberOf(elements[i % elements.length]!)),
  };
}

describe('presets are linearly independent on random environments', () => {
  it.each<[PresetName, readonly string[], number]>([
    ['small', ['Si'], 1e8],
    ['medium', ['Si'], 1e10],
    ['large', ['Si'], 1e12],
    ['small', ['C', 'Si'], 1e8],
    ['medium', ['C', 'Si'], 1e10],
    ['small', ['C', 'H', 'O'], 1e8],
  ])('%s of %j: every function says something of its own, to a condition of %d', (preset, elements, most) => {
    const basis = buildAceBasis(
      presetSpecification(preset, elements, 5, () => CLOSEST),
      presetLimits(preset),
    );
    const program = createAceProgram(basis);
    const d = basis.functions[0]!.length;
    const first = atomicNumberOf(basis.specification.elements[0]!);
    const stream = new RandomStream(1, 'independence', d);
    const rows: Float64Array[] = [];
    while (rows.length < 1.15 * d) {
      const structure = liquid(stream, elements);
      const [atoms] = program.descriptors([structure]);
      const width = atoms!.length / 12;
      structure.species.forEach((z, i) => {
        if (z === first) rows.push(atoms!.slice(i * width, i * width + d));
      });
    }
    const r = qrUpper(
      Float64Array.from({ length: rows.length * d }, (_, k) => rows[Math.floor(k / d)]![k % d]!),
      rows.length,
      d,
    );
    // Columns scaled to unit length; a dependent one would leave a condition of 1e16.
    expect(1 / Math.sqrt(reciprocalCondition(r, d))).toBeLessThan(most);
  });
});
