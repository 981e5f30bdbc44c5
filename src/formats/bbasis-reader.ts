import type { Node } from 'yaml';
import type { AceBasis, AceSpecification } from '../core/descriptors/ace/basis.ts';
import { COUPLING_TREES, generalizedClebschGordan, MAX_ORDER } from '../core/descriptors/ace/coupling.ts';
import { buildAceBasis, DEFAULT_BASIS_LIMITS } from '../core/descriptors/ace/enumerate.ts';
import type { Embedding, ProductBond } from '../core/descriptors/ace/product-basis.ts';
import { isElement } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import {
  type BBasisDocument,
  type BBasisFunction,
  METADATA_E0,
  METADATA_SPECIFICATION,
  specificationMatches,
} from './bbasis.ts';
import { radialFunctions, readInnerCutoff, readMixing, requireOneSwitch } from './yace-reader.ts';
import { YaceSource } from './yace-source.ts';

/** Keys of a block of one element about its embedding; the last two have defaults. */
const EMBEDDING_KEYS = ['ndensityi', 'npoti', 'parameters'];
const EMBEDDING_DEFAULTS = ['rho_core_cut', 'drho_core_cut'];
// biome-ignore format: a list of keys
const BOND_KEYS = ['nradmaxi', 'lmaxi', 'rcutij', 'dcutij', 'NameOfCutoffFunctionij', 'nradbaseij', 'radbase', 'radparameters', 'radcoefficients'];
const BOND_DEFAULTS = ['r_in', 'delta_in', 'inner_cutoff_type', 'core-repulsion'];
const INNER_KEYS = { cutoff: 'r_in', width: 'delta_in', outerWidth: 'dcutij' };
/** Products of A in one function at most: far beyond any real one, so that no file keeps the program busy for long. */
const MOST_TERMS = 1e6;

type Entries = ReadonlyMap<string, Node>;

/** A species block: its elements (central first) and what it holds. */
interface Block {
  readonly name: string;
  readonly node: Node;
  readonly symbols: readonly string[];
  readonly entries: Entries;
}

function readBlock(source: YaceSource, node: Node): Block {
  const entries = source.section(
    node,
    'species block',
    ['speciesblock', 'nbody'],
    [...EMBEDDING_KEYS, ...EMBEDDING_DEFAULTS, ...BOND_KEYS, ...BOND_DEFAULTS],
  ).entries;
  const nameNode = entries.get('speciesblock')!;
  const symbols = source.word(nameNode, 'speciesblock').split(' ');
  for (const symbol of symbols) {
    if (!isElement(symbol)) {
      source.fail(nameNode, 'UNKNOWN_ELEMENT', `speciesblock must be of chemical symbols, got "${symbol}"`);
    }
  }
  const name = `block ${symbols.join(' ')}`;
  if (new Set(symbols).size < symbols.length) {
    source.fail(nameNode, 'INVALID_BBASIS', `${name} must name each element once`);
  }
  const wanted = [
    ...(symbols.length === 1 ? EMBEDDING_KEYS : []),
    ...(symbols.length <= 2 ? BOND_KEYS : []),
    'speciesblock',
    'nbody',
  ];
  const allowed = [
    ...wanted,
    ...(symbols.length === 1 ? EMBEDDING_DEFAULTS : []),
    ...(symbols.length <= 2 ? BOND_DEFAULTS : []),
  ];
  source.section(node, name, wanted, allowed);
  return { name, node, symbols, entries };
}

