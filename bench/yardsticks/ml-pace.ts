/**
 * ML-PACE, the C++ evaluator behind `pair_style pace`, as the Python package python-ace ships it: energies and forces of
 * its recursive evaluator, and derivatives of every function of its plain one (what `compute pace` of LAMMPS rests on).
 * Environments are built beforehand, so neither side pays for neighbour lists.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { symbolOf } from '../../src/core/elements.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { paceEnvironment } from '../../test/support/python-ace.ts';
import type { Contender } from '../contest.ts';
import { coProcess } from './co-process.ts';
import { embedPython, type PythonSide } from './embedded-python.ts';

const PREPARE = `
import json
import numpy as np
from ase import Atoms
from pyace.atomicenvironment import aseatoms_to_atomicenvironment
from pyace.basis import ACECTildeBasisSet
from pyace.calculator import ACECalculator
from pyace.evaluator import ACECTildeEvaluator, ACERecursiveEvaluator

def pace(yace, structure, recursive):
    basis = ACECTildeBasisSet(yace)
    evaluator = ACERecursiveEvaluator() if recursive else ACECTildeEvaluator()
    evaluator.set_basis(basis)
    if recursive: evaluator.set_recursive(True)
    calculator = ACECalculator()
    calculator.set_evaluator(evaluator)
    atoms = Atoms(structure['symbols'], np.reshape(structure['positions'], (-1, 3)), pbc=structure['pbc'])
    if structure['cell']: atoms.set_cell(np.reshape(structure['cell'], (3, 3)))
    environment = aseatoms_to_atomicenvironment(atoms, cutoff=float(basis.cutoffmax), elements_mapper_dict=basis.elements_to_index_map)
    functions = [len(basis.basis_rank1[e]) + len(basis.basis[e]) for e in range(basis.nelements)]
    # The evaluator does not keep its basis alive.
    return calculator, environment, (evaluator, basis), functions
`;

/** What ML-PACE says of a structure. */
export interface PaceResult {
  readonly energy: number;
  readonly forces: Float64Array;
  /** Functions of each element. */
  readonly functions: readonly number[];
}

/** ML-PACE at hand. */
export interface MlPace {
  /** How it runs, for the reader. */
  readonly how: string;
  /** Energy and forces of a structure, which also makes the contender `name`. */
  energy(name: string, yace: string, structure: Structure): Promise<{ contender: Contender; result: PaceResult }>;
  /** The same with the derivatives of every function. */
  rows(name: string, yace: string, structure: Structure): Promise<{ contender: Contender; result: PaceResult }>;
  dispose(): void;
}

async function openSide(python: string): Promise<PythonSide> {
  try {
    return await embedPython(python);
  } catch (error) {
    const side = coProcess(python);
    const why = error instanceof Error ? error.message : String(error);
    return { ...side, how: `${side.how} (not in this one: ${why})` };
  }
}

/** Opens ML-PACE, or says why it is not to be had. */
export async function openMlPace(): Promise<MlPace | { readonly reason: string }> {
  // One thread, whatever its libraries would like; a core type set by hand could pin a slow kernel.
  process.env.OPENBLAS_NUM_THREADS = '1';
  process.env.OMP_NUM_THREADS = '1';
  delete process.env.OPENBLAS_CORETYPE;
  const environment = paceEnvironment();
  if ('reason' in environment) return environment;
  const side = await openSide(environment.python);
  const folder = mkdtempSync(join(tmpdir(), 'querent-bench-'));
  await side.run(PREPARE);
  let count = 0;
  async function prepare(name: string, yace: string, structure: Structure, recursive: boolean) {
    const id = ++count;
    const [potential, input, output] = ['yace', 'in.json', 'out.json'].map((end) => join(folder, `${id}.${end}`));
    writeFileSync(potential!, yace);
    const symbols = Array.from(structure.species, symbolOf);
    const positions = Array.from(structure.positions);
    const cell = structure.cell === null ? null : Array.from(structure.cell);
    writeFileSync(input!, JSON.stringify({ symbols, positions, cell, pbc: structure.pbc }));
    const derivatives = recursive ? '' : ', compute_b_grad=True';
    await side.run(`
_calculator${id}, _environment${id}, _kept${id}, _functions${id} = pace(${JSON.stringify(potential)}, json.load(open(${JSON.stringify(input)})), ${recursive ? 'True' : 'False'})
def _work${id}(): _calculator${id}.compute(_environment${id}${derivatives})
_work${id}()
json.dump({'energy': _calculator${id}.energy, 'forces': np.ravel(_calculator${id}.forces).tolist(), 'functions': _functions${id}}, open(${JSON.stringify(output)}, 'w'))
`);
    const said = JSON.parse(readFileSync(output!, 'utf8')) as { energy: number; forces: number[]; functions: number[] };
    const result: PaceResult = { ...said, forces: Float64Array.from(said.forces) };
    const units = structure.species.length;
    return { contender: { name, units, turn: (calls: number) => side.time(`_work${id}`, calls) }, result };
  }
  return {
    how: side.how,
    energy: (name, yace, structure) => prepare(name, yace, structure, true),
    rows: (name, yace, structure) => prepare(name, yace, structure, false),
    dispose() {
      side.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
