import { beforeAll, describe, expect, it } from 'vitest';
import { fitOn, siliconFrames } from '../../../test/support/models.ts';
import type { Fit } from '../../node/training/fit.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { AcePotential } from './ace-potential.ts';
import { MotionScreen, type ScreenOptions } from './motion-screen.ts';

const CRYSTAL = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] });
let fit: Fit;
let potential: AcePotential;

beforeAll(async () => {
  fit = await fitOn(1, siliconFrames(20));
  potential = new AcePotential(fit.model, createAceProgram(fit.basis));
});

function rattled(spread: number, seed = 1): Structure {
  const stream = new RandomStream(seed, 'screen test');
  return { ...CRYSTAL, positions: CRYSTAL.positions.map((x) => x + spread * stream.normal()) };
}

const screenOf = (options: ScreenOptions = {}): MotionScreen =>
  new MotionScreen(potential, () => createAceProgram(fit.basis), plainKernels, options);

describe('MotionScreen', () => {
  it('grades every atom once in a period, as the model does', () => {
    const structure = rattled(0.15);
    const exact = potential.grades(structure)!;
    const screen = screenOf({ gradePeriod: 8, directions: fit.basis.offsets.at(-1)!, exactBelow: 1e9 });
    const seen = Array.from({ length: 8 }, () => screen.step(structure));
    seen.forEach(({ grade, gradeAtom }, step) => {
      const slice = exact.slice(8 * step, 8 * (step + 1));
      expect(gradeAtom).toBeGreaterThanOrEqual(8 * step);
      expect(gradeAtom).toBeLessThan(8 * (step + 1));
      expect(grade).toAgree(Math.max(...slice), { rtol: 1e-9, why: 'all directions, another order of sums' });
    });
  });

  it('works out in full the grades that few directions find near the limit', () => {
    const structure = rattled(0.4);
    const screen = screenOf({ gradePeriod: 1, directions: 2, exactAbove: 0, exactBelow: 1e9 });
    const exact = Math.max(...potential.grades(structure)!);
    expect(screen.step(structure).grade).toAgree(exact, { rtol: 1e-9, why: 'worked out in full' });
  });

  it('leaves grades as the directions give them where these are beyond the limit for certain', () => {
    const structure = rattled(0.4);
    const exact = Math.max(...potential.grades(structure)!);
    const { grade } = screenOf({ gradePeriod: 1, directions: 2, exactAbove: 0, exactBelow: 0 }).step(structure);
    expect(grade).not.toBe(exact);
    expect(grade).toAgree(exact, { rtol: 0.3, why: 'two directions of eighteen hold most of a large grade' });
  });

  it('forgets a motion and begins anew', () => {
    const screen = screenOf();
    const run = () => [0.05, 0.1, 0.3].map((spread) => screen.step(rattled(spread)));
    const first = run();
    screen.step(rattled(0.5));
    screen.restart();
    expect(run()).toEqual(first);
  });

  it('gives the shortest distance over its gate where it estimates the force sigma', () => {
    const screen = screenOf({ sigmaInterval: 2 });
    const structure = rattled(0.3);
    expect(screen.step(structure).distance).toBe(potential.trust(structure).distance);
    expect(screen.step(structure).distance).toBeNaN();
  });

  it('estimates the force sigma from samples, between looks not at all', () => {
    const structure = rattled(0.1);
    const exact = potential.trust(structure).forceSigma;
    const many = screenOf({ samples: 200, sigmaInterval: 3 });
    const looks = [0, 1, 2, 3].map(() => many.step(structure).forceSigma);
    expect(looks[1]).toBeNaN();
    expect(looks[2]).toBeNaN();
    expect(looks[3]).toBe(looks[0]);
    expect(looks[0]!).toAgree(exact, { rtol: 0.15, why: '1/√(6·200) is 3 % for an atom; the largest of 64 is above' });
    const few = screenOf().step(structure).forceSigma;
    expect(few).toAgree(exact, { rtol: 0.6, why: '1/√36 is 17 % for an atom; the largest of 64 is above' });
  });

  it('takes up new frames with two samples at a time, and sees atoms that leave what is known', () => {
    const screen = screenOf({ sigmaInterval: 1 });
    const before = screen.step(rattled(0.05)).forceSigma;
    const wild = rattled(0.5, 3);
    const after = [0, 1, 2].map(() => screen.step(wild).forceSigma);
    expect(after[0]!).toBeGreaterThan(before);
    expect(after[2]!).toAgree(screenOf().step(wild).forceSigma, {
      rtol: 1e-12,
      why: 'all samples are of this frame by then',
    });
  });

  it('goes on with a structure of another size', () => {
    const screen = screenOf({ sigmaInterval: 1, gradePeriod: 2 });
    screen.step(CRYSTAL);
    const [small] = siliconFrames(1);
    const report = screen.step(small!.structure);
    expect(report.gradeAtom).toBeLessThan(8);
    expect(report.forceSigma).toBeGreaterThan(0);
    screen.dispose();
  });

  it('refuses models without active sets, and settings without sense', () => {
    const { activeSets: _, ...old } = fit.model;
    const plain = new AcePotential(old, createAceProgram(fit.basis));
    expect(() => new MotionScreen(plain, () => createAceProgram(fit.basis), plainKernels)).toThrow(
      /model must have active sets to be graded/,
    );
    expect(() => screenOf({ samples: 0 })).toThrow(/samples of a screen must be a positive integer, got 0/);
  });
});
