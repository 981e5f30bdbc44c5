import type { BondFunctions } from './bond-functions.ts';
import type { ProductPotential } from './product-basis.ts';
import type { RadialFunctions } from './radial.ts';
import { combine, TabulatedRadialFunctions, tabulateBond } from './radial-table.ts';

/** Degree of the polynomials: lower ones need more bins, higher ones cost more each. */
const DEGREE = 9;

/** The rows of a bond from tables. */
export class TabulatedBond implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly table: TabulatedRadialFunctions;

  /** @param exact  the rows that are tabulated, of elements mu0 and mu  @throws NumericalError `TABLE_NOT_CONVERGED` */
  constructor(potential: ProductPotential, mu0: number, mu: number, exact: BondFunctions) {
    this.cutoff = exact.cutoff;
    this.count = exact.count;
    this.table = new TabulatedRadialFunctions(combine(tabulateBond(potential, mu0, mu, DEGREE), exact.mixtures()));
  }

  /** Values and slopes at r ≥ 1e-3 Å (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    this.table.evaluate(r, values, slopes, offset);
    // The table holds r·φ of the core.
    const last = offset + this.count - 1;
    const core = values[last]! / r;
    values[last] = core;
    slopes[last] = (slopes[last]! - core) / r;
  }
}
