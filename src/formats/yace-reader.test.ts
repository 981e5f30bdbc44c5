import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { atomicNumberOf } from '../core/elements.ts';
import { FormatError } from '../core/errors.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { YaceDocument } from './yace.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';

interface Case {
  elements: string[];
  types: number[];
  positions: number[][];
  yace: string;
}
const { A5_P2 } = golden<{ A: { A5_P2: Case } }>('reference-values').A;

function clusterOf(c: Case): Structure {
  return {
    positions: Float64Array.from(c.positions.flat()),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.from(c.types, (t) => atomicNumberOf(c.elements[t]!)),
  };
}

/** The inner cutoff of the reference file, and others. */
const ZERO = 'rcut_in: 0, dcut_in: 0, inner_cutoff_type: distance';
const INNER = (type: string, cutoff: number, width: number): string =>
  `rcut_in: ${cutoff}, dcut_in: ${width}, inner_cutoff_type: ${type}`;

describe('reading', () => {
  const text = A5_P2.yace;
  const changed = (from: string | RegExp, to: string): (() => YaceDocument) => {
    const edited = text.replace(from, to);
    expect(edited).not.toBe(text);
    return () => readYace(edited, 'pot.yace');
  };

  it.each<[string, string | RegExp, string, string]>([
    ['no YAML', 'elements: [', 'elements: ]', 'INVALID_YAML'],
    ['a repeated key', 'E0:', 'elements: [Al]\nE0:', 'INVALID_YAML'],
    ['a repeated pair', '[1, 0]:', '[0,1]:', 'DUPLICATE_KEY'],
    ['a missing pair', /\n {2}\[1, 0\].*/, '', 'MISSING_KEY'],
    ['a missing element of functions', /\n {2}1:\n {4}-[\s\S]*/, '\n', 'MISSING_KEY'],
    ['a missing embedding', /\n {2}1: \{ndensity.*/, '', 'MISSING_KEY'],
    ['E0 too short', 'E0: [-0.1, -0.2]', 'E0: [-0.1]', 'WRONG_LENGTH'],
    ['no E0', /E0:.*\n/, '', 'MISSING_KEY'],
    ['no deltaSplineBins', /deltaSplineBins:.*\n/, '', 'MISSING_KEY'],
    ['deltaSplineBins 0', 'deltaSplineBins: 0.001', 'deltaSplineBins: 0', 'OUT_OF_RANGE'],
    ['an unknown embedding', 'npoti: FinnisSinclairShiftedScaled', 'npoti: Linear', 'UNKNOWN_EMBEDDING'],
    ['an embedding without weight and exponent for all', 'FS_parameters: [1, 1]', 'FS_parameters: [1]', 'WRONG_LENGTH'],
    ['an exponent of 0', 'FS_parameters: [1, 1]', 'FS_parameters: [1, 0]', 'OUT_OF_RANGE'],
    ['no density', 'ndensity: 1, FS_parameters', 'ndensity: 0, FS_parameters', 'OUT_OF_RANGE'],
    ['another number of densities in a function', 'rank: 1, ndensity: 1', 'rank: 1, ndensity: 2', 'OUT_OF_RANGE'],
    ['a coefficient that is no number', 'ctildes: [0.3]', 'ctildes: [.nan]', 'INVALID_NUMBER'],
    ['an infinite cutoff', 'rcut: 5.5', 'rcut: .inf', 'INVALID_NUMBER'],
    ['n = 0', 'ns: [1]', 'ns: [0]', 'OUT_OF_RANGE'],
    ['n above nradbasemax at rank 1', 'ns: [2]', 'ns: [3]', 'OUT_OF_RANGE'],
    ['n above nradmax at rank 2', 'ns: [1, 1]', 'ns: [1, 2]', 'OUT_OF_RANGE'],
    ['l above lmax', 'ls: [1, 1]', 'ls: [2, 2]', 'OUT_OF_RANGE'],
    ['an m above l', 'ms_combs: [0, 0, 1, -1]', 'ms_combs: [0, 0, 2, -2]', 'OUT_OF_RANGE'],
    ['m that do not add to 0', 'ms_combs: [0, 0, 1, -1]', 'ms_combs: [0, 0, 1, 0]', 'OUT_OF_RANGE'],
    ['an element out of range', 'mus: [1]', 'mus: [2]', 'OUT_OF_RANGE'],
    ['a wrong mu0', 'mu0: 0, rank: 1', 'mu0: 1, rank: 1', 'OUT_OF_RANGE'],
    ['too few m', 'num_ms_combs: 2', 'num_ms_combs: 3', 'WRONG_LENGTH'],
    ['too few elements', 'mus: [0, 0]', 'mus: [0]', 'WRONG_LENGTH'],
    ['short radcoefficients', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3], [0.7]]]', 'WRONG_LENGTH'],
    ['radcoefficients with too few l', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3]]]', 'WRONG_LENGTH'],
    ['radcoefficients with too many n', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3], [0.7, -0.2]], []]', 'WRONG_LENGTH'],
    ['an unknown radbasename', 'radbasename: SBessel', 'radbasename: Laguerre', 'UNSUPPORTED_POTENTIAL'],
    ['ChebLinear', 'radbasename: SBessel', 'radbasename: ChebLinear', 'UNSUPPORTED_POTENTIAL'],
    ['no radparameters where they are used', 'radparameters: [2.5]', 'radparameters: []', 'WRONG_LENGTH'],
    ['a bad exponent', 'radparameters: [2.5]', 'radparameters: [-1]', 'OUT_OF_RANGE'],
    ['a bad decay', 'radparameters: [3]', 'radparameters: [0]', 'OUT_OF_RANGE'],
    ['a decay that leaves no digit', 'radparameters: [3]', 'radparameters: [1e-30]', 'OUT_OF_RANGE'],
    ['a decay that overflows', 'radparameters: [3]', 'radparameters: [-900]', 'OUT_OF_RANGE'],
    ['a negative width of the cutoff', 'dcut: 0.01', 'dcut: -0.01', 'OUT_OF_RANGE'],
    ['a negative cutoff', 'rcut: 5.5', 'rcut: -5.5', 'OUT_OF_RANGE'],
    ['an unknown inner cutoff', 'inner_cutoff_type: distance', 'inner_cutoff_type: zbl2', 'UNSUPPORTED_POTENTIAL'],
    ['zbl with one neighbour only', ZERO, INNER('zbl', 1, 0.1), 'UNSUPPORTED_POTENTIAL'],
    ['a nearest neighbour that switches at once', ZERO, INNER('zbl', 1, 0), 'OUT_OF_RANGE'],
    ['products that end at once', ZERO, INNER('density', 1, 0.4), 'UNSUPPORTED_POTENTIAL'],
    ['a negative inner cutoff', ZERO, INNER('distance', -1, 0.4), 'OUT_OF_RANGE'],
    [
      'a repulsion cut off at once',
      /dcut: 0.01, rcut_in: 0, dcut_in: 0.*?distance/,
      `dcut: 0, ${INNER('zbl', 1, 0.1)}`,
      'OUT_OF_RANGE',
    ],
    [
      'one density here, two there',
      'ndensity: 1, FS_parameters: [1, 1]',
      'ndensity: 2, FS_parameters: [1, 1, 1, 1]',
      'DIFFERENT_DENSITIES',
    ],
    ['a core that acts by density', ZERO, INNER('density', 0, 0), 'OK'],
    ['no width of the inner switch', 'rcut_in: 0, dcut_in: 0', 'rcut_in: 1, dcut_in: 0', 'OUT_OF_RANGE'],
    ['a core switch of no width', 'drho_core_cutoff: 250', 'drho_core_cutoff: 0', 'OUT_OF_RANGE'],
    ['an unknown element', 'elements: [Al, Ni]', 'elements: [Al, Xx]', 'UNKNOWN_ELEMENT'],
    ['an element twice', 'elements: [Al, Ni]', 'elements: [Al, Al]', 'INVALID_YACE'],
    ['a number for an element', 'elements: [Al, Ni]', 'elements: [13, 28]', 'INVALID_YACE'],
    ['a map for a list', 'ctildes: [0.3]', 'ctildes: {a: 1}', 'INVALID_YACE'],
    ['a list for a map', /embeddings:\n.*\n.*/, 'embeddings: []', 'INVALID_YACE'],
    ['an unknown key', 'E0:', 'embedding: {}\nE0:', 'UNKNOWN_KEY'],
  ])('%s', (_, from, to, code) => {
    const read = changed(from, to);
    if (code === 'OK') return void expect(read).not.toThrow();
    let caught: unknown;
    try {
      read();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(FormatError);
    expect((caught as FormatError).code).toBe(code);
  });

  // What the loader of the simulation program lets pass or crashes on; the message says where and what.
  it.each<[string, string | RegExp, string, RegExp]>([
    ['a missing ordered pair', /\n {2}\[1, 0\].*/, '', /^pot\.yace:8:3: bonds must have the key "1,0"$/],
    [
      'a species missing in functions',
      /\n {2}1:\n {4}-[\s\S]*/,
      '\n',
      /^pot\.yace:13:3: functions must have the key "1"$/,
    ],
    ['E0 shorter than elements', 'E0: [-0.1, -0.2]', 'E0: [-0.1]', /^pot\.yace:2:5: E0 must have 2 entries, got 1$/],
    [
      'an unknown embedding',
      'npoti: FinnisSinclairShiftedScaled',
      'npoti: Sinclair',
      /^pot\.yace:5:\d+: npoti of embedding 0 must be FinnisSinclair or FinnisSinclairShiftedScaled, got "Sinclair"$/,
    ],
    [
      'a coefficient that is no number',
      'ctildes: [0.15]',
      'ctildes: [.nan]',
      /^pot\.yace:15:\d+: ctildes of function of element 0 must be a finite number, got NaN$/,
    ],
    [
      'an infinite coefficient',
      'ctildes: [0.15]',
      'ctildes: [-.inf]',
      /^pot\.yace:15:\d+: ctildes of function of element 0 must be a finite number, got -Infinity$/,
    ],
    [
      'n of 0',
      'ns: [2]',
      'ns: [0]',
      /^pot\.yace:15:\d+: ns of function of element 0 must be an integer from 1 to 2, got 0$/,
    ],
    [
      'n above nradmax',
      'ns: [1, 1]',
      'ns: [1, 2]',
      /^pot\.yace:18:\d+: ns of function of element 0 must be an integer from 1 to 1, got 2$/,
    ],
    ['no deltaSplineBins', /deltaSplineBins:.*\n/, '', /^pot\.yace:1:1: the file must have the key "deltaSplineBins"$/],
    ['no E0', /E0:.*\n/, '', /^pot\.yace:1:1: the file must have the key "E0"$/],
    [
      'an unknown radbasename',
      'radbasename: SBessel',
      'radbasename: Laguerre',
      /^pot\.yace:11:\d+: radbasename of bond \[1,1\] must be SBessel, ChebExpCos or ChebPow, got "Laguerre"$/,
    ],
    [
      'short radcoefficients',
      '[[[1, 0.3], [0.7, -0.2]]]',
      '[[[1, 0.3], [0.7]]]',
      /^pot\.yace:8:\d+: radcoefficients of bond \[0,0\] must have 2 entries, got 1$/,
    ],
    [
      'densities that differ by species',
      /1: \{ndensity: 1, FS_parameters: \[1, 1\]/,
      '1: {ndensity: 2, FS_parameters: [1, 1, 1, 1]',
      /^pot\.yace:6:\d+: ndensity of embedding 1 must be 1 as that of embedding 0 .*, got 2$/,
    ],
    ['a key twice', 'E0:', 'elements: [Al]\nE0:', /^pot\.yace:2:1: Map keys must be unique/],
    ['a pair twice', '[1, 0]:', '[0, 1]:', /^pot\.yace:10:3: (Map keys must be unique|bonds must not repeat)/],
  ])('refuses %s and says where', (_, from, to, message) => {
    expect(changed(from, to)).toThrowError(message);
  });

  it('refuses a file that ends anywhere within a line', () => {
    const lines = text.trimEnd().split('\n');
    const starts = lines.map((_, k) => lines.slice(0, k).join('\n').length + (k > 0 ? 1 : 0));
    starts.forEach((start, k) => {
      for (const part of [0.35, 0.7]) {
        const end = start + Math.floor(part * lines[k]!.length);
        expect(() => readYace(text.slice(0, end), 'pot.yace'), `line ${k + 1}, ${part}`).toThrowError(FormatError);
      }
    });
  });

  it('refuses an empty file', () => {
    expect(() => readYace('', 'empty.yace')).toThrowError('empty.yace: the file must be a map');
  });

  it('takes density for the inner cutoff where none is said, as the format has it', () => {
    const said = readYace(text.replaceAll('inner_cutoff_type: distance', 'inner_cutoff_type: density'), 'p');
    const unsaid = readYace(text.replaceAll(', inner_cutoff_type: distance', ''), 'p');
    expect(unsaid.potential.bonds[0]![0]!.inner).toEqual({ type: 'density', cutoff: 0, width: 0 });
    expect(said.potential.bonds.flat().map(({ inner }) => inner)).toEqual(
      unsaid.potential.bonds.flat().map(({ inner }) => inner),
    );
  });

  it('takes keys of pairs as texts, metadata, and the factor of the embedding', () => {
    const quoted = text.replace(/\[(\d), (\d)\]:/g, '"$1, $2":').replace('E0:', 'metadata: {by: us}\nE0:');
    const halved = quoted.replaceAll('FS_parameters: [1, 1]', 'FS_parameters: [0.5, 1]');
    const structure = clusterOf(A5_P2);
    const energy = (source: string): number => createYacePotential(readYace(source, 'p')).evaluate(structure).energy;
    expect(energy(quoted)).toBe(energy(text));
    const isolated = 3 * -0.1 + 3 * -0.2;
    expect(energy(halved) - isolated).toAgree((energy(text) - isolated) / 2, {
      rtol: 1e-13,
      why: 'half of the density',
    });
  });
});
