import { sharesOf, sumsOfShares } from '../../core/potentials/atom-shares.ts';
import type { PotentialResult } from '../../core/potentials/potential.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { Machine, PotentialFile } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { onFrame } from './check-frames.ts';

/** The share of some central atoms of one structure. What is thrown names the frame. */
export function evaluateShare(
  machine: Machine,
  argument: { potential: PotentialFile; frame: Pick<Frame, 'structure' | 'source'>; atoms: readonly [number, number] },
): PotentialResult {
  const { potential, frame, atoms } = argument;
  return onFrame(frame, () => machine.filePotential(potential).evaluate([frame.structure], { atoms })[0]!);
}

/**
 * Energy, forces and virial of the structures of some frames by a potential that came from a file. Structures, and fixed
 * shares of the atoms of large ones, are spread over the threads of the pool; their number changes no bit.
 */
export async function evaluateWithFile(
  potential: PotentialFile,
  frames: readonly Frame[],
  pool: TaskPool,
): Promise<PotentialResult[]> {
  const shares = sharesOf(frames.map(({ structure }) => atomCount(structure)));
  const parts = await pool.map(
    'share',
    shares.map(({ index, atoms }) => {
      const { structure, source } = frames[index]!;
      return { potential, frame: { structure, source }, atoms };
    }),
  );
  return sumsOfShares(shares, parts);
}
