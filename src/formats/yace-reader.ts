import type { Node } from 'yaml';
import { ChebyshevExponential, ChebyshevPower } from '../core/descriptors/ace/chebyshev.ts';
import { MAX_ORDER } from '../core/descriptors/ace/coupling.ts';
import type {
  Embedding,
  InnerCutoff,
  ProductBond,
  ProductFunction,
  ProductPotential,
} from '../core/descriptors/ace/product-basis.ts';
import { type RadialFunctions, SphericalBessel } from '../core/descriptors/ace/radial.ts';
import { isElement } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import type { YaceDocument } from './yace.ts';
import { YaceSource } from './yace-source.ts';

function readElements(source: YaceSource, node: Node | undefined): string[] {
  const elements = source.items(node, 'elements').map((item) => {
    const symbol = source.word(item, 'an element');
    if (!isElement(symbol)) source.fail(item, 'UNKNOWN_ELEMENT', `element must be a chemical symbol, got "${symbol}"`);
    return symbol;
  });
  if (elements.length === 0 || new Set(elements).size < elements.length) {
    source.fail(
      node ?? null,
      'INVALID_YACE',
      `elements must be different and at least one, got [${elements.join(', ')}]`,
    );
  }
  return elements;
}

/** Embedding of one element; all elements must have as many densities as the first. */
function readEmbedding(source: YaceSource, node: Node, mu: number, expected: number | null): Embedding {
  const name = `embedding ${mu}`;
  const { entries } = source.section(
    node,
    name,
    ['ndensity', 'FS_parameters', 'npoti', 'rho_core_cutoff', 'drho_core_cutoff'],
    [],
  );
  const ndensity = source.integer(entries.get('ndensity'), `ndensity of ${name}`, 1, 100);
  if (expected !== null && ndensity !== expected) {
    const message = `ndensity of ${name} must be ${expected} as that of embedding 0 (evaluators take it for granted), got ${ndensity}`;
    source.fail(entries.get('ndensity')!, 'DIFFERENT_DENSITIES', message);
  }
  const kind = source.word(entries.get('npoti'), `npoti of ${name}`);
  if (kind !== 'FinnisSinclair' && kind !== 'FinnisSinclairShiftedScaled') {
    const known = 'FinnisSinclair or FinnisSinclairShiftedScaled';
    source.fail(entries.get('npoti')!, 'UNKNOWN_EMBEDDING', `npoti of ${name} must be ${known}, got "${kind}"`);
  }
  const parameters = source.numbers(entries.get('FS_parameters'), `FS_parameters of ${name}`, 2 * ndensity);
  const densities = Array.from({ length: ndensity }, (_, p) => {
    const exponent = parameters[2 * p + 1]!;
    if (!(exponent > 0)) {
      const message = `exponents in FS_parameters of ${name} must be positive, got ${exponent}`;
      source.fail(entries.get('FS_parameters')!, 'OUT_OF_RANGE', message);
    }
    return { weight: parameters[2 * p]!, exponent };
  });
  const coreCutoff = source.number(entries.get('rho_core_cutoff'), `rho_core_cutoff of ${name}`);
  const coreWidth = source.number(entries.get('drho_core_cutoff'), `drho_core_cutoff of ${name}`);
  if (!(coreWidth > 0)) {
    const message = `drho_core_cutoff of ${name} must be positive, got ${coreWidth} eV`;
    source.fail(entries.get('drho_core_cutoff')!, 'OUT_OF_RANGE', message);
  }
  return { kind, densities, coreCutoff, coreWidth };
}

