import { unreachableTolerances } from '../core/stopping/reachable.ts';
import type { RunFile, Temperatures } from './run-file.ts';

/** A rule between keys of a run file that is broken. */
export interface BrokenRule {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Rules that tie several keys together: ranges in order, sizes that fit, and tolerances that an assessment set of this
 * size can certify at all. The message names the number that would do.
 */
export function brokenRules(file: RunFile): readonly BrokenRule[] {
  const broken: BrokenRule[] = [];
  const refuse = (path: string, message: string): void => {
    broken.push({ path: path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)), message });
  };
  const { assessment, stopping, basis, start, acquisition, budget } = file;

  const range = (path: string, value: Temperatures | undefined): void => {
    if (value !== undefined && !('list' in value) && value[0] > value[1]) {
      refuse(path, `must be [lowest, highest], got [${value[0]}, ${value[1]}] K`);
    }
  };
  range('conditions.temperatures', file.conditions.temperatures);
  range('exploration.temperatures', file.exploration.temperatures);
  if (start.rattle[0] > start.rattle[1])
    refuse('start.rattle', `must be [least, most], got [${start.rattle.join(', ')}] Å`);
  if (start.shortDistance > start.count) {
    refuse('start.shortDistance', `must be at most start.count = ${start.count}, got ${start.shortDistance}`);
  }
  file.structures.forEach((structure, index) => {
    if ('prototype' in structure && structure.c !== undefined && structure.prototype !== 'hcp') {
      refuse(`structures.${index}.c`, `must be left out: ${structure.prototype} is cubic`);
    }
  });

  if ((basis.nmax === undefined) !== (basis.lmax === undefined)) {
    refuse(basis.nmax === undefined ? 'basis.lmax' : 'basis.nmax', 'nmax and lmax must be given together');
  } else if (basis.nmax !== undefined && basis.nmax.length !== basis.lmax!.length) {
    refuse('basis.lmax', `must have one entry per rank like nmax (${basis.nmax.length}), got ${basis.lmax!.length}`);
  }
  if (basis.cutoff !== undefined && basis.innerCutoff !== undefined && basis.innerCutoff >= basis.cutoff) {
    refuse('basis.innerCutoff', `must be below the cutoff of ${basis.cutoff} Å, got ${basis.innerCutoff} Å`);
  }

  if (budget.labels < start.count) {
    refuse('budget.labels', `must be at least start.count = ${start.count}, got ${budget.labels}`);
  }
  if (acquisition.batch > budget.labels) {
    refuse('acquisition.batch', `must be at most budget.labels = ${budget.labels}, got ${acquisition.batch}`);
  }
  if (assessment.perRound > assessment.size) {
    refuse('assessment.perRound', `must be at most assessment.size = ${assessment.size}, got ${assessment.perRound}`);
  }

  const { energyMae, forceRmse, forceEce, energyEce, forceWorst, energyWorst, alpha } = stopping;
  const tolerances = { energyMae, forceRmse, forceEce, energyEce, forceWorst, energyWorst };
  for (const { name, message } of unreachableTolerances(tolerances, assessment.size, { alpha })) {
    if (name === 'structures') refuse('assessment.size', message);
    else refuse(`stopping.${name}`, message.replace(`${name} tolerance `, ''));
  }
  return broken;
}
