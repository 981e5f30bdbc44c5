import { z } from 'zod';
import { InputError } from '../core/errors.ts';

const id = z.string().min(1);
/** Name of a blob: sha256 of its bytes. */
const blob = z.string().regex(/^[0-9a-f]{64}$/);
const round = z.number().int().nonnegative();
const count = z.number().int().nonnegative();
/** A number that may be NaN or infinite in memory: null in JSON. */
const figure = z.number().nullable();

const origin = z.object({
  kind: z.enum(['seed', 'file', 'exploration', 'assessment']),
  round,
  walker: z.number().int(),
  step: z.number().int(),
  reason: z.string(),
  temperature: z.number(),
  signals: z.record(z.string(), figure),
  censored: z.boolean(),
});

const walker = z.object({
  walker: z.number().int(),
  temperature: z.number(),
  steps: count,
  plannedSteps: count,
  outcome: z.enum(['finished', 'extrapolating', 'broken']),
  reason: z.string(),
  maxForceSigma: figure,
});

const criterion = z.object({
  name: z.string(),
  value: figure,
  upper: figure,
  tolerance: z.number(),
  met: z.boolean(),
});
const precondition = z.object({ name: z.string(), met: z.boolean(), detail: z.string() });
const fingerprint = z.object({ code: z.string(), settings: z.string(), files: z.record(z.string(), z.string()) });

const request = z.object({ id, structure: blob, origin });
const failureReason = z.enum(['input', 'scf', 'crash', 'timeout', 'lost']);
const rejectionReason = z.enum(['overlap', 'force', 'net-force', 'inconsistent', 'outlier']);

/** Payload of every kind of event in its current version. Arrays, structures and models are named by blob. */
export const eventSchemas = {
  'run-started': z.object({
    name: z.string(),
    seed: z.number(),
    runFile: blob,
    /** Files the run reads, by path relative to its directory: sha256. */
    inputs: z.record(z.string(), z.string()),
    kernel: z.string(),
    querent: z.string(),
    pid: count,
    host: z.string(),
  }),
  'run-resumed': z.object({ pid: count, host: z.string(), querent: z.string() }),
  'settings-changed': z.object({
    runFile: blob,
    changes: z.array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() })),
  }),
  'labels-imported': z.object({
    from: z.string(),
    labels: z.array(z.object({ id, structure: blob, origin, result: blob, fingerprint })),
  }),
  'pool-built': z.object({ round, pool: blob, size: count }),
  'batch-selected': z.object({
    round,
    strategy: z.string(),
    selected: z.array(request.extend({ gain: figure, reason: z.string() })),
    certificate: figure,
    poolSize: count,
  }),
  'assessment-drawn': z.object({ round, frames: z.array(request), censored: count }),
  'label-queued': z.object({
    id,
    reason: z.enum(['scf', 'lost', 'interrupted', 'resumed']),
    message: z.string(),
    cost: z.number(),
  }),
  'label-running': z.object({ id, attempt: count, pid: count, startTime: z.string().nullable() }),
  'label-done': z.object({
    id,
    result: blob,
    fingerprint,
    energy: z.number(),
    maxForce: z.number(),
    cost: z.number(),
    directory: z.string().nullable(),
    /** Whether it was found finished on disk after a crash, or imported by a person. */
    source: z.enum(['computed', 'adopted', 'imported']),
  }),
  'label-failed': z.object({ id, reason: failureReason, message: z.string(), cost: z.number() }),
  'label-rejected': z.object({ id, reason: rejectionReason, message: z.string(), cost: z.number() }),
  'label-withdrawn': z.object({ id, reason: z.string() }),
  'label-readmitted': z.object({ id, reason: z.string() }),
  'model-fitted': z.object({
    round,
    model: blob,
    /** sha256 of the ids and results it was fitted to. */
    data: z.string(),
    structures: count,
    summary: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()])),
  }),
  explored: z.object({ round, pool: blob, size: count, walkers: z.array(walker) }),
  assessed: z.object({
    round,
    /** Errors frame by frame. */
    assessment: blob,
    frames: count,
    criteria: z.array(criterion),
    preconditions: z.array(precondition),
    /** Whether everything was met at this look. */
    met: z.boolean(),
    /** Whether it was met often enough in a row to stop. */
    converged: z.boolean(),
    /** Memory of the stopping rule: looks so far, consecutive successes. */
    history: z.record(z.string(), z.number()),
    reason: z.string(),
  }),
  paused: z.object({ cause: z.enum(['failures', 'waiting']), message: z.string() }),
  stopped: z.object({ outcome: z.enum(['converged', 'budget', 'exhausted']), limit: z.string(), message: z.string() }),
} as const;

/** Kinds of events. */
export type EventType = keyof typeof eventSchemas;
/** Payload of one kind of event. */
export type EventData<T extends EventType = EventType> = z.infer<(typeof eventSchemas)[T]>;
/** An event before it is stored: its kind and payload. */
export type RunEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];
/** A stored event: where it stands, when it was written, and the hash that chains it to those before. */
export type StoredEvent = RunEvent & {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly hash: string;
};

/** Where a structure came from, as events carry it. */
export type OriginData = z.infer<typeof origin>;
/** One criterion as an event and `status --json` carry it. */
export type CriterionData = z.infer<typeof criterion>;
/** One precondition as an event and `status --json` carry it. */
export type PreconditionData = z.infer<typeof precondition>;
/** What was computed, as events carry it. */
export type FingerprintData = z.infer<typeof fingerprint>;
/** How a walker fared, as events carry it. */
export type WalkerData = z.infer<typeof walker>;

/**
 * Turns payloads of older versions into newer ones: `upcasters[type][v]` makes version v + 1 of version v. A kind without
 * an entry is still at version 1.
 */
export type Upcasters = { readonly [T in EventType]?: readonly ((data: unknown) => unknown)[] };

/** Changes of payloads so far; none yet. */
export const upcasters: Upcasters = {};

/** Version in which events of this kind are written now. */
export function eventVersion(type: EventType, table: Upcasters = upcasters): number {
  return 1 + (table[type]?.length ?? 0);
}

/**
 * A stored payload as an event of today.
 * @throws InputError `EVENT_NEWER` when a newer version of this program wrote it; `EVENT_INVALID` when it breaks its schema
 */
export function readEvent(type: string, version: number, data: unknown, table: Upcasters = upcasters): RunEvent {
  if (!Object.hasOwn(eventSchemas, type) || version > eventVersion(type as EventType, table)) {
    throw new InputError(
      'EVENT_NEWER',
      `Event must be of a kind and version that this program knows, got ${type} ${version}: the run was written by a newer Querent; update it to go on`,
      { type, version },
    );
  }
  const known = type as EventType;
  const steps = table[known] ?? [];
  const current = steps.slice(version - 1).reduce((value, step) => step(value), data);
  const parsed = eventSchemas[known].safeParse(current);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new InputError('EVENT_INVALID', `Event ${type} must follow its schema: ${path.join('.')}: ${message}`, {
      type,
      version,
    });
  }
  return { type: known, data: parsed.data } as RunEvent;
}
