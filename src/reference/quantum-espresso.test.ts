import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SI2, SI2_SETTINGS } from '../../test/support/si2.ts';
import { cellVolume } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';
import { BOHR, HARTREE, RYDBERG } from '../core/units.ts';
import { type QuantumEspressoSettings, quantumEspresso } from './quantum-espresso.ts';
import { type EngineOutcome, type LabelResult, type LabelSuccess, STDERR_FILE, STDOUT_FILE } from './reference.ts';

const [si2, settings] = [SI2, SI2_SETTINGS];
const al: Structure = {
  positions: new Float64Array(3),
  cell: Float64Array.of(0, 2.02, 2.02, 2.02, 0, 2.02, 2.02, 2.02, 0),
  pbc: [true, true, true],
  species: Uint8Array.of(13),
};
const metal: QuantumEspressoSettings = {
  ...settings,
  pseudopotentials: { Al: { file: 'Al.pz-vbc.UPF', sha256: 'cd' } },
  smearing: { type: 'marzari-vanderbilt', width: 0.2 },
  kPoints: { mesh: [3, 3, 3], shifted: false },
};

const ended = (exitCode: number | null, signal: string | null = null): EngineOutcome => ({
  exitCode,
  signal,
  timedOut: false,
  seconds: 1.5,
});

/** Saved outputs under the names that pw.x gave them. */
function saved(name: string): Map<string, string> {
  const folder = new URL(`../../test/golden/qe/${name}/`, import.meta.url);
  const places = { [STDOUT_FILE]: 'stdout.txt', [STDERR_FILE]: 'stderr.txt', 'out/pw.xml': 'pw.xml' };
  const all = { ...places, 'out/pw.save/data-file-schema.xml': 'data-file-schema.xml' };
  const present = Object.entries(all).filter(([, file]) => existsSync(new URL(file, folder)));
  return new Map(present.map(([place, file]) => [place, readFileSync(new URL(file, folder), 'utf8')]));
}

function parse(name: string, outcome: EngineOutcome, structure = si2, chosen = settings): LabelResult {
  return quantumEspresso(chosen).parse(saved(name), structure, outcome);
}

