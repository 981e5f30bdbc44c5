import type { FitProgress } from '../node/training/fit.ts';
import { formatSeconds } from './output.ts';
import type { VerbContext } from './verb.ts';

/** Time that a phase must have run before the rest of it is guessed, s. */
const GUESS_AFTER = 3;
/** Time between lines where nothing is redrawn, s. */
const LINE_EVERY = 60;

/**
 * Progress of a fit on standard error, `rows 40 %, about 3 min left`: a line that is redrawn on a terminal, otherwise a
 * line for each phase that ends, and one a minute while it lasts. The rest of a phase is guessed from its own pace.
 *
 * @param now  clock, s
 */
export function fitProgress(
  context: Pick<VerbContext, 'isTTY' | 'stderr'>,
  now: () => number = () => performance.now() / 1000,
): FitProgress {
  let phaseNow: string | null = null;
  let began = now();
  let lineAt = began;
  let told = '';
  return (phase, done, total) => {
    const time = now();
    if (phase !== phaseNow) {
      // The first news of a phase may be that its first part is done: it began when the one before ended.
      if (done === 0) began = time;
      phaseNow = phase;
    }
    const elapsed = time - began;
    const left = done > 0 && done < total && elapsed > GUESS_AFTER ? (elapsed * (total - done)) / done : 0;
    const text = `${phase} ${Math.floor((100 * done) / total)} %${left > 1 ? `, about ${formatSeconds(left)} left` : ''}`;
    const last = phase === 'leave-one-out' && done === total;
    if (context.isTTY) {
      if (text !== told || last) context.stderr(last ? '\r\u001b[K' : `\r\u001b[K${text}`);
    } else if (done === total) {
      context.stderr(`${phase} done\n`);
      lineAt = time;
    } else if (time - lineAt >= LINE_EVERY) {
      context.stderr(`${text}\n`);
      lineAt = time;
    }
    told = text;
    if (done === total) began = time;
  };
}
