import { describe, expect, it } from 'vitest';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { HARMONIC_STRIDE, harmonicIndex, SphericalHarmonics } from '../core/descriptors/ace/harmonics.ts';
import { compileProducts, componentLayout } from '../core/descriptors/ace/products.ts';
import { COLUMN_BYTES, functionTables, layoutTables, NODE } from './row-tables.ts';

const pair = { cutoff: 4, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 0 } };
const basis = buildAceBasis({
  elements: ['C', 'Si'],
  radial: 'SBessel',
  nmax: [5, 3, 2],
  lmax: [0, 3, 2],
  pairs: [
    [pair, pair],
    [pair, pair],
  ],
});
const layout = componentLayout(2, basis.functions);
const SUM_BYTES = 80;
const tables = layoutTables(layout, SUM_BYTES);
const program = compileProducts(basis.functions[0]!, layout);
const functions = functionTables(program, tables);

describe('tables of a layout', () => {
  it('number the real components of an element, n innermost', () => {
    // l = 0: 5; l = 1 … 3: 3 each for 2l + 1 rows.
    expect(tables.components).toBe(5 + 3 * (3 + 5 + 7));
    expect(tables.nodes).toHaveLength(tables.components);
    expect(new Set(tables.nodes).size).toBe(tables.components);
    const used = tables.places.filter((place) => place >= 0);
    expect([...used].sort((a, b) => a - b)).toEqual(Array.from({ length: tables.components }, (_, k) => k));
    tables.places.forEach((place, c) => {
      if (place < 0) expect(c % 2).toBe(1);
      else expect(tables.nodes[place]).toBe((c >> 1) * NODE + (c & 1) * 32);
    });
  });

  it('want sums for two l more, as wide as the strain of any l in reach', () => {
    expect([...tables.counts]).toEqual([5, 3, 3, 3]);
    expect([...tables.widths]).toEqual([5, 3, 5, 3, 3, 3]);
  });

  it('have the recursion of the harmonics', () => {
    const lmax = layout.lmax + 2;
    const harmonics = new SphericalHarmonics(lmax);
    const out = new Float64Array(HARMONIC_STRIDE * harmonics.count);
    const [x, y, z] = [0.48, -0.6, 0.64];
    harmonics.evaluate(x, y, z, out, 0);
    let at = 0;
    let [re, im] = [1, 0];
    for (let m = 0; m <= lmax; m++) {
      let [p, before] = [tables.recursion[at]!, 0];
      at += 2;
      for (let l = m; l <= lmax; l++, at += 2) {
        const expected = out[HARMONIC_STRIDE * harmonicIndex(l, m)]!;
        expect(p * re).toAgree(expected, { rtol: 1e-13, atol: 1e-14, why: 'the same recursion' });
        [p, before] = [tables.recursion[at]! * z * p + tables.recursion[at + 1]! * before, p];
      }
      [re, im] = [re * x - im * y, re * y + im * x];
    }
    expect(at).toBe(tables.recursion.length);
  });

  it('point into the rows that there are', () => {
    const rows = (layout.lmax + 3) ** 2;
    expect(tables.gradientRows).toHaveLength(10 * (layout.lmax + 1) ** 2);
    expect(Math.max(...tables.gradientRows)).toBeLessThan((layout.lmax + 2) ** 2);
    expect(tables.strainRows.every((offset) => offset % SUM_BYTES === 0 && offset < rows * SUM_BYTES)).toBe(true);
    const terms = tables.strainLengths.reduce((sum, n) => sum + n, 0);
    expect(tables.strainRows).toHaveLength(terms);
    expect(tables.strainFactors).toHaveLength(2 * terms);
  });
});