function readEmbedding(source: YaceSource, { name, entries }: Block): Embedding {
  const nDensities = source.integer(entries.get('ndensityi'), `ndensityi of ${name}`, 1, 100);
  const kind = source.word(entries.get('npoti'), `npoti of ${name}`);
  if (kind !== 'FinnisSinclair' && kind !== 'FinnisSinclairShiftedScaled') {
    const message = `npoti of ${name} must be FinnisSinclair or FinnisSinclairShiftedScaled, got "${kind}"`;
    source.fail(entries.get('npoti')!, 'UNKNOWN_EMBEDDING', message);
  }
  const parameters = source.numbers(entries.get('parameters'), `parameters of ${name}`, 2 * nDensities);
  const densities = Array.from({ length: nDensities }, (_, p) => {
    const exponent = parameters[2 * p + 1]!;
    if (!(exponent > 0)) {
      const message = `exponents in parameters of ${name} must be positive, got ${exponent}`;
      source.fail(entries.get('parameters')!, 'OUT_OF_RANGE', message);
    }
    return { weight: parameters[2 * p]!, exponent };
  });
  const orElse = (key: string, value: number): number =>
    entries.has(key) ? source.number(entries.get(key), `${key} of ${name}`) : value;
  const coreWidth = orElse('drho_core_cut', 250);
  if (!(coreWidth > 0)) {
    const message = `drho_core_cut of ${name} must be positive, got ${coreWidth} eV`;
    source.fail(entries.get('drho_core_cut')!, 'OUT_OF_RANGE', message);
  }
  return { kind, densities, coreCutoff: orElse('rho_core_cut', 100000), coreWidth };
}

function readBond(source: YaceSource, { name, node, entries }: Block): ProductBond {
  const nmax = source.integer(entries.get('nradmaxi'), `nradmaxi of ${name}`, 0, 1000);
  const lmax = source.integer(entries.get('lmaxi'), `lmaxi of ${name}`, 0, 30);
  const count = source.integer(entries.get('nradbaseij'), `nradbaseij of ${name}`, 1, 1000);
  const cutoff = source.number(entries.get('rcutij'), `rcutij of ${name}`);
  if (!(cutoff > 0)) {
    source.fail(entries.get('rcutij')!, 'OUT_OF_RANGE', `rcutij of ${name} must be positive, got ${cutoff} Å`);
  }
  const cutoffWidth = source.number(entries.get('dcutij'), `dcutij of ${name}`);
  if (!(cutoffWidth >= 0)) {
    source.fail(entries.get('dcutij')!, 'OUT_OF_RANGE', `dcutij of ${name} must be 0 or more, got ${cutoffWidth} Å`);
  }
  const envelope = source.word(entries.get('NameOfCutoffFunctionij'), `NameOfCutoffFunctionij of ${name}`);
  if (envelope !== 'cos') {
    const message = `NameOfCutoffFunctionij of ${name} must be cos, got "${envelope}"`;
    source.fail(entries.get('NameOfCutoffFunctionij')!, 'UNSUPPORTED_POTENTIAL', message);
  }
  const radialName = source.word(entries.get('radbase'), `radbase of ${name}`);
  const radialParameters = source.numbers(entries.get('radparameters'), `radparameters of ${name}`);
  const at = entries.get('radbase')!;
  const radial = radialFunctions(source, at, name, radialName, count, radialParameters, cutoff, cutoffWidth);
  const coefficients = readMixing(source, entries.get('radcoefficients')!, name, nmax, lmax, count);
  const [prefactor, lambda] = entries.has('core-repulsion')
    ? source.numbers(entries.get('core-repulsion'), `core-repulsion of ${name}`, 2)
    : [0, 1];
  const core = { prefactor: prefactor!, lambda: lambda! };
  const inner = readInnerCutoff(source, node, entries, name, cutoffWidth, INNER_KEYS);
  return { radial, radialName, radialParameters, cutoffWidth, nmax, lmax, coefficients, inner, core };
}

/** Everything of a bond that files give, for comparison. */
function bondText(bond: ProductBond): string {
  const { radialName, radialParameters, cutoffWidth, nmax, lmax, coefficients, inner, core, radial } = bond;
  // biome-ignore format: one list
  return JSON.stringify([radialName, radialParameters, radial.cutoff, radial.count, cutoffWidth, nmax, lmax, [...coefficients], inner, core]);
}

/** Whether couplings take the momenta along the tree to 0, with an even sum of l. */
function isAdmissible(ls: readonly number[], couplings: readonly number[]): boolean {
  if (ls.reduce((sum, l) => sum + l, 0) % 2 !== 0) return false;
  const momenta = [...ls, ...couplings];
  return COUPLING_TREES[ls.length]!.every(([a, b, out]) => {
    const [la, lb] = [momenta[a]!, momenta[b]!];
    if (out < 0) return la === lb;
    return momenta[out]! >= Math.abs(la - lb) && momenta[out]! <= la + lb;
  });
}

