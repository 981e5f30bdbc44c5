import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atomicNumberOf } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import { cellVolume } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';
import { kPointMesh } from './k-points.ts';
import { atomicTypes, type QuantumEspressoSettings, quantumEspressoInput } from './quantum-espresso-input.ts';

const settings: QuantumEspressoSettings = {
  command: ['pw.x'],
  pseudoDirectory: '/pseudo',
  pseudopotentials: Object.fromEntries(
    ['H', 'C', 'O', 'Si'].map((symbol) => [symbol, { file: `${symbol}.UPF`, sha256: symbol }]),
  ),
  ecutwfc: 30,
  kPoints: { spacing: 0.5, shifted: false },
};

/** Reads an input the way pw.x does: namelists, then cards. */
function readInput(text: string) {
  const namelists: Record<string, Record<string, string>> = {};
  const cards: Record<string, { option: string; rows: string[][] }> = {};
  let namelist: Record<string, string> | null = null;
  let card: { option: string; rows: string[][] } | null = null;
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('&')) {
      namelist = {};
      namelists[line.slice(1)] = namelist;
    } else if (line === '/') namelist = null;
    else if (namelist !== null) {
      const [key, value] = line.trim().split(' = ');
      expect(namelist[key!]).toBeUndefined();
      namelist[key!] = value!;
    } else if (/^[A-Z]/.test(line)) {
      const [name, option = ''] = line.split(' ');
      card = { option, rows: [] };
      cards[name!] = card;
    } else card!.rows.push(line.trim().split(/\s+/));
  }
  return { namelists, cards };
}