describe('tables of functions', () => {
  it('hold every derivative once', () => {
    const entries = program.jacobian.reduce((sum, block) => sum + block.components.length, 0);
    expect(functions.entries).toBe(entries);
    expect(functions.entryLengths.reduce((sum, n) => sum + n, 0)).toBe(functions.sources.length);
    expect(functions.factors).toHaveLength(functions.sources.length);
    expect(Math.max(...functions.sources)).toBeLessThan(NODE * functions.nNodes);
    functions.contractions.forEach(({ places, lengths, components }, mu) => {
      expect(lengths).toHaveLength(2 * places.length);
      expect(lengths.reduce((sum, n) => sum + n, 0)).toBe(components.length);
      expect(components).toHaveLength(program.jacobian[mu]!.components.length);
      expect(Math.max(...components)).toBeLessThan(tables.components * COLUMN_BYTES);
      // A function that does not depend on the element has no entries, its partner may.
      const row = new Map(Array.from(program.jacobian[mu]!.functions, (v, k) => [v, k]));
      places.forEach((place, p) => {
        for (const side of [0, 1]) {
          const k = row.get(place / 8 + side);
          const { rows } = program.jacobian[mu]!;
          expect(lengths[2 * p + side]).toBe(k === undefined ? 0 : rows[k + 1]! - rows[k]!);
        }
      });
    });
  });

  it('give values and their derivatives of the program by plain sums over the tables', () => {
    // Four lanes with the same numbers would show nothing: lane k has A scaled by k + 1.
    const nodes = new Float64Array((NODE / 8) * functions.nNodes);
    const at = (offset: number, lane: number) => offset / 8 + lane;
    for (let mu = 0; mu < 2; mu++) {
      tables.nodes.forEach((offset, k) => {
        for (let lane = 0; lane < 4; lane++)
          nodes[at(mu * layout.perElement * NODE + offset, lane)] = (lane + 1) * Math.sin(k + 7 * mu + 1);
      });
    }
    const one = (NODE / 8) * program.nComponents;
    nodes.fill(1, one, one + 4);
    for (let k = 0; k < functions.nProducts; k++) {
      const a = functions.products.getUint32(16 * k, true);
      const b = functions.products.getUint32(16 * k + 4, true);
      const sign = functions.products.getFloat64(16 * k + 8, true);
      const to = NODE * (program.nComponents + 1 + k);
      for (let lane = 0; lane < 4; lane++) {
        const [ar, ai] = [nodes[at(a, lane)]!, nodes[at(a + 32, lane)]!];
        const [br, bi] = [nodes[at(b, lane)]!, sign * nodes[at(b + 32, lane)]!];
        nodes[at(to, lane)] = ar * br - ai * bi;
        nodes[at(to + 32, lane)] = ar * bi + ai * br;
      }
    }
    let leaf = 0;
    const values: number[] = [];
    for (let v = 0; v < functions.nFunctions; v++) {
      let sum = 0;
      for (let k = 0; k < functions.leafLengths[v]!; k++, leaf++) {
        const a = functions.leaves.getUint32(24 * leaf, true);
        const b = functions.leaves.getUint32(24 * leaf + 4, true);
        sum += functions.leaves.getFloat64(24 * leaf + 8, true) * nodes[at(a, 2)]! * nodes[at(b, 2)]!;
        sum += functions.leaves.getFloat64(24 * leaf + 16, true) * nodes[at(a + 32, 2)]! * nodes[at(b + 32, 2)]!;
      }
      values.push(sum);
    }
    // Euler: the derivatives times the components are the order times the value.
    const degrees = new Float64Array(functions.nFunctions);
    let [entry, term] = [0, 0];
    functions.contractions.forEach(({ places, lengths, components }, mu) => {
      let c = 0;
      lengths.forEach((length, row) => {
        for (let k = 0; k < length; k++, entry++, c++) {
          let derivative = 0;
          for (let t = 0; t < functions.entryLengths[entry]!; t++, term++)
            derivative += functions.factors[term]! * nodes[at(functions.sources[term]!, 2)]!;
          const node = tables.nodes[components[c]! / COLUMN_BYTES]! + mu * layout.perElement * NODE;
          degrees[places[row >> 1]! / 8 + (row & 1)]! += derivative * nodes[at(node, 2)]!;
        }
      });
    });
    basis.functions[0]!.forEach(({ order }, v) => {
      expect(degrees[v]).toAgree(order * values[v]!, { rtol: 1e-11, atol: 1e-11, why: 'rounding of short sums' });
    });
  });
});
