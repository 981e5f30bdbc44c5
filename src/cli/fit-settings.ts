import { PRESET_NAMES } from '../core/descriptors/ace/presets.ts';
import { isElement } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import { OBSERVATION_KINDS } from '../core/regression/regression.ts';
import type { FitSettings } from '../node/training/settings.ts';
import { DEFAULT_FIT } from '../node/training/settings.ts';
import { integersOption, numberOption } from './data-options.ts';
import { groupWeights } from './group-weights.ts';
import type { VerbOptions } from './verb.ts';

/** Å; neighbours grow with its cube. */
const LARGEST_CUTOFF = 20;
const BALANCES = ['auto', 'fixed', 'cv', 'evidence'] as const;
/** Sizes of a basis: chosen from the data, or a preset. */
export const FIT_PRESETS = ['auto', ...PRESET_NAMES] as const;

function choice<T extends string>(value: unknown, flag: string, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value as T))
    throw new InputError('BAD_OPTION', `${flag} must be one of ${allowed.join(', ')}, got "${String(value)}"`);
  return value as T;
}

/** `Si=-0.81,O=-2.0` as energies by symbol. */
function isolatedAtoms(text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [symbol, value] = part.split('=').map((s) => s.trim());
      const energy = Number(value);
      if (!symbol || !isElement(symbol) || value === undefined || value === '' || !Number.isFinite(energy)) {
        throw new InputError('BAD_OPTION', `--e0 must be like Si=-0.81,O=-2.0 (eV), got "${text}"`);
      }
      return [symbol, energy];
    }),
  );
}

/** `energy=1e-4,forces=0.002` as known noise of labels by kind, as `label --repeat` measures it. */
function labelNoise(text: string | undefined): FitSettings['labelNoise'] {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [kind, number] = part.split('=').map((s) => s.trim());
      const sigma = Number(number);
      if (!OBSERVATION_KINDS.some((known) => known === kind) || !(sigma > 0 && Number.isFinite(sigma))) {
        throw new InputError(
          'BAD_OPTION',
          `--label-noise must be like energy=1e-4,forces=0.002,virial=0.01 (eV/√atom, eV/Å, eV/√atom), got "${text}"`,
        );
      }
      return [kind, sigma];
    }),
  );
}

/** `1500` as functions of all elements, `40us` as estimated µs for an atom and step. */
function evaluationBudget(text: string | undefined): FitSettings['budget'] {
  if (text === undefined) return null;
  const [, number, unit] = /^\s*([0-9.]+)\s*(us|µs)?\s*$/.exec(text) ?? [];
  const value = Number(number);
  if (!(value > 0)) {
    throw new InputError(
      'BAD_OPTION',
      `--budget must be a number of functions as 1500 or a time as 40us, got "${text}"`,
    );
  }
  return unit === undefined ? { functions: value } : { microseconds: value };
}

/** The settings that the options of `fit` ask for. @throws InputError `BAD_OPTION`; FormatError `BAD_WEIGHTS` */
export async function fitSettingsOf(options: VerbOptions, cwd: string): Promise<FitSettings> {
  const positive = (name: string, flag: string, unit: string): number | null =>
    numberOption(options, name, flag, (x) => x > 0 && Number.isFinite(x), `a positive number${unit}`, null);
  const nmax = integersOption(options, 'nmax', '--nmax');
  const lmax = integersOption(options, 'lmax', '--lmax');
  if ((nmax === null) !== (lmax === null) || (nmax !== null && nmax.length !== lmax!.length)) {
    throw new InputError('BAD_OPTION', '--nmax and --lmax must be given together, one number for each order');
  }
  return {
    ...DEFAULT_FIT,
    preset: choice(options.preset, '--preset', FIT_PRESETS, DEFAULT_FIT.preset),
    budget: evaluationBudget(options.budget as string | undefined),
    nmax,
    lmax,
    cutoff: numberOption(
      options,
      'cutoff',
      '--cutoff',
      (x) => x > 0 && x <= LARGEST_CUTOFF,
      `a positive number up to ${LARGEST_CUTOFF} (Å)`,
      null,
    ),
    innerCutoff: positive('innerCutoff', '--inner-cutoff', ' (Å)'),
    balance: choice(options.balance, '--balance', BALANCES, DEFAULT_FIT.balance),
    ratio: positive('ratio', '--ratio', ' (Å)') ?? DEFAULT_FIT.ratio,
    prior: choice(options.prior, '--prior', ['smoothness', 'isotropic'] as const, DEFAULT_FIT.prior),
    exponent: numberOption(
      options,
      'exponent',
      '--exponent',
      (x) => x >= 0 && Number.isFinite(x),
      'a number ≥ 0',
      DEFAULT_FIT.exponent,
    ),
    strength: positive('priorStrength', '--prior-strength', ''),
    energyNoise: choice(options.energyNoise, '--energy-noise', ['sqrt', 'atom'] as const, DEFAULT_FIT.energyNoise),
    stress: options.stress !== false,
    embedding: choice(options.embedding, '--embedding', ['linear', 'two-density'] as const, DEFAULT_FIT.embedding),
    loss: choice(options.loss, '--loss', ['squares', 'huber'] as const, DEFAULT_FIT.loss),
    huberThreshold: positive('huberThreshold', '--huber-threshold', ' (robust σ)') ?? DEFAULT_FIT.huberThreshold,
    mendCores: options.mendCores !== false,
    labelNoise: labelNoise(options.labelNoise as string | undefined),
    weights: await groupWeights(options.weights as string | undefined, cwd),
    offsetKey: (options.offsetBy as string | undefined) ?? null,
    isolatedAtoms: isolatedAtoms(options.e0 as string | undefined),
    seed: numberOption(
      options,
      'seed',
      '--seed',
      (x) => Number.isInteger(x) && x >= 0,
      'a whole number ≥ 0',
      DEFAULT_FIT.seed,
    ),
  };
}
