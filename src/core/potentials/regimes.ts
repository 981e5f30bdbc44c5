import { InputError } from '../errors.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';
import type { EnvelopeTerm } from '../uncertainty/envelope.ts';
import type { LinearModel, ModelUncertainty } from './linear-model.ts';

/**
 * Error bars that were calibrated on labelled structures of one regime (a defect, a phase, a temperature), beside the
 * general ones: they are right there, and are no promise anywhere else.
 */
export interface CalibratedRegime {
  readonly name: string;
  /** Labelled structures it was calibrated on. */
  readonly structures: number;
  /** Kinds without labels keep the general terms. */
  readonly envelope: PerKind<readonly EnvelopeTerm[]>;
  readonly conformal: ModelUncertainty['conformal'];
}

/** The model with the error bars of a regime. @throws InputError `UNKNOWN_REGIME` naming those that it has */
export function inRegime(model: LinearModel, name: string): LinearModel {
  const regimes = model.uncertainty.regimes ?? [];
  const found = regimes.find((regime) => regime.name === name);
  if (found === undefined) {
    const known = regimes.length === 0 ? 'none' : regimes.map((regime) => regime.name).join(', ');
    throw new InputError('UNKNOWN_REGIME', `regime must be one the model was calibrated for (${known}), got "${name}"`);
  }
  const { envelope, conformal } = found;
  return { ...model, uncertainty: { ...model.uncertainty, envelope, conformal } };
}

/** The model with a regime beside the general error bars; one of the same name is replaced. */
export function withRegime(model: LinearModel, regime: CalibratedRegime): LinearModel {
  const others = (model.uncertainty.regimes ?? []).filter(({ name }) => name !== regime.name);
  return { ...model, uncertainty: { ...model.uncertainty, regimes: [...others, regime] } };
}

/** Terms of a kind's envelope; that of the posterior alone in models without forms. */
export function envelopeOf(
  { envelope, scales }: Pick<ModelUncertainty, 'envelope' | 'scales'>,
  kind: ObservationKind,
): readonly EnvelopeTerm[] {
  return envelope?.[kind] ?? [{ form: 'posterior', scale: scales[kind] }];
}
