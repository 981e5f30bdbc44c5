import type { Conditions, Temperatures } from '../../core/sampling/plans.ts';
import { widenConditions } from '../../core/sampling/plans.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import type { FitSettings } from '../training/settings.ts';
import { DEFAULT_FIT } from '../training/settings.ts';

/** Exploration and cold start reach this much beyond the conditions asked for. */
const MARGIN = 1.1;

/** The settings by which a run fits its models. */
export function fitSettings(runFile: RunFile): FitSettings {
  const { basis, fit, seed } = runFile;
  return {
    ...DEFAULT_FIT,
    preset: basis.preset,
    nmax: basis.nmax ?? null,
    lmax: basis.lmax ?? null,
    cutoff: basis.cutoff ?? null,
    innerCutoff: basis.innerCutoff ?? null,
    balance: fit.balance,
    ratio: fit.ratio,
    prior: fit.prior,
    exponent: fit.exponent,
    strength: 1,
    stress: fit.stress,
    seed,
  };
}

function temperaturesOf(given: RunFile['conditions']['temperatures']): Temperatures {
  return 'list' in given ? { values: given.list } : { low: given[0], high: given[1] };
}

/** Where the potential will be used: the target distribution of the assessment. */
export function targetConditions(runFile: RunFile): Conditions {
  return { temperatures: temperaturesOf(runFile.conditions.temperatures), strain: runFile.conditions.strain };
}

/** Where walkers explore: as the run file says, or a little beyond the target. */
export function explorationConditions(runFile: RunFile): Conditions {
  const wide = widenConditions(targetConditions(runFile), MARGIN);
  const { temperatures, strain } = runFile.exploration;
  return {
    temperatures: temperatures === undefined ? wide.temperatures : temperaturesOf(temperatures),
    strain: strain ?? wide.strain,
  };
}

/** Where the first structures lie: strains as the run file says, or a little beyond the target. */
export function startConditions(runFile: RunFile): Conditions {
  const wide = widenConditions(targetConditions(runFile), MARGIN);
  return { temperatures: wide.temperatures, strain: runFile.start.strain ?? wide.strain };
}
