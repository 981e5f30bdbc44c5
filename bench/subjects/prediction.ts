/** What error bars cost: predictions with variances, and steps of dynamics that ask how far they can be trusted or are watched. */
import { massesOf, startMotion, structureOf } from '../../src/core/dynamics/dynamics.ts';
import { velocityVerletStep } from '../../src/core/dynamics/velocity-verlet.ts';
import { maxwellBoltzmann } from '../../src/core/dynamics/velocities.ts';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import { MotionScreen, type ScreenOptions } from '../../src/core/potentials/motion-screen.ts';
import { RandomStream } from '../../src/core/random.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { rattledCrystal } from '../cases.ts';
import { type Contender, contender } from '../contest.ts';
import { siliconFit, siliconTask } from '../silicon.ts';
import type { Workbench } from '../workbench.ts';

/** Steps from one question to the next: what a run of some picoseconds can afford, and every step. */
const INTERVALS = [1, 5];
/** fs */
const TIME_STEP = 1;
/** Steps of a call that never asks. */
const QUIET_STEPS = 10;
/** Steps of a screen from one look at the force sigma to the next, hence of a call. */
const LOOK_INTERVAL = 5;
/** So many steps never come: that half of a screen is off, but for a single atom's grade. */
const NEVER = 1e9;
/** Halves of a screen, and what each may cost beside a step. */
const SCREENS: readonly (readonly [name: string, options: ScreenOptions, most: number | null])[] = [
  ['grades of a screen', { sigmaInterval: NEVER }, 0.08],
  ['force sigmas of a screen', { gradePeriod: NEVER, sigmaInterval: LOOK_INTERVAL }, 0.4],
  ['whole screen', { sigmaInterval: LOOK_INTERVAL }, null],
];

/** 5.43 Å diamond, `edge` cubic cells along each edge. */
const silicon = (edge: number): Structure =>
  rattledCrystal({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [edge, edge, edge] });

/** Measures predictions and steps of dynamics. */
export async function prediction(bench: Workbench): Promise<void> {
  const kernels = bench.kernels[0]!;
  const { frames } = siliconTask('medium', 40, [2, 1, 1], kernels);
  const pool = createPool(1, kernels.name);
  const { model, basis } = await fitModel(frames, siliconFit('medium'), pool);
  const potentials = bench.kernels.map((variant) => new AcePotential(model, variant.prepare(basis)));
  const structure = silicon(2);
  const atoms = structure.species.length;
  const fastest = potentials[0]!;
  const columns = basis.offsets.at(-1)!;
  const size = `${atoms} atoms, ${columns} functions`;
  await bench.hold({
    subject: 'prediction',
    title: `energy and forces with their variances, ${size}`,
    unit: 'atom',
    contenders: [
      contender('mean', atoms, () => fastest.evaluate(structure)),
      contender('with variances', atoms, () => fastest.predict(structure)),
      contender('signals of trust', atoms, () => fastest.trust(structure)),
      contender('extrapolation grades', atoms, () => fastest.grades(structure)),
      ...potentials.slice(1).map((potential, k) => {
        return contender(`with variances, ${bench.kernels[k + 1]!.name}`, atoms, () => potential.predict(structure));
      }),
    ],
    ratios: [
      { name: 'mean', over: 'with variances', label: 'with variances / mean, times' },
      { name: 'mean', over: 'signals of trust', label: 'signals of trust / mean, times' },
      { name: 'mean', over: 'extrapolation grades', label: 'extrapolation grades / mean, times' },
      { name: 'with variances', over: 'with variances, typescript' },
    ],
  });

  type Question = (structure: Structure) => unknown;
  const stepper = (name: string, start: Structure, interval: number, ask: Question | null): Contender => {
    const random = new RandomStream(1, 'bench dynamics');
    const velocities = maxwellBoltzmann(massesOf(start.species), 300, random);
    // Each motion keeps its own neighbour list.
    const potential = new AcePotential(model, fastest.program);
    const motion = startMotion(start, velocities, potential);
    // A call is as many steps as lie between two questions, so that every turn asks its share.
    return contender(name, start.species.length * interval, () => {
      for (let step = 0; step < interval; step++) velocityVerletStep(motion, potential, TIME_STEP);
      ask?.(structureOf(motion));
    });
  };
  const trust: Question = (frame) => fastest.trust(frame);
  const asking = [
    ...INTERVALS.map((interval) => stepper(`trust every ${interval}`, structure, interval, trust)),
    stepper('grades every 1', structure, 1, (frame) => fastest.grades(frame)),
  ];
  await bench.hold({
    subject: 'prediction',
    title: `steps of dynamics with and without asking how far to trust them, ${size}`,
    unit: 'atom-step',
    contenders: [stepper('not asking', structure, QUIET_STEPS, null), ...asking],
    ratios: asking.map(({ name }) => ({ name: 'not asking', over: name, label: `${name} / not asking, times` })),
  });

  const large = silicon(4);
  const screens = SCREENS.map(([, options]) => {
    const watched = new AcePotential(model, fastest.program);
    return new MotionScreen(watched, () => kernels.prepare(basis), kernels, options);
  });
  const step = 'step of dynamics';
  await bench.hold({
    subject: 'prediction',
    title: `a screen beside the steps that it watches, ${large.species.length} atoms, ${columns} functions`,
    unit: 'atom-step',
    contenders: [
      stepper(step, large, LOOK_INTERVAL, null),
      ...SCREENS.map(([name], k) =>
        contender(name, large.species.length * LOOK_INTERVAL, () => {
          for (let look = 0; look < LOOK_INTERVAL; look++) screens[k]!.step(large);
        }),
      ),
    ],
    ratios: SCREENS.map(([name, , most]) => ({
      name: step,
      over: name,
      label: `${name} / step, times`,
      ...(most === null ? {} : { target: { atMost: most } }),
    })),
  });
  for (const screen of screens) screen.dispose();
  for (const potential of potentials) potential.program.dispose();
  await pool.dispose();
}
