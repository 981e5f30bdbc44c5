/** What is measured on: potentials and crystals made here, and published ones when their files are on this machine. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { AceBasis } from '../src/core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../src/core/descriptors/ace/enumerate.ts';
import { type PresetName, presetLimits, presetSpecification } from '../src/core/descriptors/ace/presets.ts';
import { type ProductPotential, productPotential } from '../src/core/descriptors/ace/product-basis.ts';
import { atomicNumberOf } from '../src/core/elements.ts';
import { RandomStream } from '../src/core/random.ts';
import { rattle } from '../src/core/sampling/rattle.ts';
import { type PrototypeSpecification, prototypeStructure } from '../src/core/structure/prototypes.ts';
import type { Structure } from '../src/core/structure/structure.ts';
import { parseExtxyzText } from '../src/formats/extxyz.ts';
import { readYace } from '../src/formats/yace-reader.ts';
import { writeYace } from '../src/formats/yace.ts';
import { dataFile } from '../test/support/data.ts';

/** A potential and a structure for it. */
export interface PotentialCase {
  readonly name: string;
  readonly potential: ProductPotential;
  /** The potential as the text of a file, for other programs. */
  yace(): string;
  readonly structure: Structure;
}

/** A basis with weights and a structure for it. */
export interface BasisCase extends PotentialCase {
  readonly basis: AceBasis;
  readonly weights: Float64Array;
}

/** Numbers from a normal distribution, the same each time. */
export function normals(length: number, name = 'bench'): Float64Array {
  const stream = new RandomStream(1, name, length);
  return Float64Array.from({ length }, () => stream.normal());
}

/** A crystal with normal displacements of 0.08 Å; other elements take its sites in turn. */
export function rattledCrystal(specification: PrototypeSpecification, elements: readonly string[] = []): Structure {
  const crystal = prototypeStructure(specification);
  const { structure } = rattle(crystal, [0.08, 0.08], new RandomStream(1, 'bench crystal'));
  if (elements.length === 0) return structure;
  const species = structure.species.map((_, i) => atomicNumberOf(elements[i % elements.length]!));
  return { ...structure, species };
}

/** A potential of random coefficients on a preset's basis. */
export function madeCase(
  preset: PresetName,
  elements: readonly string[],
  cutoff: number,
  crystal: PrototypeSpecification,
): BasisCase {
  const specification = presetSpecification(preset, elements, cutoff, () => 2.2);
  const basis = buildAceBasis(specification, presetLimits(preset));
  const weights = normals(basis.offsets.at(-1)!, 'bench weights').map((weight) => 0.01 * weight);
  const e0 = elements.map(() => 0);
  const structure = rattledCrystal(crystal, elements.length > 1 ? elements : []);
  const atoms = structure.species.length;
  return {
    name: `${elements.join('-')} ${preset}, ${weights.length} functions, ${atoms} atoms`,
    potential: productPotential(basis, weights, e0),
    yace: () => writeYace({ basis, coefficients: weights, e0 }),
    structure,
    basis,
    weights,
  };
}

function unzipped(file: string): Buffer | null {
  const path = dataFile(`pace_potentials/${file}`);
  return path === null ? null : gunzipSync(readFileSync(path));
}

/** The published potentials that are on this machine. */
export function publishedCases(): PotentialCase[] {
  return [
    ['Cu (published)', 'Cu.yace.gz', 'Cu_fcc256_rattled.xyz.gz'],
    ['Ta (published)', 'Ta_pot.yace.gz', 'Ta_bcc250_rattled.xyz.gz'],
    ['YBCO (published)', 'YBCO.yace.gz', 'YBCO_fcc256_rattled.xyz.gz'],
  ].flatMap(([name, file, crystal]) => {
    const [yace, frames] = [unzipped(file!), unzipped(crystal!)];
    if (yace === null || frames === null) return [];
    const { potential } = readYace(yace.toString(), file!);
    const { structure } = parseExtxyzText(frames.toString(), crystal!)[0]!.frame;
    return [{ name: `${name}, ${structure.species.length} atoms`, potential, yace: () => yace.toString(), structure }];
  });
}

/** The cell of training sets: 32 atoms of copper. */
export const COPPER_32: PrototypeSpecification = { prototype: 'fcc', element: 'Cu', a: 3.63, repeat: [2, 2, 2] };
/** A crystal of 216 silicon atoms. */
export const SILICON_216: PrototypeSpecification = { prototype: 'diamond', element: 'Si', a: 5.43, repeat: [3, 3, 3] };
