import { z } from 'zod';

const positive = z.number().positive();
const count = z.number().int().positive();
const triple = z.tuple([count, count, count]);
const command = z.array(z.string().min(1)).min(1);

const gates = z
  .strictObject({
    minimumDistance: positive
      .optional()
      .describe('Shortest distance of two atoms that is labelled, Å; by default the inner cutoff of the basis.'),
    maximumForce: positive
      .default(30)
      .describe('Largest force norm that a label may have, eV/Å; above it the label is rejected.'),
    netForce: positive.default(0.02).describe('Largest |Σ F|/√N that a label may have, eV/Å.'),
  })
  .prefault({})
  .describe('What a label must pass before it may teach the model.');

const mesh = triple.optional().describe('Divisions of the Brillouin zone along the three reciprocal vectors.');
const shifted = z.boolean().default(true).describe('Whether the mesh is moved by half a step off Γ.');
const namelist = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

const tightBinding = z
  .strictObject({
    kind: z.literal('tb-si').describe('Embedded tight-binding silicon (orthogonal sp).'),
    mesh,
    spacing: positive.optional().describe('Largest distance of k-points instead of a mesh, 1/Å (with the 2π).'),
    shifted,
    smearing: positive.default(0.1).describe('Electronic temperature k_B T, eV.'),
    gates,
  })
  .describe(
    'Silicon by tight binding, computed in this process: a stand-in for density functional theory that takes milliseconds.',
  );

const stillingerWeber = z
  .strictObject({ kind: z.literal('sw-si').describe('Embedded Stillinger-Weber silicon.'), gates })
  .describe('Silicon by the Stillinger-Weber potential: for trying things out in seconds.');

const quantumEspresso = z
  .strictObject({
    kind: z.literal('quantum-espresso').describe('pw.x of Quantum ESPRESSO.'),
    pseudopotentials: z
      .record(z.string().regex(/^[A-Z][a-z]?$/, 'must be a chemical symbol'), z.string().min(1))
      .describe('Pseudopotential file by chemical symbol; relative to pseudoDir, or to this file without one.'),
    pseudoDir: z.string().min(1).optional().describe('Folder of the pseudopotentials.'),
    ecutwfc: positive.describe('Cutoff of the wave functions, Ry.'),
    ecutrho: positive
      .optional()
      .describe('Cutoff of the density, Ry; 4 ecutwfc when absent, right for norm-conserving pseudopotentials only.'),
    mesh,
    kspacing: positive.optional().describe('Largest distance of k-points instead of a mesh, 1/Å (with the 2π).'),
    shifted,
    smearing: z
      .strictObject({
        type: z
          .enum(['gaussian', 'methfessel-paxton', 'marzari-vanderbilt', 'fermi-dirac'])
          .default('gaussian')
          .describe('Kind of smearing.'),
        width: positive.describe('Width of the smearing, eV.'),
      })
      .optional()
      .describe('Smeared occupations (metals, melts).'),
    occupations: z
      .enum(['fixed', 'smearing'])
      .optional()
      .describe('`fixed` for insulators, `smearing` needs the section above; by default whichever fits it.'),
    convThr: positive.default(1e-9).describe('Estimated energy error at which self-consistency is reached, Ry.'),
    extra: z
      .strictObject({
        control: namelist.optional().describe('&CONTROL'),
        system: namelist.optional().describe('&SYSTEM'),
        electrons: namelist.optional().describe('&ELECTRONS'),
      })
      .optional()
      .describe('Further keys of the namelists, passed on as they are.'),
    command: command.default(['pw.x']).describe('Command line up to pw.x, for instance [mpirun, -np, "4", pw.x].'),
    gates,
  })
  .describe('Density functional theory with plane waves.');

const commandReference = z
  .strictObject({
    kind: z
      .literal('command')
      .describe('Any program that reads a structure and writes it back with energy and forces.'),
    command: command.describe('Program and arguments; {input} and {output} stand for the extended-XYZ files.'),
    energyKey: z.string().min(1).optional().describe('Key of the energy in the output; found by itself when absent.'),
    forcesKey: z
      .string()
      .min(1)
      .optional()
      .describe('Column of the forces in the output; found by itself when absent.'),
    stressKey: z
      .string()
      .min(1)
      .optional()
      .describe('Key of the stress or virial in the output; found by itself when absent.'),
    fingerprint: z
      .string()
      .min(1)
      .optional()
      .describe('Your name of the settings that change the numbers: labels of two names are never mixed.'),
    gates,
  })
  .describe('A program of yours that labels one structure.');

const manual = z
  .strictObject({
    kind: z.literal('manual').describe('You compute the labels elsewhere and import them.'),
    format: z
      .enum(['extxyz', 'poscar'])
      .default('extxyz')
      .describe('Format of the structures that are written for you.'),
    gates,
  })
  .describe('Labels computed by hand: the run writes structures and waits for `querent label --import`.');

/** The `reference:` section of a run file: what labels structures, and what a label must pass. */
export const referenceSchema = z
  .discriminatedUnion('kind', [tightBinding, stillingerWeber, quantumEspresso, commandReference, manual])
  .check((context) => {
    const { value, issues } = context;
    const refuse = (message: string, path: string[]): void =>
      void issues.push({ code: 'custom', message, path, input: value });
    if (value.kind === 'tb-si' && value.mesh !== undefined && value.spacing !== undefined) {
      refuse('Either mesh or spacing must be given, not both', ['spacing']);
    }
    if (value.kind === 'quantum-espresso') {
      if (value.mesh !== undefined && value.kspacing !== undefined)
        refuse('Either mesh or kspacing must be given, not both', ['kspacing']);
      if (value.mesh === undefined && value.kspacing === undefined) refuse('mesh or kspacing must be given', []);
      if (value.occupations === 'smearing' && value.smearing === undefined)
        refuse('occupations: smearing needs a smearing section', ['occupations']);
      if (value.occupations === 'fixed' && value.smearing !== undefined)
        refuse('occupations: fixed excludes a smearing section', ['occupations']);
    }
  });

/** The `reference:` section of a run file. */
export type ReferenceSettings = z.infer<typeof referenceSchema>;
