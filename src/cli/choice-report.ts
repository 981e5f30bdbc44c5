import type { BasisChoice } from '../node/training/choose-basis.ts';
import { cell, renderTable } from './table.ts';

/**
 * What a fit chose from the training data and why, in words, and the curve it chose from: errors of left-out folds
 * against functions and time.
 */
export function choiceReport(choice: BasisChoice): string {
  const { curve, best, folds, strengths, balances } = choice;
  const chosen = curve[best]!;
  const table = renderTable(
    [
      { header: '', align: 'left' },
      { header: 'functions' },
      { header: 'µs/atom (est.)' },
      { header: 'E MAE meV/√atom' },
      { header: 'F RMSE meV/Å' },
      { header: 'loss meV/Å' },
      { header: 'nmax/lmax by order', align: 'left' },
    ],
    curve.map(({ functions, microseconds, rmse, energyMae, score, description }, c) => [
      c === best ? '→' : '',
      String(functions),
      cell(microseconds, 2),
      cell(1000 * energyMae),
      cell(1000 * rmse.forces),
      cell(1000 * score),
      description,
    ]),
  );
  const range = (values: readonly number[]): string =>
    `${cell(Math.min(...values), 1)} to ${cell(Math.max(...values), 1)}`;
  const tried = balances.map(({ ratio }) => ratio);
  return (
    `chosen from the training data (${folds} folds of whole structures; the loss weighs energies as σ_E/σ_F asks):\n` +
    `${table}` +
    cutoffLine(choice.cutoffs) +
    `basis: ${chosen.functions} functions, ${choice.rule}; prior and balance by the same loss\n` +
    `prior: strength ${cell(choice.strength, 2)} of ${range(strengths.map(({ strength }) => strength))}` +
    `; balance: σ_E/σ_F ${cell(choice.ratio)} Å${tried.length > 1 ? ` of ${range(tried)}` : ''}\n`
  );
}

/** The cutoffs that were tried; nothing where none were. */
function cutoffLine(cutoffs: BasisChoice['cutoffs']): string {
  if (cutoffs === null) return '';
  const { cutoff, rule, trials, structures } = cutoffs;
  const tried = trials.map((trial) => `${trial.cutoff} Å ${cell(1000 * trial.score)}`).join(', ');
  const kept = cutoff === rule ? 'that of the rule' : `instead of the ${rule} Å of the rule`;
  return `cutoff: ${cutoff} Å, ${kept}; loss on ${structures} structures, meV/Å: ${tried}\n`;
}

/** The same for `--json`. */
export function choiceJson(choice: BasisChoice | null): Record<string, unknown> {
  if (choice === null) return { choices: null, curve: [] };
  const point = choice.curve[choice.best]!;
  return {
    choices: {
      functions: point.functions,
      sets: point.description,
      microseconds: point.microseconds,
      rule: choice.rule,
      priorStrength: choice.strength,
      priorStrengths: choice.strengths,
      ratio: choice.ratio,
      ratios: choice.balances,
      folds: choice.folds,
      cutoff: choice.cutoffs?.cutoff ?? null,
      cutoffs: choice.cutoffs?.trials ?? [],
    },
    curve: choice.curve.map(({ functions, microseconds, description, rmse, energyMae, score }, c) => ({
      functions,
      microseconds,
      sets: description,
      energyRmse: rmse.energy,
      energyMae,
      forceRmse: rmse.forces,
      score,
      chosen: c === choice.best,
    })),
  };
}
