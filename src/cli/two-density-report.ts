import type { TwoDensityReport } from '../node/training/two-density-fit.ts';
import { cell } from './table.ts';

/** What came of a second density, in words. */
export function twoDensityReport({ accepted, frames, linear, best, passes }: TwoDensityReport): string {
  const change = 100 * (best.loss / linear.loss - 1);
  const gain = `${cell(Math.abs(change), 2)} % ${change < 0 ? 'below' : 'above'} that of one density`;
  return (
    `two densities, E_i = ρ₁ + F(ρ₂): ${passes.length} passes over ${frames.fitted} structures; loss on ${frames.heldOut} held-out ones ` +
    `${cell(1000 * best.loss)} meV/Å, ${gain} (F RMSE ${cell(1000 * best.forces)} against ${cell(1000 * linear.forces)} meV/Å)\n` +
    (accepted
      ? 'the model is nonlinear; its error bars are those of its linearisation at the fitted weights\n'
      : 'that is no gain worth having: the model is linear\n')
  );
}