interface LocatedFunction {
  readonly fn: BBasisFunction;
  readonly node: Node;
}

/** Reads a function of a block; `bonds` are those of the central element. */
function readFunction(
  source: YaceSource,
  node: Node,
  block: Block,
  elements: readonly string[],
  bonds: readonly ProductBond[],
  nDensities: number,
): LocatedFunction {
  const label = `function of ${block.name}`;
  const { entries } = source.section(node, label, ['type', 'nr', 'nl', 'c'], ['lint']);
  const types = source.word(entries.get('type'), `type of ${label}`).split(' ');
  const order = types.length - 1;
  if (order < 1 || order > MAX_ORDER) {
    const message = `type of ${label} must name 2 to ${MAX_ORDER + 1} atoms, got "${types.join(' ')}"`;
    source.fail(entries.get('type')!, 'OUT_OF_RANGE', message);
  }
  if (types[0] !== block.symbols[0] || types.some((symbol) => !block.symbols.includes(symbol))) {
    const message = `type of ${label} must begin with ${block.symbols[0]} and hold elements of the block only, got "${types.join(' ')}"`;
    source.fail(entries.get('type')!, 'INVALID_BBASIS', message);
  }
  const mus = types.slice(1).map((symbol) => elements.indexOf(symbol));
  const integers = (key: string, count: number, least: number, most: (t: number) => number): number[] => {
    const at = entries.get(key);
    const items = at === undefined && count === 0 ? [] : source.items(at ?? node, `${key} of ${label}`);
    if (items.length !== count) {
      const message = `${key} of ${label} must have ${count} entries for ${order} neighbours, got ${items.length}`;
      source.fail(at ?? node, 'WRONG_LENGTH', message);
    }
    return items.map((item, t) => source.integer(item, `${key} of ${label}`, least, most(t)));
  };
  const bond = (t: number): ProductBond => bonds[mus[t]!]!;
  if (order > 2 && !entries.has('lint')) {
    source.fail(node, 'MISSING_KEY', `${label} must have the key "lint" for ${order} neighbours`);
  }
  const ns = integers('nr', order, 1, (t) => (order === 1 ? bond(t).radial.count : bond(t).nmax));
  const ls = integers('nl', order, 0, (t) => (order === 1 ? 0 : bond(t).lmax));
  const couplings = integers('lint', Math.max(0, order - 2), 0, () => 30 * MAX_ORDER);
  if (!isAdmissible(ls, couplings)) {
    const message = `lint of ${label} must couple nl [${ls.join(', ')}] to 0, got [${couplings.join(', ')}]`;
    source.fail(entries.get('lint') ?? entries.get('nl')!, 'INADMISSIBLE_COUPLING', message);
  }
  if (ls.slice(1).reduce((product, l) => product * (2 * l + 1), 1) > MOST_TERMS) {
    source.fail(entries.get('nl')!, 'OUT_OF_RANGE', `nl of ${label} must have fewer than ${MOST_TERMS} terms`);
  }
  const coefficients = source.numbers(entries.get('c'), `c of ${label}`, nDensities);
  return { fn: { mus, ns, ls, couplings, coefficients }, node };
}

function compareLists(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let k = 0; k < a.length && k < b.length; k++) if (a[k] !== b[k]) return a[k]! - b[k]!;
  return a.length - b.length;
}

/**
 * The order in which simulation programs number the functions of an element, and with them the columns of an active set:
 * by order, elements, n, l, number of m tuples before compression, those tuples.
 */
function sortFunctions(functions: readonly LocatedFunction[]): LocatedFunction[] {
  const keyed = functions.map((located) => {
    const { ls, couplings } = located.fn;
    return { located, half: generalizedClebschGordan(ls, couplings) };
  });
  keyed.sort((a, b) => {
    const [x, y] = [a.located.fn, b.located.fn];
    return (
      x.mus.length - y.mus.length ||
      compareLists(x.mus, y.mus) ||
      compareLists(x.ns, y.ns) ||
      compareLists(x.ls, y.ls) ||
      a.half.coefficients.length - b.half.coefficients.length ||
      compareLists(a.half.ms, b.half.ms)
    );
  });
  return keyed.map(({ located }) => located);
}

