/** The engine's own speed of multiplying and adding, for either build of the kernels; see `assembly/probe.ts`. */
import { existsSync, readFileSync } from 'node:fs';
import { canRunWasm, compileWasm } from '../../src/kernels/wasm-module.ts';
import { type Contender, contender } from '../contest.ts';

interface ProbeExports {
  readonly PROBE_WIDTH: { readonly value: number };
  probe(passes: number, factor: number, summand: number): number;
}

/** The probe of one build. */
export interface Probe {
  /** Variant of the kernels whose instructions it uses. */
  readonly variant: string;
  /** Contender whose units are multiply-adds. */
  readonly contender: Contender;
}

const BUILDS = [
  ['wasm-fma', 'kernels-fma.wasm'],
  ['wasm-simd', 'kernels.wasm'],
] as const;
const PASSES = 200_000;

/** Probes of the builds that this engine runs. */
export function openProbe(): Probe[] {
  return BUILDS.flatMap(([variant, file]) => {
    const url = new URL(`../../src/kernels/generated/${file}`, import.meta.url);
    if (!existsSync(url)) return [];
    const bytes = readFileSync(url);
    if (!canRunWasm(bytes)) return [];
    const { PROBE_WIDTH, probe } = compileWasm(bytes).instantiate<ProbeExports>();
    const work = (): unknown => probe(PASSES, 0.999999, 1e-6);
    return [{ variant, contender: contender(`probe ${variant}`, PASSES * PROBE_WIDTH.value, work) }];
  });
}