/** Radial functions by the name that files of the PACE family give them; what is wrong is said of `node`. */
export function radialFunctions(
  source: YaceSource,
  node: Node,
  label: string,
  name: string,
  count: number,
  parameters: readonly number[],
  cutoff: number,
  width: number,
): RadialFunctions {
  switch (name) {
    case 'SBessel':
    case 'TEST_SBessel':
      return new SphericalBessel(cutoff, count);
    case 'ChebExpCos':
    case 'ChebPow':
      if (parameters.length < 1)
        source.fail(node, 'WRONG_LENGTH', `radparameters of ${label} must have 1 entry, got 0`);
      try {
        return name === 'ChebPow'
          ? new ChebyshevPower(cutoff, count, parameters[0]!)
          : new ChebyshevExponential(cutoff, count, parameters[0]!, width);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        return source.fail(node, 'OUT_OF_RANGE', `${name} of ${label}: ${error.message}`);
      }
    case 'ChebLinear':
      return source.fail(
        node,
        'UNSUPPORTED_POTENTIAL',
        `radbasename of ${label} must vanish at the cutoff, got ChebLinear, whose energies jump there`,
      );
    default:
      return source.fail(
        node,
        'UNSUPPORTED_POTENTIAL',
        `radbasename of ${label} must be SBessel, ChebExpCos or ChebPow, got "${name}"`,
      );
  }
}

/** [nmax, lmax+1, count] coefficients R_nl ← g_k of a pair. */
export function readMixing(
  source: YaceSource,
  node: Node,
  label: string,
  nmax: number,
  lmax: number,
  count: number,
): Float64Array {
  const name = `radcoefficients of ${label}`;
  const flat: number[] = [];
  const rows = source.items(node, name);
  if (rows.length !== nmax) {
    source.fail(node, 'WRONG_LENGTH', `${name} must have nradmax ${nmax} rows, got ${rows.length}`);
  }
  for (const row of rows) {
    const columns = source.items(row, name);
    if (columns.length !== lmax + 1) {
      source.fail(row, 'WRONG_LENGTH', `${name} must have lmax + 1 = ${lmax + 1} columns, got ${columns.length}`);
    }
    for (const column of columns) flat.push(...source.numbers(column, name, count));
  }
  return Float64Array.from(flat);
}

function readBond(source: YaceSource, node: Node, label: string): ProductBond {
  const { entries } = source.section(
    node,
    label,
    // biome-ignore format: a list of keys
    ['nradmax', 'lmax', 'nradbasemax', 'radbasename', 'radparameters', 'radcoefficients', 'prehc', 'lambdahc', 'rcut', 'dcut'],
    ['rcut_in', 'dcut_in', 'inner_cutoff_type'],
  );
  const number = (key: string): number => source.number(entries.get(key), `${key} of ${label}`);
  const nmax = source.integer(entries.get('nradmax'), `nradmax of ${label}`, 0, 1000);
  const lmax = source.integer(entries.get('lmax'), `lmax of ${label}`, 0, 30);
  const count = source.integer(entries.get('nradbasemax'), `nradbasemax of ${label}`, 1, 1000);
  const cutoff = number('rcut');
  if (!(cutoff > 0))
    source.fail(entries.get('rcut')!, 'OUT_OF_RANGE', `rcut of ${label} must be positive, got ${cutoff} Å`);
  const cutoffWidth = number('dcut');
  if (!(cutoffWidth >= 0)) {
    source.fail(entries.get('dcut')!, 'OUT_OF_RANGE', `dcut of ${label} must be 0 or more, got ${cutoffWidth} Å`);
  }
  const radialName = source.word(entries.get('radbasename'), `radbasename of ${label}`);
  const radialParameters = source.numbers(entries.get('radparameters'), `radparameters of ${label}`);
  const nameNode = entries.get('radbasename')!;
  const radial = radialFunctions(source, nameNode, label, radialName, count, radialParameters, cutoff, cutoffWidth);
  const coefficients = readMixing(source, entries.get('radcoefficients')!, label, nmax, lmax, count);
  const core = { prefactor: number('prehc'), lambda: number('lambdahc') };
  const inner = readInnerCutoff(source, node, entries, label, cutoffWidth);
  return { radial, radialName, radialParameters, cutoffWidth, nmax, lmax, coefficients, inner, core };
}

/** Whether a file says `distance`, `density` or `zbl`. */
function isInnerType(word: string): word is InnerCutoff['type'] {
  return word === 'distance' || word === 'density' || word === 'zbl';
}

/** Keys of inner radius, its width and the width of the cutoff function. */
export interface InnerCutoffKeys {
  readonly cutoff: string;
  readonly width: string;
  readonly outerWidth: string;
}

