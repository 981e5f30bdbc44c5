/** Design rows: values and derivatives of every basis function, against one evaluation of energy and forces. */
import { COPPER_32, madeCase, type BasisCase } from '../cases.ts';
import { contender, type RatioRequest } from '../contest.ts';
import { byVariant, type Workbench } from '../workbench.ts';

/** What is hoped for: against the derivatives of ML-PACE, and of evaluations per atom and hundred functions. */
const NATIVE_TARGET = 60;
const EVALUATIONS_TARGET = 3;

async function measure(bench: Workbench, of: BasisCase): Promise<void> {
  const { name, basis, structure, weights, yace } = of;
  const atoms = structure.species.length;
  const pace = await bench.mlPace();
  const native = await pace?.rows('ML-PACE b_grad', yace(), structure);
  const programs = bench.kernels.map((kernels) => kernels.prepare(basis));
  let next = 0;
  const rows = byVariant(bench, atoms, () => {
    const program = programs[next++]!;
    return () => program.rows([structure], () => {});
  });
  const fastest = bench.kernels[0]!.name;
  const evaluation = `${fastest} energy`;
  const evaluate = contender(evaluation, atoms, () => programs[0]!.evaluate([structure], weights));
  const columns = basis.functions[0]!.length;
  const ratios: RatioRequest[] = bench.kernels.flatMap(({ name: variant }): RatioRequest[] => {
    const functions = native === undefined ? 1 : columns / native.result.functions[0]!;
    return [
      {
        name: variant,
        over: 'ML-PACE b_grad',
        label: `${variant} / ML-PACE, per function`,
        factor: functions,
        ...(variant === fastest ? { target: { atLeast: NATIVE_TARGET } } : {}),
      },
      ...(variant === 'typescript' ? [] : [{ name: variant, over: 'typescript' }]),
    ];
  });
  ratios.push({
    name: evaluation,
    over: fastest,
    label: `rows as evaluations, per 100 functions`,
    factor: 100 / columns,
    target: { atMost: EVALUATIONS_TARGET },
  });
  const notes = [`${columns} functions per element, ${basis.offsets.at(-1)!} columns`];
  if (native !== undefined)
    notes.push(`ML-PACE has ${native.result.functions[0]!} functions: those that differ only in couplings are one`);
  await bench.hold({
    subject: 'rows',
    title: `design rows, ${name}`,
    unit: 'atom',
    contenders: [...(native === undefined ? [] : [native.contender]), ...rows, evaluate],
    ratios,
    notes,
  });
  for (const program of programs) program.dispose();
}

/** Measures design rows. */
export async function rows(bench: Workbench): Promise<void> {
  await measure(bench, madeCase('medium', ['Cu'], 6, COPPER_32));
  await measure(bench, madeCase('large', ['Cu'], 6, COPPER_32));
  await measure(bench, madeCase('medium', ['Si'], 6, { prototype: 'diamond', element: 'Si', a: 5.43 }));
  await measure(bench, madeCase('medium', ['Cu', 'Zr'], 6, COPPER_32));
}
