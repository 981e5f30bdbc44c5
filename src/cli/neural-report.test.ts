import { describe, expect, it } from 'vitest';
import { TINY_TRAINING } from '../../test/support/neural.ts';
import { newMember } from '../core/potentials/neural/training.ts';
import { neuralProgress } from './neural-report.ts';

describe('progress of a training', () => {
  const state = {
    ...newMember(TINY_TRAINING, 4, 1, 2),
    epoch: 5,
    history: [{ epoch: 4, training: 1, heldOut: 0.875, gradientNorm: 1, rate: 0.1 }],
  };

  it('is a line now and then, with the time left and the last loss', () => {
    const lines: string[] = [];
    let clock = 0;
    const progress = neuralProgress({ isTTY: false, stderr: (text) => void lines.push(text) }, () => clock);
    progress('environments', 0, 10);
    clock = 1;
    progress('environments', 5, 10);
    progress('environments', 10, 10);
    progress('training', 0, 100, { state, members: 3 });
    clock = 31;
    progress('training', 20, 100, { state, members: 3 });
    expect(lines).toEqual([
      'environments 0 %\n',
      'environments 100 %\n',
      'training 0 %, member 3 at epoch 5: held-out loss 0.875\n',
      'training 20 %, about 2 min left, member 3 at epoch 5: held-out loss 0.875\n',
    ]);
  });

  it('says once when an epoch is taken back', () => {
    const lines: string[] = [];
    const progress = neuralProgress({ isTTY: true, stderr: (text) => void lines.push(text) }, () => 0);
    const back = { ...state, rollbacks: [{ epoch: 4, reason: 'the gradient was not finite' }] };
    progress('training', 1, 10, { state: back, members: 3 });
    progress('training', 2, 10, { state: back, members: 3 });
    expect(lines.filter((line) => line.includes('taken back'))).toEqual([
      'member 3: epoch 5 is taken back and the learning rate halved: the gradient was not finite\n',
    ]);
    progress('training', 10, 10, { state: back, members: 3 });
    expect(lines.at(-1)).toBe('\r\u001b[K');
  });
});