const labelOf = ({ mus, ns, ls, couplings }: Pick<BBasisFunction, 'mus' | 'ns' | 'ls' | 'couplings'>): string =>
  `${mus.join()}|${ns.join()}|${ls.join()}|${couplings.join()}`;

/** Energies of isolated atoms from `Al -3.7, Ni -5.2`. */
function readIsolatedAtoms(
  source: YaceSource,
  entry: { readonly node: Node; readonly text: string } | undefined,
  elements: readonly string[],
): number[] {
  if (entry === undefined) return elements.map(() => 0);
  const found = new Map<string, number>();
  for (const part of entry.text.split(',')) {
    const match = /^\s*([A-Z][a-z]?) (\S+)\s*$/.exec(part);
    const value = match === null ? Number.NaN : Number(match[2]);
    if (match === null || !Number.isFinite(value) || found.has(match[1]!)) {
      const message = `E0 of metadata must be energies as "Al -3.7, Ni -5.2", got "${entry.text}"`;
      source.fail(entry.node, 'INVALID_NUMBER', message);
    }
    found.set(match[1]!, value);
  }
  if ([...found.keys()].sort().join() !== elements.join()) {
    const message = `E0 of metadata must be of the elements ${elements.join(', ')}, got ${[...found.keys()].join(', ')}`;
    source.fail(entry.node, 'INVALID_BBASIS', message);
  }
  return elements.map((symbol) => found.get(symbol)!);
}

/** The basis that the metadata names, once its functions and pairs prove to be those of the file. */
function readBasis(
  source: YaceSource,
  entry: { readonly node: Node; readonly text: string } | undefined,
  document: Omit<BBasisDocument, 'basis'>,
): AceBasis | null {
  if (entry === undefined) return null;
  const most = document.functions.reduce((sum, block) => sum + block.length, 0);
  let basis: AceBasis;
  try {
    const specification = JSON.parse(entry.text) as AceSpecification;
    // Where some of a list are kept, the list is longer.
    const limits = specification.kept === undefined ? { perElement: most, total: most } : DEFAULT_BASIS_LIMITS;
    basis = buildAceBasis(specification, limits);
  } catch (error) {
    if (
      !(
        error instanceof InputError ||
        error instanceof SyntaxError ||
        error instanceof TypeError ||
        error instanceof RangeError
      )
    )
      throw error;
    return source.fail(
      entry.node,
      'INVALID_BBASIS',
      `${METADATA_SPECIFICATION} must be a basis, but: ${error.message}`,
    );
  }
  const same = basis.functions.every(
    (functions, mu) => functions.map(labelOf).join('\n') === document.functions[mu]?.map(labelOf).join('\n'),
  );
  if (!same || !specificationMatches(basis.specification, document)) {
    const message = `${METADATA_SPECIFICATION} must name the functions and pairs of this file, but names others`;
    source.fail(entry.node, 'INVALID_BBASIS', message);
  }
  return basis;
}

/**
 * Reads the text of a B-basis file strictly; the rules of `readYace` hold here, too. Beyond them: each block once, all
 * elements and ordered pairs there, A-B and B-A alike, `lint` in full and admissible, no function twice.
 *
 * @param file name of the file, for messages
 * @throws FormatError codes of `readYace`, and `INVALID_BBASIS`, `MISSING_BLOCK`, `DUPLICATE_BLOCK`, `DIFFERENT_BONDS`,
 *   `INADMISSIBLE_COUPLING`, `DUPLICATE_FUNCTION`
 */
