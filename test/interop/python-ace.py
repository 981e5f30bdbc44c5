"""What the public C++ evaluator makes of potential files, and files of its own tools: python-ace.py JOB.json

JOB: {"folder", "structures": [{"symbols", "positions", "cell"}], "given": [names], "made": bool}. For each given NAME the
files FOLDER/NAME.yace, .yaml and .asi are evaluated. With "made", potentials are generated, converted and given active
sets by the package's own tools first. Prints one line of JSON: name -> kind of file -> energies, forces, gammas.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
from ase import Atoms
from pyace import PyACECalculator, create_multispecies_basis_config

TOOLS = os.path.dirname(sys.executable)


def evaluated(potential, structures, active_set=None, recursive=False):
    calculator = PyACECalculator(potential, recursive=recursive, recursive_evaluator=recursive)
    if active_set is not None:
        calculator.set_active_set(active_set)
    out = []
    for atoms in structures:
        atoms = atoms.copy()
        atoms.calc = calculator
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        gamma = [] if active_set is None else np.array(calculator.results["gamma"]).tolist()
        out.append({"energy": float(energy), "forces": forces.tolist(), "gamma": gamma})
    return out


def tool(name, *arguments):
    done = subprocess.run(
        [sys.executable, os.path.join(TOOLS, name), *arguments], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"{name} {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def embedding(*parameters):
    return {
        "npot": "FinnisSinclairShiftedScaled",
        "fs_parameters": list(parameters),
        "ndensity": len(parameters) // 2,
        "rho_core_cut": 200000,
        "drho_core_cut": 250,
    }


def bond(radial, parameters, cutoff):
    return {
        "radbase": radial,
        "radparameters": parameters,
        "rcut": cutoff,
        "dcut": 0.01,
        "NameOfCutoffFunction": "cos",
        "r_in": 1.6,
        "delta_in": 0.3,
        "inner_cutoff_type": "distance",
        "core-repulsion": [10, 2],
    }


MADE = {
    "one": {
        "elements": ["Al"],
        "embeddings": {"ALL": embedding(1, 1)},
        "bonds": {"ALL": bond("SBessel", [5.25], 5.0)},
        "functions": {
            "ALL": {"nradmax_by_orders": [5, 3, 2, 1], "lmax_by_orders": [0, 2, 2, 1]},
        },
    },
    "two": {
        "elements": ["Al", "Ni"],
        "embeddings": {"ALL": embedding(1, 1, 1, 0.5)},
        "bonds": {"UNARY": bond("ChebExpCos", [5.25], 5.0), "BINARY": bond("ChebPow", [2.0], 5.5)},
        "functions": {
            "UNARY": {"nradmax_by_orders": [4, 2, 1], "lmax_by_orders": [0, 2, 1]},
            "BINARY": {"nradmax_by_orders": [3, 2, 1], "lmax_by_orders": [0, 1, 1]},
        },
    },
}


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    folder = job["folder"]
    os.chdir(folder)
    structures = [
        Atoms(s["symbols"], positions=s["positions"], cell=s["cell"], pbc=s["cell"] is not None)
        for s in job["structures"]
    ]
    results = {}
    names = [(name, None) for name in job["given"]]
    if job["made"]:
        random = np.random.default_rng(1)
        for name, config in MADE.items():
            np.random.seed(1)
            made = create_multispecies_basis_config(
                {"deltaSplineBins": 0.001, **config}, func_coefs_initializer="random"
            )
            made.save(f"{name}.yaml")
            tool("pace_yaml2yace", f"{name}.yaml", "-o", f"{name}.yace")
            elements = set(config["elements"])
            own = [a for a in structures if set(a.get_chemical_symbols()) <= elements]
            cells = []
            for k in range(60):
                atoms = own[k % len(own)].copy()
                atoms.positions += random.normal(size=atoms.positions.shape) * 0.2
                cells.append(atoms)
            frame = pd.DataFrame({"ase_atoms": cells, "name": [f"c{k}" for k in range(len(cells))]})
            frame.to_pickle(f"{name}.pckl.gzip", compression="gzip", protocol=4)
            tool("pace_activeset", "-a", "-d", f"{name}.pckl.gzip", f"{name}.yaml")
            produced = [f for f in os.listdir(".") if f.startswith(name) and f.endswith(".asi")]
            os.replace(produced[0], f"{name}.asi")
            names.append((name, elements))
    for name, elements in names:
        own = [
            atoms
            for atoms in structures
            if elements is None or set(atoms.get_chemical_symbols()) <= elements
        ]
        results[name] = {
            "yace": evaluated(f"{name}.yace", own, recursive=True),
            "yaml": evaluated(f"{name}.yaml", own, f"{name}.asi"),
        }
    print(json.dumps(results))


main()
