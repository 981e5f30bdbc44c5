import type { NeuralFit, NeuralProgress } from '../node/training/neural.ts';
import { formatSeconds, plural } from './output.ts';
import { cell, renderTable } from './table.ts';
import type { VerbContext } from './verb.ts';

/** Time between lines of progress, s. */
const LINE_EVERY = 20;

/** What a person reads of a training: each member, the verdict and what error bars are made of. */
export function neuralReport({ ensemble, warnings, model }: NeuralFit): string {
  const { verdict, shape, members, maps, training, scales, rescaling } = ensemble;
  const { forces } = scales;
  const rows = training.members.map((member, m) => [
    String(m + 1),
    String(member.epochs),
    String(member.bestEpoch + 1),
    cell(member.startLoss),
    cell(member.bestLoss),
    String(member.rollbacks),
  ]);
  const parameters = members[0]!.length;
  const lines = [
    `${plural(members.length, 'network')} of ${[shape.inputs, ...shape.hidden, 1].join('-')} (${shape.activation}), ${parameters} parameters each, on ${maps.map(({ functions }) => functions).join(', ')} invariants of ${model.specification.elements.join(', ')}`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  const table = renderTable(
    ['member', 'epochs', 'best', 'held-out loss before', 'after', 'taken back'].map((header) => ({
      header,
      align: 'right',
    })),
    rows,
  );
  const factor = Number.isNaN(rescaling.forces)
    ? ''
    : `; alone the spread would have to be ${cell(Math.sqrt(rescaling.forces))} times as wide`;
  const outcome =
    verdict.reason === '' ? 'the networks are in force' : `the linear model stays in force: ${verdict.reason}`;
  return (
    `${lines.join('\n')}\n\n${table}\n` +
    `on ${plural(verdict.structures, 'structure')} that no network has seen: force MAE ${cell(1000 * verdict.forceError)} meV/Å, linear ${cell(1000 * verdict.linearForceError)} meV/Å, ENCE ${cell(verdict.ence)}\n` +
    `error bars of forces: √(${cell(forces.a, 2)} σ² + ${cell(forces.b)} v) for the spread v of the members${factor}\n` +
    `${outcome}\n`
  );
}

/** Progress on standard error: `training 40 %, member 3 at epoch 24: held-out loss 0.93`; a line that is redrawn on a terminal. */
export function neuralProgress(
  context: Pick<VerbContext, 'isTTY' | 'stderr'>,
  now: () => number = () => performance.now() / 1000,
): NeuralProgress {
  let began = now();
  let lineAt = Number.NEGATIVE_INFINITY;
  let phaseNow = '';
  let before = 0;
  const rolledBack = new Map<number, number>();
  return (phase, done, total, of) => {
    const time = now();
    if (phase !== phaseNow) {
      phaseNow = phase;
      began = time;
      before = done;
      lineAt = Number.NEGATIVE_INFINITY;
    }
    const told = of === undefined ? 0 : (rolledBack.get(of.state.member) ?? 0);
    for (const { epoch, reason } of of?.state.rollbacks.slice(told) ?? []) {
      context.stderr(
        `member ${of!.state.member + 1}: epoch ${epoch + 1} is taken back and the learning rate halved: ${reason}\n`,
      );
    }
    if (of !== undefined) rolledBack.set(of.state.member, of.state.rollbacks.length);
    const pace = done > before ? (time - began) / (done - before) : 0;
    const left = pace * (total - done);
    const last = of?.state.history.at(-1);
    const member =
      last === undefined
        ? ''
        : `, member ${of!.state.member + 1} at epoch ${last.epoch + 1}: held-out loss ${cell(last.heldOut)}`;
    const text = `${phase} ${Math.floor((100 * done) / total)} %${left > 1 ? `, about ${formatSeconds(left)} left` : ''}${member}`;
    if (context.isTTY) context.stderr(done === total ? '\r\u001b[K' : `\r\u001b[K${text}`);
    else if (done === total || time - lineAt >= LINE_EVERY) {
      context.stderr(`${text}\n`);
      lineAt = time;
    }
  };
}