describe('input of pw.x', () => {
  const text = (structure: Structure, chosen = settings, attempt = 0): string =>
    quantumEspresso(chosen).prepare(structure, attempt).files.get('pw.in')!;

  it('is what pw.x 6.7 accepted and the saved outputs came from', () => {
    const written = (name: string) =>
      readFileSync(new URL(`../../test/golden/qe/${name}/pw.in`, import.meta.url), 'utf8');
    expect(text(si2)).toBe(written('converged'));
    expect(text(al, metal)).toBe(written('smeared'));
  });

  it('runs pw.x on it, or the command with {input} replaced, and removes the densities afterwards', () => {
    const { run } = quantumEspresso(settings).prepare(si2, 0);
    expect([run.command, ...run.args]).toEqual(['pw.x', '-in', 'pw.in']);
    expect(run.outputs).toEqual(['stdout.txt', 'stderr.txt', 'out/pw.xml', 'out/pw.save/data-file-schema.xml']);
    expect(run.scratch).toEqual(['out/pw.save']);
    const parallel = quantumEspresso({
      ...settings,
      command: ['mpirun', 'pw.x', '-inp', '{input}', '-nk', '2'],
    }).prepare(si2, 0).run;
    expect([parallel.command, ...parallel.args]).toEqual(['mpirun', 'pw.x', '-inp', 'pw.in', '-nk', '2']);
  });

  it('gives an unconverged structure more iterations and half the mixing, and nothing else', () => {
    const [first, second] = [text(si2), text(si2, settings, 1)];
    expect(second).toBe(
      first
        .replace('electron_maxstep = 100', 'electron_maxstep = 300')
        .replace('mixing_beta = 0.7', 'mixing_beta = 0.35'),
    );
    expect(text(si2, settings, 2)).toContain('electron_maxstep = 900');
  });

  it('converts the smearing to Ry and uses the Γ algorithms for Γ alone', () => {
    expect(text(al, metal)).toContain(`degauss = ${0.2 / RYDBERG}`);
    const gamma: QuantumEspressoSettings = { ...settings, kPoints: { mesh: [1, 1, 1], shifted: false } };
    expect(text(si2, gamma)).toMatch(/K_POINTS gamma\n$/);
    expect(text(si2, { ...gamma, namelists: { system: { noncolin: true } } })).toMatch(
      /K_POINTS automatic\n {2}1 1 1 0 0 0\n$/,
    );
    expect(text(si2, { ...settings, kPoints: { spacing: 0.5, shifted: false } })).toMatch(/\n {2}5 5 5 0 0 0\n$/);
  });

  it('passes namelist keys on, with elements turned into the numbers of the types present', () => {
    const alloy: QuantumEspressoSettings = {
      ...settings,
      ecutrho: 100,
      symmetry: true,
      pseudopotentials: { ...settings.pseudopotentials, Ge: { file: 'Ge.UPF', sha256: 'ef' } },
      namelists: {
        control: { max_seconds: 60 },
        system: { nspin: 2, 'starting_magnetization(Ge)': 0.5, vdw_corr: "d'3", nosym_evc: true },
        electrons: { diagonalization: 'cg' },
      },
    };
    const sige = text({ ...si2, species: Uint8Array.of(32, 14) }, alloy);
    expect(sige).toContain("  starting_magnetization(2) = 0.5\n  vdw_corr = 'd''3'\n  nosym_evc = .true.\n");
    expect(sige).toContain('  ecutrho = 100\n');
    expect(sige).toContain('  nosym = .false.\n');
    expect(sige).toMatch(/ntyp = 2[\s\S]*Si 28\.085 Si\.pz-vbc\.UPF\n {2}Ge 72\.63 Ge\.UPF\n/);
    expect(sige).toMatch(/ATOMIC_POSITIONS angstrom\n {2}Ge .*\n {2}Si /);
    expect(text(si2, alloy)).not.toContain('starting_magnetization');
    const override = { ...settings, namelists: { system: { ecutwfc: 90 } } };
    expect(() => text(si2, override)).toThrow(/does not set itself, got "ecutwfc" in &SYSTEM/);
    expect(() => text(si2, { ...settings, namelists: { system: { 'hubbard_u(Xx)': 1 } } })).toThrow(/chemical symbol/);
  });

  it('treats an open direction as vacuum, and says when there is none', () => {
    const box = Float64Array.of(8, 0, 0, 0, 8, 0, 0, 0, 20);
    const slab: Structure = { ...si2, cell: box, pbc: [true, true, false] };
    expect(text(slab)).toMatch(/tstress = \.true\.[\s\S]*2 2 1 1 1 0\n$/);
    expect(text({ ...slab, pbc: [false, false, false] })).toMatch(/tstress = \.false\.[\s\S]*K_POINTS gamma\n$/);
    const tight: Structure = { ...slab, cell: Float64Array.of(8, 0, 0, 0, 8, 0, 0, 0, 6) };
    expect(() => text(tight)).toThrow(
      /vacuum along lattice vector 3, which is not periodic, must be at least 5 Å, got 4.65 Å/,
    );
    // Atoms on both sides of the boundary: the gap is counted round the corner.
    expect(text({ ...tight, cell: box, positions: Float64Array.of(0, 0, 0.5, 0, 0, 19.5) })).toContain('K_POINTS');
    expect(() => text({ ...si2, cell: null, pbc: [false, false, false] })).toThrow(
      /must have a cell.*got none; put a molecule/,
    );
    expect(() => text({ ...si2, cell: new Float64Array(9), pbc: [false, false, false] })).toThrow(/got fewer/);
  });

  it('refuses what pw.x could only get wrong', () => {
    expect(() => text({ ...si2, species: Uint8Array.of(14, 8) })).toThrow(/got none for O/);
    expect(() => text({ ...si2, species: new Uint8Array(0), positions: new Float64Array(0) })).toThrow(
      /at least one atom/,
    );
    expect(() => quantumEspresso({ ...settings, ecutwfc: 0 })).toThrow(/ecutwfc must be positive, got 0 Ry/);
    expect(() => quantumEspresso({ ...settings, ecutrho: 10 })).toThrow(/at least ecutwfc = 12 Ry, got 10 Ry/);
    expect(() => quantumEspresso({ ...settings, pseudoDirectory: 'pseudo' })).toThrow(/absolute path/);
    expect(() => quantumEspresso({ ...settings, command: [] })).toThrow(/must name a program/);
  });
});

