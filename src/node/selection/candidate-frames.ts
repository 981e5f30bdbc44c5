import { InputError } from '../../core/errors.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { distanceGates, elementIndices } from '../../core/potentials/linear-model.ts';
import { neighborList } from '../../core/structure/neighbor-list.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { frameName } from '../training/check-frames.ts';

/** What a label costs: a power of the number of atoms, or a number in the comment line. */
export type CostRule = { readonly power: number } | { readonly key: string };

/** Structures to leave out: those whose comment line has the key with that value, or with any that is not false, 0 or empty. */
export interface MaskRule {
  readonly key: string;
  readonly value: string | null;
}

/** `atoms`, `N^2.5` or a key of the comment line. @throws InputError `BAD_OPTION` */
export function parseCostRule(text: string): CostRule {
  if (text === 'atoms') return { power: 1 };
  const match = /^N\^(.+)$/.exec(text);
  if (match === null) {
    if (text.trim() === '') throw new InputError('BAD_OPTION', '--cost must be atoms, N^p or a key, got ""');
    return { key: text };
  }
  const power = Number(match[1]);
  if (!(power > 0 && Number.isFinite(power)))
    throw new InputError('BAD_OPTION', `--cost must have a positive power of N, got "${text}"`);
  return { power };
}

/** `key` or `key=value`. @throws InputError `BAD_OPTION` */
export function parseMaskRule(text: string): MaskRule {
  const at = text.indexOf('=');
  const key = at < 0 ? text : text.slice(0, at);
  if (key === '') throw new InputError('BAD_OPTION', `--mask must be key or key=value, got "${text}"`);
  return { key, value: at < 0 ? null : text.slice(at + 1) };
}

function keyValue(frame: Frame, key: string): unknown {
  return key === 'config_type' && frame.group !== '' ? frame.group : frame.info[key];
}

/** What labelling a frame costs. @throws InputError `CANDIDATE_COST` naming the frame */
export function costOf(frame: Frame, rule: CostRule | null): number {
  if (rule === null) return 1;
  if ('power' in rule) return Math.exp(rule.power * Math.log(atomCount(frame.structure)));
  const value = keyValue(frame, rule.key);
  const cost = typeof value === 'number' ? value : Number.NaN;
  if (!(cost > 0 && Number.isFinite(cost))) {
    throw new InputError(
      'CANDIDATE_COST',
      `${frameName(frame)}: ${rule.key} must be a positive number, as it is the cost, got ${value === undefined ? 'none' : String(value)}`,
    );
  }
  return cost;
}

/** Group of a frame, null where groups are not asked for. @throws InputError `NO_GROUP` naming the frame */
export function groupOf(frame: Frame, key: string | null): string | null {
  if (key === null) return null;
  const value = keyValue(frame, key);
  if (value === undefined)
    throw new InputError('NO_GROUP', `${frameName(frame)}: ${key} must be given, as it is the group, got none`, {
      key,
    });
  return String(value);
}

/** Group of a labelled frame; null where it has none: it then counts in no group of the pool. */
export function labelledGroupOf(frame: Frame, key: string): string | null {
  const value = keyValue(frame, key);
  return value === undefined ? null : String(value);
}

function isSet(value: unknown): boolean {
  return !(value === undefined || value === false || value === 0 || value === '' || value === 'F');
}

/** Why a frame is masked, or null. */
export function maskOf(frame: Frame, rules: readonly MaskRule[]): string | null {
  for (const { key, value } of rules) {
    const given = keyValue(frame, key);
    if (value === null ? isSet(given) : given !== undefined && String(given) === value)
      return `masked by ${key}=${String(given)}`;
  }
  return null;
}

/** Why no label is worth having of a structure: a pair of atoms inside the hard distance gate of the model; null otherwise. */
export function gateOf(structure: Structure, model: LinearModel): string | null {
  const gates = distanceGates(model.specification);
  const largest = Math.max(...gates.flat());
  if (!(largest > 0)) return null;
  const { offsets, indices, distances } = neighborList(structure, largest);
  const elements = elementIndices(structure, model.layout.species);
  for (let i = 0; i + 1 < offsets.length; i++) {
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      const gate = gates[elements[i]!]![elements[indices[p]!]!]!;
      if (distances[p]! < gate)
        return `atoms ${i} and ${indices[p]} are ${distances[p]!.toFixed(2)} Å apart, inside the gate of ${gate.toFixed(2)} Å`;
    }
  }
  return null;
}
