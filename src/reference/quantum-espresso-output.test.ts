import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SI2, SI2_SETTINGS } from '../../test/support/si2.ts';
import { RandomStream } from '../core/random.ts';
import { BOHR, HARTREE } from '../core/units.ts';
import { quantumEspresso } from './quantum-espresso.ts';
import {
  findComplaint,
  type QuantumEspressoOutput,
  readQuantumEspressoXml,
  structureMismatch,
} from './quantum-espresso-output.ts';
import { STDOUT_FILE } from './reference.ts';

const XML = readFileSync(new URL('../../test/golden/qe/converged/pw.xml', import.meta.url), 'utf8');
const STDOUT = readFileSync(new URL('../../test/golden/qe/converged/stdout.txt', import.meta.url), 'utf8');
const judge = (xml: string) =>
  quantumEspresso(SI2_SETTINGS).parse(
    new Map([
      [STDOUT_FILE, STDOUT],
      ['out/pw.xml', xml],
    ]),
    SI2,
    { exitCode: 0, signal: null, timedOut: false, seconds: 1 },
  );
const truth = judge(XML);

/** A minimal output of one hydrogen atom with the given parts replaced. */
function xmlWith(parts: Partial<Record<'energy' | 'forces' | 'stress' | 'atoms' | 'cell' | 'scf', string>>): string {
  const {
    energy = '<etot>-1.5</etot><demet>-0.25</demet>',
    forces = '<forces rank="2" dims="3 1">1 2 -3</forces>',
    stress = '<stress rank="2" dims="3 3" order="F">1 2 3 2 4 5 3 5 6</stress>',
    atoms = '<atom name="H" index="1">0 0 1</atom>',
    cell = '<a1>2 0 0</a1><a2>0 2 0</a2><a3>0 0 2</a3>',
    scf = '<convergence_achieved>true</convergence_achieved>',
  } = parts;
  return `<?xml version="1.0"?><qes:espresso><general_info><creator NAME="PWSCF" VERSION="7.0">x</creator></general_info>
<input><total_energy>0</total_energy></input><output><convergence_info><scf_conv>${scf}</scf_conv></convergence_info>
<atomic_structure><atomic_positions>${atoms}</atomic_positions><cell>${cell}</cell></atomic_structure>
<total_energy>${energy}</total_energy>${forces}${stress}</output></qes:espresso>`;
}
const read = (parts: Parameters<typeof xmlWith>[0]): QuantumEspressoOutput => readQuantumEspressoXml(xmlWith(parts))!;

