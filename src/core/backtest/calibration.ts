import type { LinearKernels } from '../numerics/kernels.ts';
import { squaredRowNorms } from '../numerics/dense.ts';
import { leaveOneOut } from '../regression/press.ts';
import { RandomStream } from '../random.ts';
import type { TwoFactorScale } from '../uncertainty/calibration.ts';
import { fitTwoFactorScale, predictiveVariance } from '../uncertainty/calibration.ts';
import { coverage, expectedCalibrationError } from '../validation/calibration.ts';
import { averagedOverOwners, ownersWithin, residualsOf } from './errors.ts';
import type { PoolRows } from './pool-rows.ts';
import { rowCount, rowsOf } from './pool-rows.ts';
import type { RidgeFit } from './ridge.ts';

/** Rows of labelled frames that are left out, and of test frames that judge, at most: enough for a share of ± 1 % and cheap beside the fit. */
const MOST_ROWS = 600;
/** Least share of the noise variance in an error bar. */
const LEAST_NOISE_SHARE = 0.02;

/** How honest the error bars of one kind are; NaN without labels. */
export interface KindCalibration {
  readonly ece: number;
  readonly coverage95: number;
}

/** How honest the error bars of energies and forces are. */
export interface PointCalibration {
  readonly energy: KindCalibration;
  readonly forces: KindCalibration;
}

/** Frames in a seeded random order as long as their rows are no more than `MOST_ROWS` together (at least one frame). */
function sampleFrames(pool: PoolRows, frames: readonly number[], seed: number): number[] {
  const order = new RandomStream(seed, 'back-test calibration').permutation(frames.length);
  const sample: number[] = [];
  let rows = 0;
  for (const k of order) {
    const f = frames[k]!;
    if (sample.length > 0 && rows + rowCount(pool, f) > MOST_ROWS) break;
    sample.push(f);
    rows += rowCount(pool, f);
  }
  return sample;
}

/** Residuals with noise and epistemic variances, over the noise of rows. */
class Sample {
  readonly residuals: number[] = [];
  readonly epistemic: number[] = [];
  readonly structures: number[] = [];

  add(structure: number, residuals: Float64Array, variances: Float64Array): void {
    for (const [i, residual] of residuals.entries()) {
      this.residuals.push(residual);
      this.epistemic.push(variances[i]!);
      this.structures.push(structure);
    }
  }

  scale(): TwoFactorScale {
    return fitTwoFactorScale(
      {
        residuals: Float64Array.from(this.residuals),
        noise: null,
        epistemic: Float64Array.from(this.epistemic),
        structures: Int32Array.from(this.structures),
      },
      { smallestA: LEAST_NOISE_SHARE },
    );
  }

  judged(scale: TwoFactorScale): KindCalibration {
    if (this.residuals.length === 0) return { ece: Number.NaN, coverage95: Number.NaN };
    const z = this.residuals.map((e, i) => e / Math.sqrt(predictiveVariance(scale, 1, this.epistemic[i]!)));
    return { ece: expectedCalibrationError(z), coverage95: coverage(z).observed };
  }
}

/**
 * Calibration on a test set of error bars a·σ² + b·xSxᵀ, whose factors come from exact left-out errors of labelled frames:
 * what the loop would have said of its own errors at this point. On samples of both sets.
 */
export function pointCalibration(
  pool: PoolRows,
  fit: RidgeFit,
  labelled: readonly number[],
  test: readonly number[],
  seed: number,
  kernels: LinearKernels,
): PointCalibration {
  const d = pool.columns;
  const whitener = kernels.whitener(fit.r, d);
  try {
    const learned = { energy: new Sample(), forces: new Sample() };
    const judged = { energy: new Sample(), forces: new Sample() };
    const posterior = {
      mean: fit.weights,
      r: fit.r,
      hyperparameters: { alpha: fit.strength, noise: { energy: 1, forces: 1, virial: 1 } },
    };
    const add = (to: typeof learned, f: number, residuals: Float64Array, variances: Float64Array): void => {
      const energies = pool.energies[f]!;
      const end = energies + pool.forces[f]!;
      const whitened = residuals.map((value) => value / fit.noise);
      to.energy.add(f, whitened.subarray(0, energies), variances.subarray(0, energies));
      const owners = ownersWithin(pool, f, energies, end);
      to.forces.add(f, whitened.subarray(energies, end), averagedOverOwners(variances.subarray(energies, end), owners));
    };
    for (const f of sampleFrames(pool, labelled, seed)) {
      const m = rowCount(pool, f);
      if (m === 0) continue;
      const { residuals, variances } = leaveOneOut(
        posterior,
        rowsOf(pool, f),
        residualsOf(pool, f, fit.weights),
        m,
        kernels,
        whitener,
      );
      add(learned, f, residuals, variances);
    }
    for (const f of sampleFrames(pool, test, seed)) {
      const m = rowCount(pool, f);
      if (m === 0) continue;
      const variances = squaredRowNorms(whitener.whiten(rowsOf(pool, f), m), m, d);
      add(judged, f, residualsOf(pool, f, fit.weights), variances);
    }
    return {
      energy: judged.energy.judged(learned.energy.scale()),
      forces: judged.forces.judged(learned.forces.scale()),
    };
  } finally {
    whitener.dispose();
  }
}
