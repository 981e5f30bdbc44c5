/** Findings about structures and single labels: overlaps, periodicity, isolated atoms, absent and zero labels, keys. */
import { covalentRadiusOf, symbolOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { median } from '../numerics/median.ts';
import { cellVolume } from '../structure/cell.ts';
import { minimumDistance } from '../structure/checks.ts';
import type { Frame, InfoValue } from '../structure/structure.ts';
import type { Finding } from './check-findings.ts';
import { robustDeviation, trimmedFit } from './check-statistics.ts';
import { isIsolatedAtom } from './reference-energies.ts';

/** Atoms closer than this share of the sum of their covalent radii are an error, and closer than that worth a word. */
const OVERLAP = 0.3;
const CLOSE = 0.5;
/** Summed forces that noise may leave, eV/Å per √N. */
const NET_FORCE = 0.02;
/** Robust standard deviations beyond which a value stands out. */
const FAR = 15;
/** Energies nearer than this to the others are none, eV/atom. */
const LEAST_OUTLIER = 0.5;

const indices = (frames: readonly Frame[], test: (frame: Frame) => boolean): number[] =>
  frames.flatMap((frame, f) => (test(frame) ? [f] : []));

const plural = (count: number, noun = 'structure'): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function overlapFindings(frames: readonly Frame[]): Finding[] {
  const overlapping: number[] = [];
  const close: number[] = [];
  let worst = { ratio: Number.POSITIVE_INFINITY, distance: 0, text: '' };
  frames.forEach(({ structure }, f) => {
    const radius = structure.species.reduce((r, z) => Math.max(r, covalentRadiusOf(z)), 0);
    let pair: ReturnType<typeof minimumDistance>;
    try {
      pair = minimumDistance(structure, 2 * CLOSE * radius);
    } catch (error) {
      // A cell too small for its pairs to be counted holds atoms on top of their images.
      if (!(error instanceof InputError)) throw error;
      overlapping.push(f);
      return;
    }
    if (pair === null) return;
    const [a, b] = [structure.species[pair.i]!, structure.species[pair.j]!];
    const ratio = pair.distance / (covalentRadiusOf(a) + covalentRadiusOf(b));
    if (ratio < OVERLAP) overlapping.push(f);
    else if (ratio < CLOSE) close.push(f);
    if (ratio < worst.ratio)
      worst = { ratio, distance: pair.distance, text: `${symbolOf(a)}-${symbolOf(b)} ${pair.distance.toFixed(2)} Å` };
  });
  const evidence = { shortest: worst.distance, ofCovalentRadii: Number(worst.ratio.toPrecision(3)) };
  const findings: Finding[] = [];
  if (overlapping.length > 0)
    findings.push({
      code: 'OVERLAP',
      severity: 'error',
      message: `atoms overlap in ${plural(overlapping.length)}: ${worst.text}`,
      evidence,
      frames: overlapping,
      advice:
        'look at positions and cell: units of bohr, a wrong lattice, or atoms listed twice; otherwise leave them out',
    });
  if (close.length > 0)
    findings.push({
      code: 'CLOSE_ATOMS',
      severity: 'note',
      message: `atoms come closer than half the sum of their covalent radii in ${plural(close.length)}${overlapping.length === 0 ? `: ${worst.text}` : ''}`,
      evidence,
      frames: close,
      advice: 'the repulsive core begins below the shortest distance of the data',
    });
  return findings;
}

function periodicityFindings(frames: readonly Frame[]): Finding[] {
  const kinds = new Map<string, number[]>();
  frames.forEach((frame, f) => {
    if (isIsolatedAtom(frame)) return;
    const key = frame.structure.pbc.map((p) => (p ? 'T' : 'F')).join(' ');
    kinds.set(key, [...(kinds.get(key) ?? []), f]);
  });
  if (kinds.size < 2) return [];
  const sorted = [...kinds].sort((a, b) => b[1].length - a[1].length);
  return [
    {
      code: 'MIXED_PBC',
      severity: 'warning',
      message: `periodicity differs: ${sorted.map(([key, list]) => `${key} in ${list.length}`).join(', ')}`,
      evidence: Object.fromEntries(sorted.map(([key, list]) => [`pbc ${key}`, list.length])),
      frames: sorted
        .slice(1)
        .flatMap(([, list]) => list)
        .sort((a, b) => a - b),
      advice:
        'check that pbc says what the calculations did: an open direction has no neighbours beyond the cell and no stress',
    },
  ];
}

function isolatedAtomFindings(frames: readonly Frame[]): Finding[] {
  const present = new Set<number>();
  const isolated = new Set<number>();
  for (const frame of frames) {
    if (isIsolatedAtom(frame)) {
      if (frame.labels.energy !== null) isolated.add(frame.structure.species[0]!);
    } else for (const z of frame.structure.species) present.add(z);
  }
  const names = (list: readonly number[]): string => list.map(symbolOf).sort().join(', ');
  const missing = [...present].filter((z) => !isolated.has(z));
  const foreign = [...isolated].filter((z) => !present.has(z));
  const findings: Finding[] = [];
  if (present.size === 0) return findings;
  if (missing.length > 0)
    findings.push({
      code: isolated.size === 0 ? 'NO_ISOLATED_ATOMS' : 'INCOMPLETE_ISOLATED_ATOMS',
      severity: isolated.size === 0 ? 'note' : 'warning',
      message:
        isolated.size === 0
          ? `there are no energies of isolated atoms (${names(missing)})`
          : `energies of isolated atoms are there, but not of ${names(missing)}`,
      evidence: { missing: names(missing) },
      frames: [],
      advice:
        'without all of them energies at dissociation are arbitrary: add one atom of each element in a large box, or give --e0',
    });
  if (foreign.length > 0)
    findings.push({
      code: 'FOREIGN_ISOLATED_ATOMS',
      severity: 'note',
      message: `there are isolated atoms of ${names(foreign)}, of which no structure has any`,
      evidence: { elements: names(foreign) },
      frames: indices(frames, (frame) => isIsolatedAtom(frame) && foreign.includes(frame.structure.species[0]!)),
      advice: 'they are not used',
    });
  return findings;
}

const LABEL_NAMES = { energy: 'energy', forces: 'forces', virial: 'stress' } as const;

function absentFindings(frames: readonly Frame[]): Finding[] {
  const findings: Finding[] = [];
  for (const kind of ['energy', 'forces', 'virial'] as const) {
    const without = indices(
      frames,
      (frame) => frame.labels[kind] === null && !(kind !== 'energy' && isIsolatedAtom(frame)),
    );
    const judged = frames.filter((frame) => kind === 'energy' || !isIsolatedAtom(frame)).length;
    if (without.length === 0 || without.length === judged) continue;
    findings.push({
      code: 'MISSING_LABELS',
      severity: 'note',
      message: `${without.length} of ${plural(judged)} have no ${LABEL_NAMES[kind]}`,
      evidence: { without: without.length, of: judged },
      frames: without,
      advice:
        'that is fine where it is meant; otherwise look for another key (--energy-key, --forces-key, --stress-key)',
    });
  }
  const bare = indices(
    frames,
    ({ labels }) => labels.energy === null && labels.forces === null && labels.virial === null,
  );
  if (bare.length > 0)
    findings.push({
      code: 'NO_LABELS',
      severity: 'error',
      message: `${plural(bare.length)} ${bare.length === 1 ? 'has' : 'have'} no label at all`,
      evidence: { structures: bare.length },
      frames: bare,
      advice: 'name the keys with --energy-key, --forces-key and --stress-key, or leave them out',
    });
  const partial = indices(
    frames,
    ({ labels }) => Boolean(labels.forces?.some(Number.isNaN)) || Boolean(labels.virial?.some(Number.isNaN)),
  );
  if (partial.length > 0)
    findings.push({
      code: 'PARTIAL_LABELS',
      severity: 'note',
      message: `components of forces or stress are not numbers in ${plural(partial.length)}`,
      evidence: { structures: partial.length },
      frames: partial,
      advice: 'they are left out of a fit',
    });
  return findings;
}

const allZero = (values: Float64Array | null): boolean =>
  values !== null && values.length > 0 && values.every((x) => x === 0);

function zeroFindings(frames: readonly Frame[]): Finding[] {
  const findings: Finding[] = [];
  const zero = indices(frames, ({ labels }) => allZero(labels.virial));
  const labelled = frames.filter(({ labels }) => labels.virial !== null).length;
  // One relaxed structure may have no stress at all in the printed digits.
  if (zero.length > 1 || (zero.length === 1 && labelled <= 3))
    findings.push({
      code: 'ZERO_STRESS',
      severity: 'error',
      message: `stress is exactly zero in ${zero.length} of ${plural(labelled)}: an absent stress read as zero?`,
      evidence: { zero: zero.length, of: labelled },
      frames: zero,
      advice: 'leave the key out where there is no stress; a zero is taken for a label',
    });
  const noForce = indices(frames, ({ labels, structure }) => structure.species.length > 2 && allZero(labels.forces));
  const energies = new Set(noForce.map((f) => frames[f]!.labels.energy));
  if (
    noForce.length > 0 &&
    noForce.length ===
      frames.filter(({ labels, structure }) => labels.forces !== null && structure.species.length > 2).length &&
    energies.size > 3
  )
    findings.push({
      code: 'ZERO_FORCES',
      severity: 'error',
      message: `forces are exactly zero in all ${plural(noForce.length)} of more than two atoms, while energies differ: absent forces read as zero?`,
      evidence: { zero: noForce.length },
      frames: noForce,
      advice: 'leave the column out where there are no forces',
    });
  return findings;
}

/** Numbers of an info value of 9 or 6, as Voigt xx yy zz yz xz xy; null for anything else. */
function tensorOf(value: InfoValue | undefined): number[] | null {
  if (!Array.isArray(value)) return null;
  const numbers = (value as readonly InfoValue[]).flatMap((x) => (Array.isArray(x) ? (x as InfoValue[]) : [x]));
  if (!numbers.every((x) => typeof x === 'number' && Number.isFinite(x))) return null;
  const n = numbers as number[];
  if (n.length === 6) return n;
  return n.length === 9
    ? [n[0]!, n[4]!, n[8]!, 0.5 * (n[5]! + n[7]!), 0.5 * (n[2]! + n[6]!), 0.5 * (n[1]! + n[3]!)]
    : null;
}

const VIRIAL_KEYS = ['virial', 'virials', 'REF_virial', 'REF_virials', 'ref_virial', 'dft_virial', 'DFT_virial'];

/** Where a frame has a stress and a virial, they must be W = −Vσ. */
function virialFindings(frames: readonly Frame[]): Finding[] {
  const wrong: number[] = [];
  const ratios: number[] = [];
  frames.forEach(({ labels, info, structure }, f) => {
    if (labels.virial === null || structure.cell === null) return;
    const key = VIRIAL_KEYS.find((name) => name in info);
    const virial = key === undefined ? null : tensorOf(info[key]);
    if (virial === null) return;
    const size = labels.virial.reduce((sum, w) => sum + Math.abs(w), 0);
    const difference = virial.reduce((sum, w, c) => sum + Math.abs(w - labels.virial![c]!), 0);
    if (!(difference > 0.02 * size + 1e-3)) return;
    wrong.push(f);
    ratios.push(
      virial.reduce((sum, w, c) => sum + w * labels.virial![c]!, 0) / labels.virial.reduce((sum, w) => sum + w * w, 0),
    );
  });
  if (wrong.length === 0) return [];
  const ratio = median(ratios);
  return [
    {
      code: 'VIRIAL_AGAINST_STRESS',
      severity: 'error',
      message: `stress and virial of ${plural(wrong.length)} contradict each other: the virial is ${Number(ratio.toPrecision(3))} times −V·stress, which it should be`,
      evidence: { ratio: Number(ratio.toPrecision(4)), structures: wrong.length },
      frames: wrong,
      advice: `keep the right one (the stress was used); ${Math.abs(ratio + 1) < 0.05 ? 'one of them has the wrong sign' : 'one of them has another unit or order'}`,
    },
  ];
}

/** Free energy beside internal energy, and frames that have only one of them. */
function energyKeyFindings(frames: readonly Frame[]): Finding[] {
  const both = indices(frames, ({ labels, info }) => labels.energy !== null && typeof info.energy === 'number');
  if (both.length === 0) return [];
  const differences = both.map((f) => {
    const { labels, info, structure } = frames[f]!;
    return Math.abs((info.energy as number) - labels.energy!) / structure.species.length;
  });
  const largest = differences.reduce((a, b) => Math.max(a, b), 0);
  const findings: Finding[] = [];
  if (largest > 1e-6)
    findings.push({
      code: 'FREE_ENERGY',
      severity: 'note',
      message: `free_energy and energy differ by up to ${(1000 * largest).toPrecision(3)} meV/atom; the free energy is used, to which the forces belong`,
      evidence: { largestPerAtom: largest, structures: both.length },
      frames: both,
      advice: 'give --energy-key energy only where the forces belong to that',
    });
  const labelled = frames.filter(({ labels }) => labels.energy !== null).length;
  const only = indices(frames, ({ labels, info }) => labels.energy !== null && typeof info.energy !== 'number');
  if (both.length < labelled && largest > 1e-6)
    findings.push({
      code: 'MIXED_ENERGY_KEYS',
      severity: 'warning',
      message: `${both.length} of ${plural(labelled)} have a free energy beside the energy, the others one energy only`,
      evidence: { withBoth: both.length, withOne: only.length },
      frames: only,
      advice: 'energies of two kinds differ by the electronic entropy: use one kind for all (--energy-key)',
    });
  return findings;
}

function netForceFindings(frames: readonly Frame[]): Finding[] {
  const found: number[] = [];
  let [largest, typical] = [0, 0];
  const sums: number[] = [];
  frames.forEach(({ labels, structure }, f) => {
    const { forces } = labels;
    if (forces === null || forces.some(Number.isNaN) || structure.species.length < 2) return;
    const sum = [0, 0, 0];
    for (let k = 0; k < forces.length; k++) sum[k % 3]! += forces[k]!;
    const size = Math.hypot(...sum);
    sums.push(size);
    if (size <= NET_FORCE * Math.sqrt(structure.species.length)) return;
    found.push(f);
    largest = Math.max(largest, size);
  });
  if (found.length === 0) return [];
  typical = median(sums);
  return [
    {
      code: 'NET_FORCE',
      severity: 'warning',
      message: `forces of ${plural(found.length)} do not add up to zero: |Σ F| is up to ${largest.toPrecision(3)} eV/Å (median of all ${typical.toPrecision(2)})`,
      evidence: {
        largest: Number(largest.toPrecision(4)),
        median: Number(typical.toPrecision(4)),
        structures: found.length,
      },
      frames: found,
      advice:
        'no potential can follow a net force: single precision, a loose SCF or grid; take the mean off, or tighten the calculation',
    },
  ];
}

/** Energies per atom and largest forces that stand far out of all others. */
function outlierFindings(frames: readonly Frame[]): Finding[] {
  const findings: Finding[] = [];
  const used = indices(frames, (frame) => frame.labels.energy !== null && !isIsolatedAtom(frame));
  const species = [...new Set(used.flatMap((f) => [...new Set(frames[f]!.structure.species)]))];
  if (used.length > 3 * species.length + 10) {
    const rows = new Float64Array(used.length * species.length);
    used.forEach((f, k) => {
      const list = frames[f]!.structure.species;
      for (const z of list) rows[k * species.length + species.indexOf(z)]! += 1 / list.length;
    });
    const energies = used.map((f) => frames[f]!.labels.energy! / frames[f]!.structure.species.length);
    const fit = trimmedFit(rows, energies, species.length);
    if (fit !== null) {
      const spread = robustDeviation(fit.residuals);
      const center = median(fit.residuals);
      const limit = Math.max(FAR * spread, LEAST_OUTLIER);
      const far = used.filter((_, k) => Math.abs(fit.residuals[k]! - center) > limit);
      const worst = fit.residuals.reduce((a, e) => (Math.abs(e - center) > Math.abs(a - center) ? e : a), center);
      if (far.length > 0 && far.length <= 0.2 * used.length)
        findings.push({
          code: 'ENERGY_OUTLIERS',
          severity: 'warning',
          message: `energies of ${plural(far.length)} lie more than ${limit.toPrecision(2)} eV/atom from the others (robust standard deviation ${(1000 * spread).toPrecision(3)} meV/atom), the farthest ${(worst - center).toPrecision(3)} eV/atom`,
          evidence: { deviation: Number(spread.toPrecision(4)), farthest: Number((worst - center).toPrecision(4)) },
          frames: far,
          advice:
            'look at them: compressed or exploded structures, an SCF that did not converge, or a wrong unit; they pull a fit to themselves',
        });
    }
  }
  const strengths = frames.map(({ labels }) => {
    let largest = 0;
    for (const x of labels.forces ?? []) if (Math.abs(x) > largest) largest = Math.abs(x);
    return largest;
  });
  const logs = strengths.filter((x) => x > 1e-3).map(Math.log);
  if (logs.length > 10) {
    const limit = Math.exp(median(logs) + 5 * Math.max(robustDeviation(logs), 0.4));
    const far = strengths.flatMap((x, f) => (x > limit ? [f] : []));
    if (far.length > 0)
      findings.push({
        code: 'FORCE_OUTLIERS',
        severity: 'warning',
        message: `forces of ${plural(far.length)} are far beyond the others: up to ${Math.max(...far.map((f) => strengths[f]!)).toPrecision(3)} eV/Å, where ${Math.exp(median(logs)).toPrecision(2)} is the median of the largest`,
        evidence: {
          largest: Math.max(...far.map((f) => strengths[f]!)),
          medianLargest: Number(Math.exp(median(logs)).toPrecision(4)),
          limit: Number(limit.toPrecision(4)),
        },
        frames: far,
        advice: 'keep them out of the fit, or give them small weights, unless such states are to be learned',
      });
  }
  return findings;
}

/** Bond lengths that look like bohr read as Å: the nearest neighbours of nearly all atoms lie far beyond a bond. */
function lengthFindings(frames: readonly Frame[]): Finding[] {
  const ratios: number[] = [];
  const stride = Math.max(1, Math.floor(frames.length / 50));
  for (let f = 0; f < frames.length; f += stride) {
    const { structure } = frames[f]!;
    if (structure.species.length < 2 && structure.cell === null) continue;
    const radius = structure.species.reduce((r, z) => Math.max(r, covalentRadiusOf(z)), 0);
    try {
      const pair = minimumDistance(structure, 6 * radius);
      if (pair === null) continue;
      ratios.push(
        pair.distance / (covalentRadiusOf(structure.species[pair.i]!) + covalentRadiusOf(structure.species[pair.j]!)),
      );
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
  if (ratios.length < 3) return [];
  const typical = median(ratios);
  if (typical < 1.5) return [];
  const bohr = typical > 1.55 && typical < 2.3;
  return [
    {
      code: 'LENGTH_UNIT',
      severity: 'warning',
      message: `the shortest distances are ${typical.toPrecision(3)} times the sum of covalent radii in the median${bohr ? ': are lengths in bohr?' : ''}`,
      evidence: { ratio: Number(typical.toPrecision(4)), structures: ratios.length },
      frames: [],
      advice:
        'positions and cells must be in Å (1 bohr is 0.529177 Å); noble gases and rare salts may be right as they are',
    },
  ];
}

/** Volumes that are impossible: more than an atom in 2 Å³. */
function densityFindings(frames: readonly Frame[]): Finding[] {
  const dense = indices(frames, ({ structure }) => {
    const { cell, pbc, species } = structure;
    return cell !== null && pbc.every(Boolean) && cellVolume(cell) / species.length < 1.5;
  });
  return dense.length === 0
    ? []
    : [
        {
          code: 'DENSITY',
          severity: 'warning',
          message: `${plural(dense.length)} ${dense.length === 1 ? 'has' : 'have'} less than 1.5 Å³ per atom`,
          evidence: { structures: dense.length },
          frames: dense,
          advice: 'look at cell and positions',
        },
      ];
}

/** Everything that single structures and their labels say. */
export function structureFindings(frames: readonly Frame[]): Finding[] {
  return [
    ...overlapFindings(frames),
    ...lengthFindings(frames),
    ...densityFindings(frames),
    ...periodicityFindings(frames),
    ...isolatedAtomFindings(frames),
    ...absentFindings(frames),
    ...zeroFindings(frames),
    ...virialFindings(frames),
    ...energyKeyFindings(frames),
    ...netForceFindings(frames),
    ...outlierFindings(frames),
  ];
}
