/**
 * What a component of the unit vector and a derivative by it do to spherical harmonics, in real parts.
 *
 *   u_z Y_lm = α_{l+1,m} Y_{l+1,m} + α_lm Y_{l−1,m},                              α²_lm = (l²−m²)/(4l²−1)
 *   (u_x ± iu_y) Y_lm = ∓β_{l+1,±m+1} Y_{l+1,m±1} ± β_{l,∓m} Y_{l−1,m±1},   β²_lk = (l+k)(l+k−1)/(4l²−1)
 *   (r∂_a) Y_lm = −l [u_a Y_lm]_{l+1} + (l+1) [u_a Y_lm]_{l−1}
 *
 * The last line says that ∇(r^l Y_lm) has no part of l + 1 and ∇(r^{−l−1} Y_lm) none of l − 1. Harmonics are those of
 * `SphericalHarmonics`; real components are numbered l² for m = 0, l² + 2m − 1 and l² + 2m for Re and Im.
 */

/** One term of an operator applied to a real component: what it is made of, and with which factor. */
export interface HarmonicTerm {
  readonly component: number;
  readonly factor: number;
}

/** Real component of (l, m ≥ 0); part 0 is Re, 1 is Im. */
export function realComponent(l: number, m: number, part: 0 | 1): number {
  return m === 0 ? l * l : l * l + 2 * m - 1 + part;
}

/** Terms of (u_x + sign·iu_y) Y_lm as factors of complex Y_{l',m+sign}, and of u_z Y_lm for sign 0. */
function complexTerms(l: number, m: number, sign: -1 | 0 | 1): { l: number; m: number; factor: number }[] {
  const below = (2 * l - 1) * (2 * l + 1);
  const above = (2 * l + 1) * (2 * l + 3);
  if (sign === 0) {
    return [
      { l: l + 1, m, factor: Math.sqrt(((l + 1) * (l + 1) - m * m) / above) },
      { l: l - 1, m, factor: Math.sqrt(Math.max(0, l * l - m * m) / below) },
    ];
  }
  const k = sign * m;
  return [
    { l: l + 1, m: m + sign, factor: -sign * Math.sqrt(((l + k + 1) * (l + k + 2)) / above) },
    { l: l - 1, m: m + sign, factor: sign * Math.sqrt(Math.max(0, (l - k) * (l - k - 1)) / below) },
  ];
}

/** Terms of u_a Y (axis 0, 1, 2 for x, y, z) for the real component (l, m, part), with the l that each belongs to. */
function vectorTerms(axis: number, l: number, m: number, part: 0 | 1): (HarmonicTerm & { readonly l: number })[] {
  const sums = new Map<number, { l: number; factor: number }>();
  const add = (lower: number, order: number, from: 0 | 1, factor: number): void => {
    const size = Math.abs(order);
    if (lower < size || (size === 0 && from === 1) || factor === 0) return;
    // Y_{l,−m} = (−1)^m conj Y_lm.
    const flip = order >= 0 ? 1 : (size % 2 === 0 ? 1 : -1) * (from === 0 ? 1 : -1);
    const component = realComponent(lower, size, from);
    const found = sums.get(component);
    sums.set(component, { l: lower, factor: (found?.factor ?? 0) + flip * factor });
  };
  if (axis === 2) {
    for (const term of complexTerms(l, m, 0)) add(term.l, term.m, part, term.factor);
  } else {
    // u_x = (u₊ + u₋)/2 and u_y = −i (u₊ − u₋)/2, whose Re and Im are ±Im and ∓Re of what it acts on.
    const other = part === 0 ? 1 : 0;
    for (const sign of [1, -1] as const) {
      for (const term of complexTerms(l, m, sign)) {
        if (axis === 0) add(term.l, term.m, part, term.factor / 2);
        else add(term.l, term.m, other, ((part === 0 ? sign : -sign) * term.factor) / 2);
      }
    }
  }
  return [...sums.entries()]
    .filter(([, { factor }]) => factor !== 0)
    .map(([component, term]) => ({ component, l: term.l, factor: term.factor }));
}

/** (l, m, part) of a real component. */
function partsOf(component: number): [l: number, m: number, part: 0 | 1] {
  const l = Math.floor(Math.sqrt(component));
  const rest = component - l * l;
  return rest === 0 ? [l, 0, 0] : [l, (rest + 1) >> 1, rest % 2 === 1 ? 0 : 1];
}

/** u_a Y for a real component. */
export function vectorOperator(axis: number, component: number): HarmonicTerm[] {
  return vectorTerms(axis, ...partsOf(component));
}

/** (r∂_a) Y for a real component: the derivative along the sphere. */
export function gradientOperator(axis: number, component: number): HarmonicTerm[] {
  const [l, m, part] = partsOf(component);
  return vectorTerms(axis, l, m, part).map((term) => ({
    component: term.component,
    factor: term.factor * (term.l > l ? -l : l + 1),
  }));
}

/** Terms of the derivative of R(r) Y by a strain: what R and what rR' are multiplied with. */
export interface StrainTerm {
  readonly component: number;
  readonly value: number;
  readonly slope: number;
}

/** ∂(R Y)/∂ε_ab = Σ (value·R + slope·rR') Y_component: from u_b (r∂_a) Y and u_b u_a Y. */
export function strainOperator(a: number, b: number, component: number): StrainTerm[] {
  const sums = new Map<number, { value: number; slope: number }>();
  const compose = (terms: readonly HarmonicTerm[], key: 'value' | 'slope'): void => {
    for (const first of terms) {
      for (const second of vectorOperator(b, first.component)) {
        const sum = sums.get(second.component) ?? { value: 0, slope: 0 };
        sum[key] += first.factor * second.factor;
        sums.set(second.component, sum);
      }
    }
  };
  compose(gradientOperator(a, component), 'value');
  compose(vectorOperator(a, component), 'slope');
  return [...sums.entries()].map(([target, { value, slope }]) => ({ component: target, value, slope }));
}
