import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../test/support/models.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { suggestPair } from '../core/descriptors/ace/presets.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { unionOf } from '../core/descriptors/ace/specification.ts';
import { RandomStream } from '../core/random.ts';
import { bbasisDocument, bbasisPotential, formatBBasis } from './bbasis.ts';
import { readBBasis } from './bbasis-reader.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';
import { writeYace } from './yace.ts';

const UNIONS = {
  'rectangle and pairs': [
    { nmax: [5, 3, 2], lmax: [0, 3, 2] },
    { order: 2, degree: 12, weight: 1.5 },
  ],
  'an order without functions': [{ nmax: [4, 2, 0, 1], lmax: [0, 1, 0, 2] }],
};

describe.each(Object.entries(UNIONS))('a union (%s)', (_, sets) => {
  const basis = buildAceBasis({
    elements: ['Si'],
    radial: 'SBessel',
    ...unionOf(sets),
    pairs: [[suggestPair('Si', 'Si', 4.6, 2)]],
  });
  const stream = new RandomStream(4, 'unions');
  const coefficients = Float64Array.from({ length: basis.offsets.at(-1)! }, () => 0.01 * stream.normal());
  const model = { basis, coefficients, e0: [-1] };
  const { structure } = siliconFrames(1)[0]!;
  const expected = createAceProgram(basis).evaluate([structure], coefficients)[0]!;
  const n = structure.species.length;

  it('is the same potential as a .yace file', () => {
    const got = createYacePotential(readYace(writeYace(model), 'memory')).evaluate(structure);
    expect(got.energy).toAgree(expected.energy - n, { rtol: 1e-12, why: 'the same functions, written and read' });
    expect(got.forces).toAgree(expected.forces, { atol: 1e-12, why: 'the same functions, written and read' });
  });

  it('is the same functions in a B-basis file', () => {
    const document = readBBasis(formatBBasis(bbasisDocument(model)), 'memory');
    expect(document.functions[0]!.length).toBe(basis.functions[0]!.length);
    expect(bbasisPotential(document).functions[0]!.length).toBeGreaterThan(0);
  });
});