export function readBBasis(text: string, file: string): BBasisDocument {
  const source = new YaceSource(text, file);
  const { entries } = source.section(source.root, 'the file', ['global', 'species'], ['metadata', 'auxdata']);
  const global = source.section(entries.get('global')!, 'global', ['DeltaSplineBins']).entries;
  const deltaSplineBins = source.number(global.get('DeltaSplineBins'), 'DeltaSplineBins');
  if (!(deltaSplineBins > 0)) {
    const message = `DeltaSplineBins must be positive, got ${deltaSplineBins} Å`;
    source.fail(global.get('DeltaSplineBins')!, 'OUT_OF_RANGE', message);
  }
  const blocks = new Map<string, Block>();
  for (const node of source.items(entries.get('species'), 'species')) {
    const block = readBlock(source, node);
    const [central, ...others] = block.symbols;
    const key = [central!, ...others.sort()].join(' ');
    if (blocks.has(key)) source.fail(node, 'DUPLICATE_BLOCK', `${block.name} must be there once`);
    blocks.set(key, block);
  }
  const elements = [...blocks.keys()].filter((key) => !key.includes(' ')).sort();
  if (elements.length === 0) source.fail(entries.get('species')!, 'MISSING_BLOCK', 'species must hold an element');
  for (const block of blocks.values()) {
    const stranger = block.symbols.find((symbol) => !elements.includes(symbol));
    if (stranger === undefined) continue;
    source.fail(block.node, 'MISSING_BLOCK', `${block.name} must be of elements with a block, got ${stranger}`);
  }
  const blockOf = (key: string): Block =>
    blocks.get(key) ?? source.fail(entries.get('species')!, 'MISSING_BLOCK', `species must hold the block ${key}`);
  const bonds = elements.map((a) => elements.map((b) => readBond(source, blockOf(a === b ? a : `${a} ${b}`))));
  const embeddings = elements.map((symbol) => readEmbedding(source, blockOf(symbol)));
  const nDensities = embeddings[0]!.densities.length;
  elements.forEach((a, mu) => {
    const own = embeddings[mu]!.densities.length;
    if (own !== nDensities) {
      const message = `ndensityi of block ${a} must be ${nDensities} as that of ${elements[0]} (evaluators take it for granted), got ${own}`;
      source.fail(blockOf(a).entries.get('ndensityi')!, 'DIFFERENT_DENSITIES', message);
    }
    requireOneSwitch(source, blockOf(a).node, bonds[mu]!, mu);
    elements.forEach((b, nu) => {
      if (bonds[mu]![nu]!.inner.type !== bonds[0]![0]!.inner.type) {
        const message = `inner_cutoff_type must be the same in all blocks, got ${bonds[mu]![nu]!.inner.type} for ${a}-${b} and ${bonds[0]![0]!.inner.type} for ${elements[0]}`;
        source.fail(blockOf(a === b ? a : `${a} ${b}`).node, 'UNSUPPORTED_POTENTIAL', message);
      }
      if (nu > mu && bondText(bonds[mu]![nu]!) !== bondText(bonds[nu]![mu]!)) {
        const message = `radial data of block ${b} ${a} must be those of block ${a} ${b}, got others`;
        source.fail(blockOf(`${b} ${a}`).node, 'DIFFERENT_BONDS', message);
      }
    });
  });
  const functions = elements.map((central, mu) => {
    const found: LocatedFunction[] = [];
    const known = new Set<string>();
    for (const block of blocks.values()) {
      if (block.symbols[0] !== central) continue;
      for (const item of source.items(block.entries.get('nbody'), `nbody of ${block.name}`)) {
        const located = readFunction(source, item, block, elements, bonds[mu]!, nDensities);
        const label = labelOf(located.fn);
        if (known.has(label)) {
          source.fail(item, 'DUPLICATE_FUNCTION', `function of ${block.name} must be there once`);
        }
        known.add(label);
        found.push(located);
      }
    }
    return sortFunctions(found).map(({ fn }) => fn);
  });
  const texts = entries.has('metadata')
    ? source.texts(entries.get('metadata')!, 'metadata')
    : new Map<string, { node: Node; text: string }>();
  const e0 = readIsolatedAtoms(source, texts.get(METADATA_E0), elements);
  const metadata = Object.fromEntries(
    [...texts]
      .filter(([key]) => key !== METADATA_E0 && key !== METADATA_SPECIFICATION)
      .map(([key, value]) => [key, value.text]),
  );
  const document = { elements, bonds, embeddings, functions, deltaSplineBins, e0, metadata };
  return { ...document, basis: readBasis(source, texts.get(METADATA_SPECIFICATION), document) };
}