const coordinate = fc.double({ min: -30, max: 30, noNaN: true });
const structures: fc.Arbitrary<Structure> = fc
  .record({
    cell: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
    atoms: fc.array(fc.tuple(fc.constantFrom(1, 6, 8, 14), coordinate, coordinate, coordinate), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  .map(({ cell, atoms }) => ({
    cell: Float64Array.from(cell, (x, k) => x + (k % 4 === 0 ? 6 : 0)),
    positions: Float64Array.from(atoms.flatMap(([, ...r]) => r)),
    pbc: [true, true, true] as const,
    species: Uint8Array.from(atoms, ([z]) => z),
  }));

describe('input of pw.x', () => {
  it('says of any crystal what it is: atoms in order, cell, types and mesh', () => {
    fc.assert(
      fc.property(structures, fc.boolean(), (structure, shifted) => {
        const chosen = { ...settings, kPoints: { spacing: 0.6, shifted } };
        const { namelists, cards } = readInput(quantumEspressoInput(structure, chosen, 0));
        const PRINTED = { atol: 5.1e-13, why: 'twelve decimals' };
        expect(cards.CELL_PARAMETERS!.option).toBe('angstrom');
        expect(cards.CELL_PARAMETERS!.rows.flat().map(Number)).toAgree(structure.cell, PRINTED);
        const atoms = cards.ATOMIC_POSITIONS!;
        expect(atoms.option).toBe('angstrom');
        expect(atoms.rows.map(([symbol]) => atomicNumberOf(symbol!))).toEqual([...structure.species]);
        expect(atoms.rows.flatMap((row) => row.slice(1).map(Number))).toAgree(structure.positions, PRINTED);
        const types = cards.ATOMIC_SPECIES!.rows.map(([symbol]) => symbol);
        expect(types).toEqual(atomicTypes(structure));
        expect(new Set(types)).toEqual(new Set(atoms.rows.map(([symbol]) => symbol)));
        expect(namelists.SYSTEM).toMatchObject({
          nat: String(structure.species.length),
          ntyp: String(types.length),
          ibrav: '0',
        });
        expect(namelists.CONTROL).toMatchObject({ calculation: "'scf'", tprnfor: '.true.', tstress: '.true.' });
        const { divisions, shift } = kPointMesh(structure, chosen.kPoints);
        const points = cards.K_POINTS!;
        if (points.option === 'gamma') expect([...divisions, ...shift]).toEqual([1, 1, 1, 0, 0, 0]);
        else expect(points.rows[0]!.map(Number)).toEqual([...divisions, ...shift]);
      }),
      { numRuns: 80 },
    );
  });

  it('is the same text for the same structure, and other text for any other', () => {
    const text = (structure: Structure): string => quantumEspressoInput(structure, settings, 0);
    fc.assert(
      fc.property(structures, fc.nat(), (structure, pick) => {
        expect(text(structure)).toBe(text(structuredClone(structure)));
        const k = pick % structure.positions.length;
        const moved = { ...structure, positions: structure.positions.map((x, q) => (q === k ? x + 1e-9 : x)) };
        expect(text(moved)).not.toBe(text(structure));
      }),
      { numRuns: 30 },
    );
  });

  it('changes only the way to the result from one attempt to the next', () => {
    fc.assert(
      fc.property(structures, fc.integer({ min: 0, max: 4 }), (structure, attempt) => {
        const [first, later] = [0, attempt].map((a) => readInput(quantumEspressoInput(structure, settings, a)));
        expect(later!.cards).toEqual(first!.cards);
        expect(later!.namelists.SYSTEM).toEqual(first!.namelists.SYSTEM);
        expect(later!.namelists.CONTROL).toEqual(first!.namelists.CONTROL);
        const { electron_maxstep, mixing_beta, ...others } = later!.namelists.ELECTRONS!;
        expect(Number(electron_maxstep)).toBe(100 * 3 ** attempt);
        expect(Number(mixing_beta)).toAgree(0.7 / 2 ** attempt, { rtol: 1e-15, why: 'halves are exact' });
        expect(others).toEqual({ conv_thr: '1e-9' });
      }),
      { numRuns: 20 },
    );
  });

  it('measures vacuum between lattice planes, whatever side of the boundary the atoms are on', () => {
    const slab = (positions: number[], height: number): Structure => ({
      cell: Float64Array.of(4, 0, 0, 0, 4, 0, 1, 2, height),
      positions: Float64Array.from(positions),
      pbc: [true, true, false],
      species: new Uint8Array(positions.length / 3).fill(14),
    });
    const accepted = (structure: Structure): boolean => {
      try {
        quantumEspressoInput(structure, settings, 0);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as InputError).code).toBe('VACUUM');
        return false;
      }
    };
    // Three Å of atoms in a cell of 8.1 and of 7.9 Å.
    for (const shift of [0, -5, 3, 40.3]) {
      const atoms = [0, 0, shift, 1, 1, shift + 3];
      expect(accepted(slab(atoms, 8.1))).toBe(true);
      expect(accepted(slab(atoms, 7.9))).toBe(false);
    }
    // One atom: the whole height is vacuum; slanted by much, the cell has the volume that counts.
    expect(accepted(slab([0, 0, 0], 5.1))).toBe(true);
    expect(accepted(slab([0, 0, 0], 4.9))).toBe(false);
    expect(cellVolume(slab([0, 0, 0], 5).cell!)).toAgree(80, { rtol: 1e-14, why: 'base times height' });
  });

  it.each<[string, object]>([
    ['calculation', { control: { calculation: 'relax' } }],
    ['OUTDIR', { control: { OUTDIR: '/tmp' } }],
    ['celldm(1)', { system: { 'celldm(1)': 10 } }],
    ['degauss', { system: { degauss: 0.1 } }],
    ['nosym', { system: { nosym: true } }],
    ['conv_thr', { electrons: { conv_thr: 1e-3 } }],
    ['two words', { system: { 'two words': 1 } }],
    ['/', { system: { '/': 1 } }],
    ['nspin = 2\n/', { system: { 'nspin = 2\n/': 1 } }],
  ])('lets nobody pass on the key %j', (key, namelists) => {
    const structure: Structure = {
      cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
      positions: new Float64Array(3),
      pbc: [true, true, true],
      species: Uint8Array.of(14),
    };
    expect(() => quantumEspressoInput(structure, { ...settings, namelists }, 0)).toThrow(`got "${key}" in &`);
  });
});