describe('readQuantumEspressoXml', () => {
  it('converts every quantity', () => {
    const output = read({});
    expect(output).toMatchObject({ version: '7.0', converged: true, mesh: null, pseudoDirectory: null });
    const EXACT = { rtol: 1e-14, why: 'one product' };
    expect(output.energy).toAgree(-1.5 * HARTREE, EXACT);
    // demet is −TS: the internal energy F + TS lies above the free energy.
    expect(output.internalEnergy).toAgree(-1.25 * HARTREE, EXACT);
    expect(output.forces).toAgree(
      [1, 2, -3].map((f) => (f * HARTREE) / BOHR),
      EXACT,
    );
    expect(output.positions).toAgree([0, 0, BOHR], EXACT);
    expect(output.cell).toAgree(
      [2, 0, 0, 0, 2, 0, 0, 0, 2].map((x) => x * BOHR),
      EXACT,
    );
    // 8 bohr³ times a stress that counts compression positive, xx yy zz yz xz xy.
    expect(output.virial).toAgree(
      [1, 4, 6, 5, 3, 2].map((s) => 8 * s * HARTREE),
      EXACT,
    );
    expect([...output.species!]).toEqual([1]);
  });

  it('knows no internal energy without smearing', () => {
    expect(read({ energy: '<etot>-1</etot>' }).internalEnergy).toBeNull();
    expect(read({ energy: '<etot>-1</etot><demet>0.0</demet>' }).internalEnergy).toBeNull();
  });

  it.each<[string, Parameters<typeof xmlWith>[0], (output: QuantumEspressoOutput) => unknown, unknown]>([
    ['no energy', { energy: '' }, (o) => o.energy, null],
    ['an empty energy', { energy: '<etot></etot>' }, (o) => o.energy, Number.NaN],
    ['a blank energy', { energy: '<etot> \n </etot>' }, (o) => o.energy, Number.NaN],
    ['stars for an energy', { energy: '<etot>********</etot>' }, (o) => o.energy, Number.NaN],
    ['two energies', { energy: '<etot>-1.5 -2.5</etot>' }, (o) => o.energy, Number.NaN],
    ['an energy of NaN', { energy: '<etot>NaN</etot>' }, (o) => o.energy, Number.NaN],
    ['no forces', { forces: '' }, (o) => o.forces, null],
    ['forces without an end', { forces: '<forces>1 2 3' }, (o) => o.forces, null],
    ['empty forces', { forces: '<forces></forces>' }, (o) => o.forces!.length, 0],
    ['a force of stars', { forces: '<forces>1 *** 3</forces>' }, (o) => [...o.forces!][1], Number.NaN],
    ['no stress', { stress: '' }, (o) => o.virial, null],
    ['six stresses', { stress: '<stress>1 2 3 4 5 6</stress>' }, (o) => [...o.virial!], new Array(6).fill(Number.NaN)],
    ['no cell, so no virial', { cell: '' }, (o) => o.virial, null],
    ['half a cell', { cell: '<a1>1 0 0</a1><a2>0 1 0</a2>' }, (o) => o.cell, null],
    ['a short vector', { cell: '<a1>1 0</a1><a2>0 1 0</a2><a3>0 0 1</a3>' }, (o) => o.cell, null],
    ['a label for an element', { atoms: '<atom name="H1">0 0 0</atom>' }, (o) => o.species, null],
    ['an atom of two coordinates', { atoms: '<atom name="H">0 0</atom>' }, (o) => o.positions, null],
    ['no convergence flag', { scf: '' }, (o) => o.converged, null],
    ['a false one', { scf: '<convergence_achieved>false</convergence_achieved>' }, (o) => o.converged, false],
    ['an odd one', { scf: '<convergence_achieved>yes</convergence_achieved>' }, (o) => o.converged, false],
  ])('with %s', (_, parts, pick, expected) => {
    expect(pick(read(parts))).toEqual(expected);
  });

  it('is nothing without a whole output', () => {
    expect(readQuantumEspressoXml('')).toBeNull();
    expect(readQuantumEspressoXml('<output>')).toBeNull();
    expect(readQuantumEspressoXml(xmlWith({}).replace('</output>', ''))).toBeNull();
  });
});

describe('a damaged XML', () => {
  it('cut anywhere is no label', () => {
    const end = XML.indexOf('</output>');
    for (let k = 0; k < 300; k++) {
      const at = Math.floor((k * end) / 300);
      expect(judge(XML.slice(0, at)).status, `cut at ${at}`).not.toBe('done');
    }
    expect(truth.status).toBe('done');
  });

  it('with pieces lost or overwritten by what is no number is no label, or the same one', () => {
    const fates = new Map<string, number>();
    for (let run = 0; run < 1500; run++) {
      const stream = new RandomStream(run, 'xml');
      // Half of the damage goes where the numbers are.
      const lines = XML.split('\n');
      const marked = lines.flatMap((line, k) =>
        /etot|force|stress|atom|<a\d>|convergence|^\s*-?\d/.test(line) ? [k] : [],
      );
      const k = stream.integer(2) === 0 ? stream.integer(lines.length) : marked[stream.integer(marked.length)]!;
      const line = lines[k]!;
      switch (stream.integer(5)) {
        case 0:
          lines.splice(k, 1 + stream.integer(3));
          break;
        case 1:
          lines[k] = line.replace(
            /-?\d+\.\d+(e[+-]?\d+)?/i,
            ['********', 'NaN', '', '-Infinity', '1.0d0'][stream.integer(5)]!,
          );
          break;
        case 2:
          lines[k] = line.replace(/>[^<]*</, '><');
          break;
        case 3:
          lines[k] = line.replace(/<\/?[a-z_0-9]+/i, '<lost');
          break;
        default:
          lines.splice(k, 0, ['', '<etot>', 'garbage \ufffd', '</forces>', 'true'][stream.integer(5)]!);
      }
      const result = judge(lines.join('\n'));
      const key = result.status === 'done' ? 'done' : `${result.status} ${result.reason}`;
      fates.set(key, (fates.get(key) ?? 0) + 1);
      if (result.status === 'done' && truth.status === 'done') {
        expect([result.energy, result.forces, result.virial], `run ${run}`).toEqual([
          truth.energy,
          truth.forces,
          truth.virial,
        ]);
      }
    }
    expect([...fates.keys()].sort()).toEqual(expect.arrayContaining(['done', 'failed crash', 'rejected inconsistent']));
    expect(fates.get('done')!).toBeLessThan(1300);
  });
});

