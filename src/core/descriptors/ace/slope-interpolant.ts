/**
 * Polynomials whose slopes interpolate given slopes at the nodes of a Chebyshev polynomial. Interpolating slopes rather than
 * values keeps the rounding of the functions from being magnified by the inverse width of a bin.
 */
export class SlopeInterpolant {
  readonly degree: number;
  /** [degree] nodes w. */
  readonly nodes: Float64Array;
  /** [degree, degree] monomial coefficients of the slope by its values at the nodes. */
  private readonly inverse: Float64Array;

  constructor(degree: number) {
    this.degree = degree;
    this.nodes = Float64Array.from({ length: degree }, (_, k) => Math.cos((Math.PI * (k + 0.5)) / degree));
    this.inverse = new Float64Array(degree * degree);
    // T_j as monomials.
    let before = new Float64Array(degree);
    let polynomial = new Float64Array(degree);
    polynomial[0] = 1;
    for (let j = 0; j < degree; j++) {
      const factor = j === 0 ? 1 : 2;
      for (let k = 0; k < degree; k++) {
        const weight = (factor / degree) * Math.cos((j * Math.PI * (k + 0.5)) / degree);
        for (let i = 0; i <= j; i++) {
          this.inverse[i * degree + k] = this.inverse[i * degree + k]! + weight * polynomial[i]!;
        }
      }
      const next = new Float64Array(degree);
      for (let i = 0; i < degree; i++) {
        next[i] = factor * (i > 0 ? polynomial[i - 1]! : 0) - (j === 0 ? 0 : before[i]!);
      }
      before = polynomial;
      polynomial = next;
    }
  }

  /** Writes [rows, degree + 1] coefficients for values and slopes by w · `scale` at the nodes, [degree, rows] each. */
  fit(
    values: Float64Array,
    slopes: Float64Array,
    scale: number,
    rows: number,
    out: Float64Array,
    offset: number,
  ): void {
    const { degree, nodes, inverse } = this;
    for (let row = 0; row < rows; row++) {
      const at = offset + row * (degree + 1);
      for (let i = 0; i < degree; i++) {
        let sum = 0;
        for (let k = 0; k < degree; k++) sum += inverse[i * degree + k]! * slopes[k * rows + row]!;
        out[at + i + 1] = (scale * sum) / (i + 1);
      }
      let constant = 0;
      for (let k = 0; k < degree; k++) {
        let risen = 0;
        for (let i = degree; i > 0; i--) risen = (risen + out[at + i]!) * nodes[k]!;
        constant += values[k * rows + row]! - risen;
      }
      out[at] = constant / degree;
    }
  }
}