const YACE_KEYS: InnerCutoffKeys = { cutoff: 'rcut_in', width: 'dcut_in', outerWidth: 'dcut' };

/**
 * Inner cutoff of a bond; `density` is the default of the format. Refused is what makes energies jump: a switch without
 * width, and `density` with an inner radius, below which simulation programs drop the products at once.
 */
export function readInnerCutoff(
  source: YaceSource,
  node: Node,
  entries: ReadonlyMap<string, Node>,
  label: string,
  cutoffWidth: number,
  keys: InnerCutoffKeys = YACE_KEYS,
): InnerCutoff {
  const typeNode = entries.get('inner_cutoff_type');
  const type = typeNode === undefined ? 'density' : source.word(typeNode, `inner_cutoff_type of ${label}`);
  if (!isInnerType(type)) {
    const message = `inner_cutoff_type of ${label} must be distance, density or zbl, got "${type}"`;
    source.fail(typeNode!, 'UNSUPPORTED_POTENTIAL', message);
  }
  const read = (key: string): number => {
    const value = entries.has(key) ? source.number(entries.get(key), `${key} of ${label}`) : 0;
    if (!(value >= 0)) {
      source.fail(entries.get(key)!, 'OUT_OF_RANGE', `${key} of ${label} must not be negative, got ${value} Å`);
    }
    return value;
  };
  const [cutoff, width] = [read(keys.cutoff), read(keys.width)];
  if (width === 0 && ((type === 'distance' && cutoff > 0) || type === 'zbl')) {
    const message = `${keys.width} of ${label} must be positive with inner_cutoff_type ${type}, otherwise energies jump, got 0 Å`;
    source.fail(entries.get(keys.width) ?? node, 'OUT_OF_RANGE', message);
  }
  if (type === 'density' && cutoff > width) {
    const message = `${keys.cutoff} of ${label} must not exceed ${keys.width} with inner_cutoff_type density, where energies jump at their difference, got ${cutoff} and ${width} Å`;
    source.fail(entries.get(keys.cutoff)!, 'UNSUPPORTED_POTENTIAL', message);
  }
  if (type === 'zbl' && cutoffWidth === 0) {
    const message = `${keys.outerWidth} of ${label} must be positive with inner_cutoff_type zbl, got 0 Å`;
    source.fail(entries.get(keys.outerWidth)!, 'OUT_OF_RANGE', message);
  }
  return { type, cutoff, width };
}

/** Refuses bonds of one central element of which only some are zbl: the nearest neighbour decides for all. */
export function requireOneSwitch(source: YaceSource, node: Node, bonds: readonly ProductBond[], mu: number): void {
  const zbl = bonds.filter(({ inner }) => inner.type === 'zbl').length;
  if (zbl === 0 || zbl === bonds.length) return;
  const message = `inner_cutoff_type must be zbl in all bonds of element ${mu} or in none, got ${zbl} of ${bonds.length}`;
  source.fail(node, 'UNSUPPORTED_POTENTIAL', message);
}