describe('output of pw.x', () => {
  it('is a label in canonical units with the signs of a bound crystal', () => {
    const label = parse('converged', ended(0)) as LabelSuccess;
    expect(label.status).toBe('done');
    // Numbers read by eye from the text output, which prints Ry, Ry/bohr and kbar.
    const stdout = saved('converged').get(STDOUT_FILE)!;
    const total = Number(/^!\s+total energy\s+=\s+(\S+) Ry/m.exec(stdout)![1]);
    expect(label.energy).toAgree(total * RYDBERG, { atol: 1e-7, why: 'the text has 8 decimals of Ry' });
    const printed = [...stdout.matchAll(/atom\s+\d+ type\s+1\s+force =\s+(\S+)\s+(\S+)\s+(\S+)/g)].slice(0, 2);
    const forces = printed.flatMap((row) => row.slice(1).map((x) => (Number(x) * RYDBERG) / BOHR));
    expect(label.forces).toAgree(forces, { atol: 3e-7, why: 'the text has 8 decimals of Ry/bohr' });
    const pressure = Number(/P=\s*(\S+)/.exec(stdout)![1]);
    const volume = cellVolume(si2.cell!);
    const trace = (label.virial![0]! + label.virial![1]! + label.virial![2]!) / (3 * volume);
    expect(trace * 1602.1766208).toAgree(pressure, {
      atol: 0.02,
      why: 'the text has two decimals of kbar, and W/V = pressure',
    });
    expect(label.netForce).toAgree(0, { atol: 1e-6, why: 'pw.x removes the net force' });
    expect(label.internalEnergy).toBeNull();
    expect(label.cost).toBe(1.5);
  });

  it('pushes displaced atoms back towards their sites', () => {
    const label = parse('converged', ended(0)) as LabelSuccess;
    // Atom 0 sits at +0.03, −0.02, +0.01 Å from a lattice site, its partner +0.02 Å along y: forces are restoring.
    expect(Math.sign(label.forces[0]!)).toBe(-1);
    expect(Math.sign(label.forces[1]!)).toBe(1);
    expect(Math.sign(label.forces[2]!)).toBe(-1);
  });

  it('takes the free energy of a metal and gives the internal energy beside it', () => {
    const label = parse('smeared', ended(0), al, metal) as LabelSuccess;
    const stdout = saved('smeared').get(STDOUT_FILE)!;
    const number = (pattern: RegExp) => Number(pattern.exec(stdout)![1]) * RYDBERG;
    expect(label.energy).toAgree(number(/^!\s+total energy\s+=\s+(\S+) Ry/m), { atol: 1e-7, why: '8 decimals of Ry' });
    const internal = number(/internal energy E=F\+TS\s+=\s+(\S+) Ry/);
    expect(label.internalEnergy).toAgree(internal, { atol: 2e-7, why: '8 decimals of Ry' });
    expect(label.energy).toBeLessThan(label.internalEnergy!);
    expect(label.forces).toAgree([0, 0, 0], { atol: 1e-10, why: 'an atom at an inversion centre' });
  });

  it('carries a fingerprint of the code, the settings and the pseudopotentials', () => {
    const { fingerprint } = parse('converged', ended(0)) as LabelSuccess;
    expect(fingerprint.code).toBe('quantum-espresso 6.7MaX');
    expect(fingerprint.files).toEqual({ 'Si.pz-vbc.UPF': 'ab' });
    expect(JSON.parse(fingerprint.settings)).toMatchObject({
      ecutwfc: 12,
      ecutrho: 48,
      mesh: [2, 2, 2],
      shifted: true,
      convThr: 1e-9,
    });
    const identity = (change: Partial<QuantumEspressoSettings>) => quantumEspresso({ ...settings, ...change }).identity;
    expect(identity({ ecutwfc: 13 })).not.toBe(identity({}));
    expect(identity({ pseudopotentials: { Si: { file: 'Si.pz-vbc.UPF', sha256: 'ac' } } })).not.toBe(identity({}));
    expect(identity({ command: ['mpirun', 'pw.x'], mixingBeta: 0.3, electronMaxstep: 7 })).toBe(identity({}));
    const order = { namelists: { system: { nspin: 2, vdw_corr: 'd3' } } };
    expect(identity(order)).toBe(identity({ namelists: { system: { vdw_corr: 'd3', nspin: 2 } } }));
  });

  it.each<[string, EngineOutcome, string, RegExp]>([
    ['unconverged', ended(2), 'scf', /not reached in 2 iterations/],
    ['card-ignored', ended(0), 'input', /ignored the card "K_POINT AUTOMATIC"/],
    ['no-pseudopotential', ended(1), 'input', /readpp: file .*Si\.absent\.UPF not found/],
    ['overlap', ended(1), 'input', /check_atoms: atoms # 1 and # 2 overlap!/],
    ['killed', ended(null, 'SIGKILL'), 'crash', /ended by SIGKILL/],
    ['killed', ended(3), 'crash', /with exit code 3/],
    ['killed', ended(0), 'crash', /no complete XML/],
    ['killed', { ...ended(null, 'SIGTERM'), timedOut: true }, 'timeout', /stopped after 1\.5 s, the time limit/],
    ['converged', ended(1), 'crash', /with exit code 1/],
  ])('of a calculation %s (%o) is a failure: %s', (name, outcome, reason, message) => {
    const result = parse(name, outcome);
    expect(result).toMatchObject({ status: 'failed', reason, cost: 1.5 });
    expect((result as { message: string }).message).toMatch(message);
  });

  it('of an unconverged calculation is refused even if exit code and text were lost', () => {
    const xml = saved('unconverged').get('out/pw.save/data-file-schema.xml')!;
    expect(xml).toContain('<status>0</status>');
    const result = quantumEspresso(settings).parse(new Map([['out/pw.save/data-file-schema.xml', xml]]), si2, ended(0));
    expect(result).toMatchObject({ status: 'failed', reason: 'scf' });
  });

  it.each<[string, Structure, QuantumEspressoSettings, RegExp]>([
    ['other elements', { ...si2, species: Uint8Array.of(14, 32) }, settings, /other elements/],
    [
      'another number of atoms',
      { ...si2, species: Uint8Array.of(14), positions: new Float64Array(3) },
      settings,
      /2 atoms instead of 1/,
    ],
    [
      'moved atoms',
      { ...si2, positions: si2.positions.map((x, i) => (i === 4 ? x + 1e-3 : x)) },
      settings,
      /1\.0e-3 Å away/,
    ],
    ['another cell', { ...si2, cell: si2.cell!.map((x) => x * 1.01) }, settings, /cell of the output differs/],
    [
      'another mesh',
      si2,
      { ...settings, kPoints: { mesh: [2, 2, 2], shifted: false } },
      /2 2 2 1 1 1 instead of 2 2 2 0 0 0/,
    ],
    [
      'another folder',
      si2,
      { ...settings, pseudoDirectory: '/nonexistent' },
      /from \/usr\/share\/espresso\/pseudo\/ instead of \/nonexistent/,
    ],
  ])('of a different question is rejected: %s', (_, structure, chosen, message) => {
    const result = parse('converged', ended(0), structure, chosen);
    expect(result).toMatchObject({ status: 'rejected', reason: 'inconsistent' });
    expect((result as { message: string }).message).toMatch(message);
  });

  it('with pseudopotentials from a folder that was not asked for is rejected although pw.x is content', () => {
    expect(parse('other-folder', ended(0), si2, { ...settings, pseudoDirectory: '/nonexistent' })).toMatchObject({
      status: 'rejected',
    });
  });

  it('with numbers missing or overflown is no label', () => {
    const files = saved('converged');
    const xml = files.get('out/pw.xml')!;
    const judge = (text: string) =>
      quantumEspresso(settings).parse(new Map([...files, ['out/pw.xml', text]]), si2, ended(0));
    expect(judge(xml)).toMatchObject({ status: 'done' });
    expect(judge(xml.replace(/<etot>.*<\/etot>/, '<etot>*****</etot>'))).toMatchObject({
      status: 'failed',
      reason: 'crash',
      message: /not finite/,
    });
    expect(judge(xml.replace(/<forces rank[\s\S]*?<\/forces>/, ''))).toMatchObject({
      message: /no energy or no forces/,
    });
    expect(judge(xml.replace(/<stress rank[\s\S]*?<\/stress>/, ''))).toMatchObject({ message: /no stress/ });
    expect(judge(xml.slice(0, xml.indexOf('</output>')))).toMatchObject({ message: /no complete XML/ });
    expect(judge(xml.replace(/<atomic_positions>[\s\S]*?<\/atomic_positions>/g, ''))).toMatchObject({
      reason: 'inconsistent',
    });
  });

  it('uses Hartree atomic units: one Hartree per bohr is 51.4 eV/Å', () => {
    expect(HARTREE / BOHR).toAgree(51.42206747, { rtol: 1e-8, why: 'CODATA 2018' });
  });
});
