import type { AceProgram } from '../descriptors/descriptors.ts';
import type { Factor, FactorState, PerKind } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import type { Frame } from '../structure/structure.ts';
import type { FrameWeights } from './dataset.ts';
import { columnCount } from './dataset.ts';
import type { ObservationSettings } from './observations.ts';
import { labelledBlocks, offsetGroupOf, structureBlocks } from './observations.ts';
import type { ObservedFrame } from './robust-weights.ts';
import { shareOf } from './robust-weights.ts';

/**
 * Streams frames through the program into one factor per kind; rows live only until they are appended. Observations have
 * the weight of their frame times their share.
 *
 * @param newFactor empty factor of the layout's columns
 * @param onEnergy  told of the row [d] and target of each energy, as it enters the factor
 * @returns         the factors' states
 */
export function accumulateFactors(
  program: AceProgram,
  frames: readonly ObservedFrame[],
  settings: ObservationSettings,
  weightsOf: FrameWeights,
  newFactor: (columns: number) => Factor,
  onEnergy?: (row: Float64Array, target: number) => void,
): PerKind<FactorState> {
  const d = columnCount(settings.layout);
  const factors = { energy: newFactor(d), forces: newFactor(d), virial: newFactor(d) };
  for (const frame of frames) {
    program.rows([frame.structure], (_, rows) => {
      const blocks = structureBlocks(frame.structure, rows, settings.layout, {
        energyNoise: settings.energyNoise,
        mask: settings.mask,
        offsetGroup: offsetGroupOf(frame, settings.offsetKey),
      });
      const observed = labelledBlocks(frame, rows, blocks, settings.layout, settings.reference);
      const weights = weightsOf(frame);
      for (const kind of OBSERVATION_KINDS) {
        const block = observed[kind];
        const u = weights[kind];
        if (block.count === 0 || u === 0 || (kind === 'virial' && !settings.stress)) continue;
        let logShares = 0;
        if (u !== 1 || frame.shares !== undefined) {
          for (let r = 0; r < block.count; r++) {
            const share = shareOf(frame.shares, kind, block.components[r]!);
            const root = Math.sqrt(u * share);
            for (let i = r * d; i < (r + 1) * d; i++) block.rows[i]! *= root;
            block.targets[r]! *= root;
            logShares += Math.log(share);
          }
        }
        if (kind === 'energy') onEnergy?.(block.rows, block.targets[0]!);
        factors[kind].append(
          block.rows,
          block.targets,
          block.count,
          block.count * Math.log(u / (block.scale * block.scale)) + logShares,
        );
      }
    });
  }
  return { energy: factors.energy.state(), forces: factors.forces.state(), virial: factors.virial.state() };
}

/**
 * Root mean square of each basis column over the force rows of a sample of structures: the scale against which rows
 * fixed by symmetry are recognised.
 */
export function forceColumnScale(program: AceProgram, structures: readonly Frame['structure'][]): Float64Array {
  const d = program.size;
  const squares = new Float64Array(d);
  let count = 0;
  program.rows(structures, (_, rows) => {
    const m = rows.forces.length / d;
    count += m;
    for (let r = 0; r < m; r++) {
      for (let v = 0; v < d; v++) {
        const x = rows.forces[r * d + v]!;
        squares[v]! += x * x;
      }
    }
  });
  return squares.map((s) => Math.sqrt(s / Math.max(count, 1)));
}
