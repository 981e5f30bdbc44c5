"""Random potentials in the library's own files, and its energies and forces: python-ace.py FOLDER > results.json

Writes FOLDER/NAME.yace for each potential, evaluates it on random clusters, and prints them with the results as JSON.
"""

import json
import sys

import numpy as np
from ase import Atoms
from pyace import ACEBBasisSet, PyACECalculator, create_multispecies_basis_config

FUNCTIONS = {
    "UNARY": {"nradmax_by_orders": [5, 3, 2, 2, 1], "lmax_by_orders": [0, 3, 2, 1, 1]},
    "BINARY": {"nradmax_by_orders": [4, 2, 1, 1], "lmax_by_orders": [0, 2, 1, 1]},
    "TERNARY": {"nradmax_by_orders": [3, 1, 1], "lmax_by_orders": [0, 1, 1]},
}


def embedding(kind, parameters):
    return {
        "npot": kind,
        "fs_parameters": parameters,
        "ndensity": len(parameters) // 2,
        "rho_core_cut": 200000,
        "drho_core_cut": 250,
    }


def bond(radial, parameters, cutoff, inner, core, width=0.01):
    kind, radius, delta = inner
    return {
        "radbase": radial,
        "radparameters": parameters,
        "rcut": cutoff,
        "dcut": width,
        "NameOfCutoffFunction": "cos",
        "r_in": radius,
        "delta_in": delta,
        "inner_cutoff_type": kind,
        "core-repulsion": core,
    }


DISTANCE, ZBL = ("distance", 1.7, 0.3), ("zbl", 1.7, 0.4)
TWO = [1, 1, 1, 0.5]
POTENTIALS = {
    "chebyshev": {
        "embeddings": {"ALL": embedding("FinnisSinclairShiftedScaled", TWO)},
        "bonds": {
            "UNARY": bond("ChebExpCos", [5.25], 5.0, DISTANCE, [10, 2]),
            "BINARY": bond("ChebPow", [2.0], 5.5, DISTANCE, [10, 2]),
        },
    },
    "zbl": {
        "embeddings": {"ALL": embedding("FinnisSinclair", TWO)},
        "bonds": {"ALL": bond("SBessel", [5.25], 5.2, ZBL, [1, 1], 0.1)},
    },
    "linear": {
        "embeddings": {"ALL": embedding("FinnisSinclair", [1, 1])},
        "bonds": {
            "UNARY": bond("SBessel", [5.25], 5.2, ("density", 0, 0), [0, 1]),
            "BINARY": bond("ChebExpCos", [2.5], 4.4, ("density", 0, 0), [20, 1.5], 0.5),
        },
    },
}


def cluster(random, atoms, elements, closest):
    positions = []
    while len(positions) < atoms:
        place = random.uniform(-2.6, 2.6, 3)
        if all(np.linalg.norm(place - other) > closest for other in positions):
            positions.append(place)
    return Atoms([elements[k % len(elements)] for k in range(atoms)], positions)


def main(folder):
    results = []
    for seed, (name, parts) in enumerate(POTENTIALS.items()):
        random = np.random.default_rng(seed)
        elements = ["Al", "Ni", "Cu"]
        basis = ACEBBasisSet(
            create_multispecies_basis_config(
                {"deltaSplineBins": 0.001, "elements": elements, "functions": FUNCTIONS, **parts}
            )
        )
        basis.all_coeffs = (0.1 * random.normal(size=len(basis.all_coeffs))).tolist()
        path = f"{folder}/{name}.yace"
        basis.to_ACECTildeBasisSet().save_yaml(path)
        calculator = PyACECalculator(path, recursive_evaluator=True, recursive=True)
        for closest in (1.9, 1.5):
            atoms = cluster(random, 9, elements, closest)
            atoms.calc = calculator
            results.append(
                {
                    "potential": name,
                    "species": atoms.numbers.tolist(),
                    "positions": atoms.positions.tolist(),
                    "energy": float(atoms.get_potential_energy()),
                    "forces": atoms.get_forces().tolist(),
                }
            )
    print("\n" + json.dumps(results))


main(sys.argv[1])