describe('findComplaint', () => {
  const box = (routine: string, text: string): string =>
    ` %%%%%%%%%%%%%%\n     Error in routine ${routine} (1):\n     ${text}\n %%%%%%%%%%%%%%\n     stopping ...\n`;

  it.each([
    [box('electrons', 'charge is wrong'), 'scf', 'pw.x: electrons: charge is wrong'],
    [box('c_bands', 'too many bands are not converged'), 'scf', 'pw.x: c_bands: too many bands are not converged'],
    [box('cdiaghg', 'S matrix not\n   positive definite'), 'scf', 'S matrix not positive definite'],
    [box('davcio', 'error while writing'), 'crash', 'pw.x: davcio: error while writing'],
    [box('mp_start', 'no memory'), 'crash', 'pw.x: mp_start'],
    [box('read_pseudo_mod', 'unknown file'), 'input', 'pw.x: read_pseudo_mod: unknown file'],
    [box('iosys', 'bad value'), 'input', 'pw.x: iosys: bad value'],
    ['     Warning: card K_POINT AUTOMATIC ignored\n', 'input', 'pw.x ignored the card "K_POINT AUTOMATIC"'],
    [
      '     convergence NOT achieved after  57 iterations: stopping',
      'scf',
      'self-consistency not reached in 57 iterations',
    ],
    ['     Maximum CPU time exceeded', 'timeout', 'max_seconds'],
    ['     Program stopped by user request', 'lost', '.EXIT'],
  ])('reads %j', (text, reason, message) => {
    for (const [stdout, stderr] of [[text, ''], ...(text.includes('%%%') ? [['', text] as const] : [])]) {
      const found = findComplaint(stdout!, stderr!);
      expect(found).toMatchObject({ reason, message: expect.stringContaining(message) });
    }
  });

  it('has none of a calculation that went well, nor of words that only resemble one', () => {
    expect(findComplaint(STDOUT, '')).toBeNull();
    expect(findComplaint('', '')).toBeNull();
    expect(findComplaint('convergence has been achieved in   7 iterations', 'Note: ignored')).toBeNull();
  });

  it('takes the ignored card before the failure that it caused', () => {
    const both = `Warning: card X ignored\n${box('electrons', 'charge is wrong')}`;
    expect(findComplaint(both, '')).toMatchObject({ reason: 'input' });
  });
});

describe('structureMismatch', () => {
  const output = readQuantumEspressoXml(XML)!;

  it('finds the atoms and the cell that were asked for', () => {
    expect(structureMismatch(output, SI2)).toBeNull();
  });

  it.each<[string, Partial<QuantumEspressoOutput>, RegExp]>([
    ['no atoms', { species: null }, /does not say which atoms/],
    ['no cell', { cell: null }, /does not say which atoms/],
    ['an atom less', { species: Uint8Array.of(14) }, /has 1 atoms instead of 2/],
    ['another element', { species: Uint8Array.of(14, 32) }, /other elements/],
    ['an atom elsewhere', { positions: SI2.positions.map((x, k) => (k === 4 ? x + 2e-5 : x)) }, /2\.0e-5 Å away/],
    [
      'a position that is no number',
      { positions: SI2.positions.map((x, k) => (k === 4 ? Number.NaN : x)) },
      /NaN Å away/,
    ],
    ['another cell', { cell: SI2.cell!.map((x) => x * 1.0001) }, /cell of the output differs by 2\.7e-4 Å/],
  ])('sees %s', (_, change, message) => {
    expect(structureMismatch({ ...output, ...change }, SI2)).toMatch(message);
  });
});
