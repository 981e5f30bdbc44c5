import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { ChebyshevExponential, ChebyshevPower } from '../core/descriptors/ace/chebyshev.ts';
import { MAX_ORDER } from '../core/descriptors/ace/coupling.ts';
import type { ProductBond, ProductFunction, ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import { type RadialFunctions, SphericalBessel } from '../core/descriptors/ace/radial.ts';
import { isElement } from '../core/elements.ts';
import { FormatError, InputError, type SourcePosition } from '../core/errors.ts';
import type { YaceDocument } from './yace.ts';

/** A map of the file: its values by key, and what it is, for messages. */
interface Section {
  readonly name: string;
  readonly node: Node;
  readonly entries: ReadonlyMap<string, Node>;
}

/** Node of a parsed file, with positions for its errors. */
class Source {
  private readonly file: string;
  private readonly lines = new LineCounter();
  readonly root: Node | null;

  constructor(text: string, file: string) {
    this.file = file;
    // A list as key of a block map after the first is more than the YAML reader takes; [0, 1] becomes "0, 1" in place.
    const quoted = text.replace(/^([ \t]*)\[([\d ,]*)\](\s*:)/gm, '$1"$2"$3');
    const document = parseDocument(quoted, { lineCounter: this.lines, prettyErrors: false });
    const error = document.errors[0];
    if (error) throw new FormatError('INVALID_YAML', this.at(error.pos[0]), error.message);
    this.root = document.contents;
  }

  private at(offset: number | undefined): SourcePosition {
    if (offset === undefined) return { file: this.file };
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line, column: col };
  }

  fail(node: Node | null, code: string, message: string): never {
    throw new FormatError(code, this.at(node?.range?.[0]), message);
  }

  /** A map whose keys are all known and, but for the optional ones, all there. */
  section(node: Node | null, name: string, required: readonly string[], optional: readonly string[] = []): Section {
    if (!isMap(node)) this.fail(node, 'INVALID_YACE', `${name} must be a map`);
    const entries = this.entries(node, name);
    for (const key of required) {
      if (!entries.has(key)) this.fail(node, 'MISSING_KEY', `${name} must have the key "${key}"`);
    }
    for (const [key, value] of entries) {
      if (!required.includes(key) && !optional.includes(key)) {
        this.fail(value, 'UNKNOWN_KEY', `${name} must hold known keys only, got "${key}"`);
      }
    }
    return { name, node, entries };
  }

  /** Values by key; the key of a pair, [0, 1] or "0, 1", becomes "0,1". */
  entries(map: YAMLMap, name: string): Map<string, Node> {
    const entries = new Map<string, Node>();
    for (const { key, value } of map.items) {
      const text = isSeq(key) ? this.integers(key, `key of ${name}`).join() : isScalar(key) ? String(key.value) : '';
      const plain = text.replace(/[[\]\s]/g, '');
      if (entries.has(plain)) this.fail(key as Node, 'DUPLICATE_KEY', `${name} must not repeat the key ${plain}`);
      entries.set(plain, value as Node);
    }
    return entries;
  }

  /** The values of the keys 0 … count−1, in order. */
  byElement(node: Node, name: string, count: number): Node[] {
    const keys = Array.from({ length: count }, (_, mu) => String(mu));
    const { entries } = this.section(node, name, keys);
    return keys.map((key) => entries.get(key)!);
  }

  items(node: Node | undefined, name: string): Node[] {
    if (!isSeq(node)) this.fail(node ?? null, 'INVALID_YACE', `${name} must be a list`);
    return (node as YAMLSeq).items as Node[];
  }

  number(node: Node | undefined, name: string): number {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.fail(node ?? null, 'INVALID_NUMBER', `${name} must be a finite number, got ${String(value)}`);
    }
    return value;
  }

  integer(node: Node | undefined, name: string, least: number, most: number): number {
    const value = this.number(node, name);
    if (!Number.isInteger(value) || value < least || value > most) {
      this.fail(node!, 'OUT_OF_RANGE', `${name} must be an integer from ${least} to ${most}, got ${value}`);
    }
    return value;
  }

  numbers(node: Node | undefined, name: string, count?: number): number[] {
    const values = this.items(node, name).map((item) => this.number(item, name));
    if (count !== undefined && values.length !== count) {
      this.fail(node!, 'WRONG_LENGTH', `${name} must have ${count} entries, got ${values.length}`);
    }
    return values;
  }

  private integers(node: Node, name: string): number[] {
    return this.items(node, name).map((item) => this.integer(item, name, 0, 1000));
  }

  word(node: Node | undefined, name: string): string {
    if (!isScalar(node) || typeof node.value !== 'string') {
      this.fail(node ?? null, 'INVALID_YACE', `${name} must be a word`);
    }
    return (node as { value: string }).value;
  }
}

