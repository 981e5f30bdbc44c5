/** A worker thread of the page: one potential on kernels of its own. */
import { potentialOf } from '../core/potentials/neural/neural-potential.ts';
import type { PotentialResult } from '../core/potentials/potential.ts';
import type { Structure } from '../core/structure/structure.ts';
import { readModel } from '../formats/model-file.ts';
import { readYace } from '../formats/yace-reader.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { loadKernels } from '../kernels/load.ts';
import { carried } from '../protocol/carried-error.ts';
import type { PotentialSource, Reply, Request } from './messages.ts';

declare const self: {
  onmessage: ((event: { readonly data: { readonly id: number; readonly request: Request } }) => void) | null;
  postMessage(reply: Reply): void;
};

type Evaluate = (structure: Structure, atoms: readonly [from: number, to: number]) => PotentialResult;

let evaluate: Evaluate | null = null;

function opened(source: PotentialSource, kernels: Kernels): Evaluate {
  if (source.kind === 'yace') {
    const program = kernels.compile(readYace(source.text, 'potential.yace').potential);
    return (structure, atoms) => program.evaluate([structure], { atoms })[0]!;
  }
  const { model, basis } = readModel(source.bytes, 'model');
  const potential = potentialOf(model, kernels.prepare(basis));
  return (structure, atoms) => potential.evaluateShare(structure, atoms);
}

function answer(request: Request): string | PotentialResult {
  if (request.kind === 'open') {
    const kernels = loadKernels(request.binaries, request.kernels);
    evaluate = opened(request.source, kernels);
    return kernels.name;
  }
  const result = evaluate!(request.structure, request.atoms);
  if (request.forces === null) return result;
  request.forces.set(result.forces);
  return { ...result, forces: new Float64Array(0) };
}

self.onmessage = ({ data: { id, request } }) => {
  try {
    self.postMessage({ id, value: answer(request) });
  } catch (error) {
    self.postMessage({ id, error: carried(error) });
  }
};
