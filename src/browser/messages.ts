/** Messages between the page and its worker threads. */
import type { PotentialResult } from '../core/potentials/potential.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { KernelBinaries } from '../kernels/wasm-module.ts';
import type { CarriedError } from '../protocol/carried-error.ts';

/** What a potential is made of: the bytes of a model file, or the text of a `.yace` file. */
export type PotentialSource =
  | { readonly kind: 'model'; readonly bytes: Uint8Array }
  | { readonly kind: 'yace'; readonly text: string };

/** What a worker is asked. `open` comes first and once. */
export type Request =
  | {
      readonly kind: 'open';
      readonly source: PotentialSource;
      readonly binaries: KernelBinaries;
      readonly kernels: string | null;
    }
  | {
      readonly kind: 'evaluate';
      readonly structure: Structure;
      /** Central atoms whose share is wanted. */
      readonly atoms: readonly [from: number, to: number];
      /** [3n] shared memory that takes the forces, which then do not travel; null without shared memory. */
      readonly forces: Float64Array | null;
    };

/** What it answers; `value` is the name of the kernels for `open`. */
export type Reply =
  | { readonly id: number; readonly value: string | PotentialResult }
  | { readonly id: number; readonly error: CarriedError };