function readElements(source: Source, node: Node | undefined): string[] {
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

/** Limits of the core and factor of the density of one element; only one density, linear, is a linear potential. */
function readEmbedding(source: Source, node: Node, mu: number): { cutoff: number; width: number; factor: number } {
  const name = `embedding ${mu}`;
  const { entries } = source.section(
    node,
    name,
    ['ndensity', 'FS_parameters', 'npoti', 'rho_core_cutoff', 'drho_core_cutoff'],
    [],
  );
  const ndensity = source.integer(entries.get('ndensity'), `ndensity of ${name}`, 1, 100);
  if (ndensity > 1) {
    source.fail(entries.get('ndensity')!, 'UNSUPPORTED_POTENTIAL', `${name} must have one density, got ${ndensity}`);
  }
  const npoti = source.word(entries.get('npoti'), `npoti of ${name}`);
  if (npoti !== 'FinnisSinclair' && npoti !== 'FinnisSinclairShiftedScaled') {
    const known = 'FinnisSinclair or FinnisSinclairShiftedScaled';
    source.fail(entries.get('npoti')!, 'UNKNOWN_EMBEDDING', `npoti of ${name} must be ${known}, got "${npoti}"`);
  }
  const [factor, exponent] = source.numbers(entries.get('FS_parameters'), `FS_parameters of ${name}`, 2);
  if (exponent !== 1) {
    const got = `exponent ${exponent}`;
    source.fail(
      entries.get('FS_parameters')!,
      'UNSUPPORTED_POTENTIAL',
      `${name} must be linear (exponent 1), got ${got}`,
    );
  }
  const cutoff = source.number(entries.get('rho_core_cutoff'), `rho_core_cutoff of ${name}`);
  const width = source.number(entries.get('drho_core_cutoff'), `drho_core_cutoff of ${name}`);
  if (!(width > 0)) source.fail(node, 'OUT_OF_RANGE', `drho_core_cutoff of ${name} must be positive, got ${width} eV`);
  return { cutoff, width, factor: factor! };
}

function radialFunctions(
  source: Source,
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

/** [nmax, lmax+1, count] coefficients. */
function readMixing(
  source: Source,
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

function readBond(source: Source, node: Node, label: string): ProductBond {
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
  const inner = readInnerCutoff(source, node, entries, label, core.prefactor);
  return { radial, radialName, radialParameters, cutoffWidth, nmax, lmax, coefficients, ...inner, core };
}

/** Inner cutoff of a bond. Without a core, `density` (the default of the format) does nothing and reads as none. */
function readInnerCutoff(
  source: Source,
  node: Node,
  entries: ReadonlyMap<string, Node>,
  label: string,
  prefactor: number,
): { innerCutoff: number; innerWidth: number } {
  const type = entries.has('inner_cutoff_type')
    ? source.word(entries.get('inner_cutoff_type'), `inner_cutoff_type of ${label}`)
    : 'density';
  const read = (key: string): number => (entries.has(key) ? source.number(entries.get(key), `${key} of ${label}`) : 0);
  const [innerCutoff, innerWidth] = [read('rcut_in'), read('dcut_in')];
  if (type === 'density' && prefactor === 0) return { innerCutoff: 0, innerWidth: 0 };
  if (type !== 'distance') {
    const got = entries.has('inner_cutoff_type') ? `"${type}"` : 'none, which means "density"';
    source.fail(node, 'UNSUPPORTED_POTENTIAL', `inner_cutoff_type of ${label} must be distance, got ${got}`);
  }
  if (!(innerCutoff >= 0 && innerWidth >= 0 && (innerCutoff === 0 || innerWidth > 0))) {
    const got = `${innerCutoff} and ${innerWidth} Å`;
    source.fail(
      node,
      'OUT_OF_RANGE',
      `rcut_in and dcut_in of ${label} must not be negative, nor dcut_in 0, got ${got}`,
    );
  }
  return { innerCutoff, innerWidth };
}

function readFunction(
  source: Source,
  node: Node,
  mu0: number,
  bonds: readonly ProductBond[],
  factor: number,
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
  source.integer(entries.get('ndensity'), `ndensity of ${name}`, 1, 1);
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
  const coefficients = source.numbers(entries.get('ctildes'), `ctildes of ${name}`, terms);
  return { mus, ns, ls, ms: Int8Array.from(ms), coefficients: Float64Array.from(coefficients, (c) => factor * c) };
}

/**
 * Reads the text of a `.yace` file strictly: what the simulation program would take silently for something else is an
 * error here. Potentials with one linear density and the radial functions SBessel, ChebExpCos and ChebPow are supported.
 *
 * @param file name of the file, for messages
 * @throws FormatError `INVALID_YAML`, `INVALID_YACE`, `MISSING_KEY`, `UNKNOWN_KEY`, `DUPLICATE_KEY`, `INVALID_NUMBER`,
 *   `OUT_OF_RANGE`, `WRONG_LENGTH`, `UNKNOWN_ELEMENT`, `UNKNOWN_EMBEDDING`, `UNSUPPORTED_POTENTIAL`
 */
export function readYace(text: string, file: string): YaceDocument {
  const source = new Source(text, file);
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
  const embeddings = source
    .byElement(entries.get('embeddings')!, 'embeddings', count)
    .map((node, mu) => readEmbedding(source, node, mu));
  const pairKeys = elements.map((_, mu) => elements.map((__, nu) => `${mu},${nu}`));
  const bondSection = source.section(entries.get('bonds')!, 'bonds', pairKeys.flat());
  const bonds = pairKeys.map((row) =>
    row.map((key) => readBond(source, bondSection.entries.get(key)!, `bond [${key}]`)),
  );
  const functions = source
    .byElement(entries.get('functions')!, 'functions', count)
    .map((node, mu) =>
      source
        .items(node, `functions of element ${mu}`)
        .map((item) => readFunction(source, item, mu, bonds[mu]!, embeddings[mu]!.factor)),
    );
  const coreLimits = embeddings.map(({ cutoff, width }) => ({ cutoff, width }));
  const potential: ProductPotential = { elements, e0, bonds, functions, coreLimits };
  return { potential, deltaSplineBins };
}