function readFunction(
  source: YaceSource,
  node: Node,
  mu0: number,
  bonds: readonly ProductBond[],
  ndensity: number,
): ProductFunction {
  const name = `function of element ${mu0}`;
  const { entries } = source.section(
    node,
    name,
    ['mu0', 'rank', 'ndensity', 'num_ms_combs', 'mus', 'ns', 'ls', 'ms_combs', 'ctildes'],
    [],
  );
  const list = (key: string, count: number, least: (t: number) => number, most: (t: number) => number): number[] => {
    const items = source.items(entries.get(key), `${key} of ${name}`);
    if (items.length !== count) {
      source.fail(
        entries.get(key)!,
        'WRONG_LENGTH',
        `${key} of ${name} must have ${count} entries, got ${items.length}`,
      );
    }
    return items.map((item, t) => source.integer(item, `${key} of ${name}`, least(t), most(t)));
  };
  source.integer(entries.get('mu0'), `mu0 of ${name}`, mu0, mu0);
  source.integer(entries.get('ndensity'), `ndensity of ${name}`, ndensity, ndensity);
  const rank = source.integer(entries.get('rank'), `rank of ${name}`, 1, MAX_ORDER);
  const terms = source.integer(entries.get('num_ms_combs'), `num_ms_combs of ${name}`, 1, rank === 1 ? 1 : 1e6);
  const zero = (): number => 0;
  const mus = list('mus', rank, zero, () => bonds.length - 1);
  const bond = (t: number): ProductBond => bonds[mus[t]!]!;
  const ns = list(
    'ns',
    rank,
    () => 1,
    (t) => (rank === 1 ? bond(t).radial.count : bond(t).nmax),
  );
  const ls = list('ls', rank, zero, (t) => (rank === 1 ? 0 : bond(t).lmax));
  const ms = list(
    'ms_combs',
    rank * terms,
    (k) => -ls[k % rank]!,
    (k) => ls[k % rank]!,
  );
  for (let k = 0; k < terms; k++) {
    const sum = ms.slice(k * rank, (k + 1) * rank).reduce((total, m) => total + m, 0);
    if (sum !== 0)
      source.fail(entries.get('ms_combs')!, 'OUT_OF_RANGE', `ms_combs of ${name} must add to 0, got ${sum}`);
  }
  const coefficients = source.numbers(entries.get('ctildes'), `ctildes of ${name}`, terms * ndensity);
  return { mus, ns, ls, ms: Int8Array.from(ms), coefficients: Float64Array.from(coefficients) };
}

/**
 * Reads the text of a `.yace` file strictly: what the simulation program would take silently for something else is an
 * error here, and so is what would make energies jump. Radial functions: SBessel, ChebExpCos and ChebPow.
 *
 * @param file name of the file, for messages
 * @throws FormatError `INVALID_YAML`, `INVALID_YACE`, `MISSING_KEY`, `UNKNOWN_KEY`, `DUPLICATE_KEY`, `INVALID_NUMBER`,
 *   `OUT_OF_RANGE`, `WRONG_LENGTH`, `UNKNOWN_ELEMENT`, `UNKNOWN_EMBEDDING`, `DIFFERENT_DENSITIES`,
 *   `UNSUPPORTED_POTENTIAL`
 */
export function readYace(text: string, file: string): YaceDocument {
  const source = new YaceSource(text, file);
  const { entries } = source.section(
    source.root,
    'the file',
    ['elements', 'E0', 'deltaSplineBins', 'embeddings', 'bonds', 'functions'],
    ['metadata', 'auxdata'],
  );
  const elements = readElements(source, entries.get('elements'));
  const count = elements.length;
  const e0 = source.numbers(entries.get('E0'), 'E0', count);
  const deltaSplineBins = source.number(entries.get('deltaSplineBins'), 'deltaSplineBins');
  if (!(deltaSplineBins > 0)) {
    const message = `deltaSplineBins must be positive, got ${deltaSplineBins} Å`;
    source.fail(entries.get('deltaSplineBins')!, 'OUT_OF_RANGE', message);
  }
  const embeddings: Embedding[] = [];
  for (const node of source.byElement(entries.get('embeddings')!, 'embeddings', count)) {
    embeddings.push(readEmbedding(source, node, embeddings.length, embeddings[0]?.densities.length ?? null));
  }
  const ndensity = embeddings[0]!.densities.length;
  const pairKeys = elements.map((_, mu) => elements.map((__, nu) => `${mu},${nu}`));
  const bondSection = source.section(entries.get('bonds')!, 'bonds', pairKeys.flat());
  const bonds = pairKeys.map((row) =>
    row.map((key) => readBond(source, bondSection.entries.get(key)!, `bond [${key}]`)),
  );
  for (const [mu, row] of bonds.entries()) {
    requireOneSwitch(source, bondSection.entries.get(pairKeys[mu]![0]!)!, row, mu);
  }
  const functions = source
    .byElement(entries.get('functions')!, 'functions', count)
    .map((node, mu) =>
      source
        .items(node, `functions of element ${mu}`)
        .map((item) => readFunction(source, item, mu, bonds[mu]!, ndensity)),
    );
  const potential: ProductPotential = { elements, e0, bonds, functions, embeddings };
  return { potential, deltaSplineBins };
}
