/** Energy and forces of published potentials and of potentials made here, neighbour lists excluded on every side. */
import type { Evaluation } from '../../src/core/descriptors/descriptors.ts';
import { type NeighborList, neighborList } from '../../src/core/structure/neighbor-list.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { COPPER_32, madeCase, type PotentialCase, publishedCases, SILICON_216 } from '../cases.ts';
import type { RatioRequest } from '../contest.ts';
import { byVariant, type Workbench } from '../workbench.ts';
import type { PaceResult } from '../yardsticks/ml-pace.ts';

/** What is hoped for, by the beginning of the case's name. */
const TARGETS: readonly (readonly [start: string, native: number, twin: number])[] = [
  ['Cu (published)', 6, 0.35],
  ['YBCO (published)', 7, 0.35],
  ['Ta (published)', 8, 0.35],
  ['', 6, 0.35],
];
/** Least share of the engine's multiply-adds on the case whose products are many, and gain of the fused build. */
const PROBE_SHARE = 0.55;
const FUSED_GAIN = 1.1;

/** Programs that count their work say how many multiply-adds a structure needs. */
interface Counting {
  multiplyAdds?(structure: Structure, list: NeighborList): number;
}

function agreement(own: Evaluation, native: PaceResult): string {
  const largest = native.forces.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
  const force = own.forces.reduce((most, f, k) => Math.max(most, Math.abs(f - native.forces[k]!)), 0) / largest;
  const energy = Math.abs(own.energy / native.energy - 1);
  return `agree with ML-PACE: energy to ${energy.toExponential(0)}, forces to ${force.toExponential(0)} of the largest`;
}

async function measure(bench: Workbench, of: PotentialCase): Promise<void> {
  const { name, potential, structure, yace } = of;
  const atoms = structure.species.length;
  const pace = await bench.mlPace();
  const native = await pace?.energy('ML-PACE', yace(), structure);
  const programs = bench.kernels.map((kernels) => kernels.compile(potential));
  const lists = [neighborList(structure, programs[0]!.cutoff)];
  let next = 0;
  const own = byVariant(bench, atoms, () => {
    const program = programs[next++]!;
    return () => program.evaluate([structure], { lists });
  });
  const notes: string[] = [`${(lists[0]!.distances.length / atoms).toFixed(1)} neighbours within the largest cutoff`];
  if (native !== undefined) notes.push(agreement(programs[0]!.evaluate([structure], { lists })[0]!, native.result));
  const [, nativeTarget, twinTarget] = TARGETS.find(([start]) => name.startsWith(start))!;
  const ratios: RatioRequest[] = bench.kernels.map(({ name: variant }) => ({
    name: variant,
    over: 'ML-PACE',
    target: { atLeast: variant === 'typescript' ? twinTarget : nativeTarget },
  }));
  ratios.push(
    { name: 'wasm-fma', over: 'wasm-simd', target: { atLeast: FUSED_GAIN } },
    { name: 'wasm-fma', over: 'typescript' },
    { name: 'wasm-simd', over: 'typescript' },
  );
  const probes = bench.probes.map(({ contender }) => contender);
  bench.probes.forEach(({ variant, contender }) => {
    const program = programs[bench.kernels.findIndex((kernels) => kernels.name === variant)];
    const count = (program as Counting | undefined)?.multiplyAdds?.(structure, lists[0]!);
    if (count === undefined) return;
    notes.push(`${variant}: ${Math.round(count / atoms)} multiply-adds per atom`);
    ratios.push({
      name: variant,
      over: contender.name,
      label: `${variant} / peak`,
      factor: count / atoms,
      ...(variant === 'wasm-simd' && name.startsWith('Cu (published)') ? { target: { atLeast: PROBE_SHARE } } : {}),
    });
  });
  const contenders = [...(native === undefined ? [] : [native.contender]), ...own, ...probes];
  await bench.hold({ subject: 'energy', title: name, unit: 'atom', contenders, ratios, notes });
  for (const program of programs) program.dispose();
}

/** Measures energy and forces. */
export async function energy(bench: Workbench): Promise<void> {
  const made = [madeCase('medium', ['Si'], 6, SILICON_216), madeCase('medium', ['Cu', 'Zr'], 6, COPPER_32)];
  for (const of of [...publishedCases(), ...made]) await measure(bench, of);
}
