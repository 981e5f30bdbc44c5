import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import {
  betaI,
  betaQuantile,
  chiSquareQuantile,
  clopperPearson,
  erf,
  erfc,
  gammaP,
  gammaQ,
  gammaQuantile,
  logGamma,
  normalCdf,
  normalDensity,
  normalQuantile,
} from './special.ts';

// Tables computed with 50-digit arithmetic (mpmath 1.4) and rounded to doubles.
// biome-ignore format: a table
const ERF: [number, number][] = [
  [1e-10, 1.1283791670955126e-10], [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149],
  [1.9, 0.9927904292352575], [2.0, 0.9953222650189527], [2.1, 0.997020533343667], [3, 0.9999779095030014],
  [5, 0.9999999999984626],
];
// biome-ignore format: a table
const ERFC: [number, number][] = [
  [-1, 1.8427007929497148], [0.1, 0.887537083981715], [0.5, 0.4795001221869535], [1, 0.15729920705028513],
  [1.9, 0.0072095707647425325], [1.999, 0.004698443348629487], [2.0, 0.004677734981047266],
  [2.5, 0.0004069520174449589], [3, 2.209049699858544e-05], [5, 1.537459794428035e-12], [10, 2.088487583762545e-45],
  [20, 5.395865611607901e-176], [26, 5.663192408856143e-296],
];
// biome-ignore format: a table
const CDF: [number, number][] = [
  [-37, 5.725571222524577e-300], [-20, 2.7536241186062337e-89], [-8, 6.220960574271784e-16],
  [-3, 0.0013498980316300946], [-1.5, 0.06680720126885807], [-0.5, 0.3085375387259869], [0.2, 0.579259709439103],
  [1.5, 0.9331927987311419], [3, 0.9986501019683699], [5, 0.9999997133484281],
];
// biome-ignore format: a table
const QUANTILE: [number, number][] = [
  [1e-300, -37.0470962993612], [1e-100, -21.273453560965326], [1e-20, -9.262340089798407],
  [1e-06, -4.753424308822899], [0.001, -3.0902323061678136], [0.025, -1.9599639845400543],
  [0.2, -0.8416212335729142], [0.3, -0.5244005127080408], [0.4, -0.2533471031357997],
  [0.4999, -0.00025066283008800747], [0.500001, 2.5066282747057052e-06], [0.6, 0.2533471031357997],
  [0.75, 0.6744897501960817], [0.9, 1.2815515655446006], [0.95, 1.6448536269514722], [0.975, 1.9599639845400538],
  [0.999, 3.090232306167813], [0.9999999, 5.199337582290661],
];
// biome-ignore format: a table
const LOG_GAMMA: [number, number][] = [
  [1e-10, 23.025850929882736], [0.01, 4.599479878042022], [0.5, 0.5723649429247001], [0.9, 0.06637623973474295],
  [1.5, -0.12078223763524522], [2.5, 0.2846828704729192], [3.5, 1.2009736023470743], [7.25, 7.0521854507385395],
  [11.9, 17.25847745059552], [12, 17.502307845873887], [50.5, 146.51925549072064], [1000, 5905.220423209181],
  [1000000.0, 12815504.569147611],
];
// biome-ignore format: a table
const GAMMA: [number, number, number, number][] = [
  [0.1, 0.05, 0.7755386354510305, 0.22446136454896942], [0.5, 0.1, 0.345279153981423, 0.654720846018577],
  [0.5, 3, 0.9856941215645704, 0.01430587843542964], [1, 1, 0.6321205588285577, 0.36787944117144233],
  [2.5, 0.3, 0.011996757205906266, 0.9880032427940937], [2.5, 9, 0.9970535954121197, 0.0029464045878802906],
  [10, 4, 0.008132242796933864, 0.9918677572030662], [10, 30, 0.9999928782491372, 7.121750862815577e-06],
  [100, 80, 0.017108313035133115, 0.9828916869648668], [100, 140, 0.9998389428252874, 0.00016105717471255585],
  [5000, 4900, 0.07794495622651391, 0.9220550437734861], [5000, 5300, 0.9999844548842145, 1.5545115785517565e-05],
];
// biome-ignore format: a table
const CHI_SQUARE: [number, number, number][] = [
  [1e-10, 1, 1.5707963267948968e-20], [0.01, 0.5, 1.3499395859116937e-08], [0.05, 1, 0.003932140000019523],
  [0.05, 20, 10.850811394182585], [0.001, 20, 5.921040745487519], [0.5, 3, 2.365973884375338],
  [0.95, 3, 7.814727903251178], [0.999, 80, 124.83922401576478], [0.05, 200, 168.27855443662838],
  [0.05, 1000, 927.594363020979],
];
// biome-ignore format: a table
const BETA: [number, number, number, number][] = [
  [0.1, 0.5, 0.5, 0.20483276469913345], [0.3, 2, 3, 0.3483], [0.9, 2, 3, 0.9963], [0.5, 20, 30, 0.923796114019261],
  [0.2, 20, 30, 0.000687727628741589], [0.01, 1, 100, 0.6339676587267705], [0.95, 95, 6, 0.6159991279561402],
  [0.85, 95, 6, 0.0015526521751373177], [0.97, 950, 60, 0.9999992259727555], [0.4, 400, 600, 0.501717032993746],
  [1e-08, 0.3, 7, 0.007833169069963826],
];
// biome-ignore format: a table
const BETA_QUANTILE: [number, number, number, number][] = [
  [0.025, 95, 6, 0.8871650888945373], [0.975, 96, 5, 0.9835681208179479], [0.025, 475, 26, 0.927072378349521],
  [0.5, 2, 3, 0.38572756813238956], [0.01, 0.5, 0.5, 0.0002467198171342215], [0.9, 0.7, 4, 0.3656064220089289],
  [1e-06, 3, 3, 0.004652416361586582], [0.3, 400, 600, 0.39182646575500735],
];

const why = 'tables of 50-digit arithmetic; a few hundred roundings at most';

describe('error function and normal distribution', () => {
  it('agrees with the tables, tails included', () => {
    for (const [x, expected] of ERF) expect(erf(x)).toAgree(expected, { rtol: 1e-14, why });
    for (const [x, expected] of ERFC) expect(erfc(x)).toAgree(expected, { rtol: 1e-13, why });
    for (const [x, expected] of CDF) expect(normalCdf(x)).toAgree(expected, { rtol: 1e-12, why });
    for (const [p, expected] of QUANTILE) expect(normalQuantile(p)).toAgree(expected, { rtol: 1e-13, why });
  });

  it('has its symmetries and limits', () => {
    expect(erf(-1.3)).toBe(-erf(1.3));
    expect(erf(0)).toBe(0);
    expect(erf(40)).toBe(1);
    expect(erfc(40)).toBe(0);
    expect(erf(Number.NaN)).toBeNaN();
    expect(erfc(Number.NaN)).toBeNaN();
    expect(normalQuantile(0)).toBe(-Infinity);
    expect(normalQuantile(1)).toBe(Infinity);
    expect(normalQuantile(0.5)).toAgree(0, { atol: 1e-16, why: 'the centre of a symmetric distribution' });
    expect(normalDensity(0)).toAgree(1 / Math.sqrt(2 * Math.PI), { rtol: 1e-15, why });
  });

  it('inverts Φ for any probability', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-290, max: 0.5, noNaN: true }), (p) => {
        expect(normalCdf(normalQuantile(p))).toAgree(p, { rtol: 1e-12, why: 'quantile and distribution are inverse' });
      }),
    );
  });

  it('gives the Bonferroni tolerances of the largest residual', () => {
    const reference = golden<{ B: { Bcal_max_z_tolerance_bonferroni_alpha005: Record<string, number> } }>(
      'reference-values',
    ).B.Bcal_max_z_tolerance_bonferroni_alpha005;
    for (const [n, expected] of Object.entries(reference)) {
      expect(normalQuantile(1 - 0.05 / (2 * Number(n)))).toAgree(expected, { rtol: 1e-12, why });
    }
  });
});

describe('gamma functions', () => {
  it('agrees with the tables', () => {
    for (const [x, expected] of LOG_GAMMA) expect(logGamma(x)).toAgree(expected, { rtol: 1e-14, atol: 2e-14, why });
    for (const [a, x, p, q] of GAMMA) {
      expect(gammaP(a, x)).toAgree(p, { rtol: 1e-12, why });
      expect(gammaQ(a, x)).toAgree(q, { rtol: 1e-12, why });
    }
    for (const [p, n, expected] of CHI_SQUARE) expect(chiSquareQuantile(p, n)).toAgree(expected, { rtol: 1e-12, why });
  });

  it('obeys Γ(x+1) = xΓ(x) and P + Q = 1, and its quantile inverts P', () => {
    const positive = fc.double({ min: 0.05, max: 300, noNaN: true });
    fc.assert(
      fc.property(positive, positive, (a, x) => {
        expect(logGamma(a + 1)).toAgree(logGamma(a) + Math.log(a), {
          atol: 1e-13,
          rtol: 1e-13,
          why: 'recurrence of Γ',
        });
        expect(gammaP(a, x) + gammaQ(a, x)).toAgree(1, { atol: 1e-14, why: 'complements' });
      }),
    );
    fc.assert(
      fc.property(positive, fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (a, p) => {
        expect(gammaP(a, gammaQuantile(p, a))).toAgree(p, {
          rtol: 1e-11,
          why: 'quantile and distribution are inverse',
        });
      }),
    );
  });

  it('reaches degrees of freedom of whole data sets', () => {
    // Wilson–Hilferty is exact to O(n^-3/2) there.
    const n = 2e6;
    const z = normalQuantile(0.05);
    const cube = 1 - 2 / (9 * n) + z * Math.sqrt(2 / (9 * n));
    expect(chiSquareQuantile(0.05, n)).toAgree(n * cube * cube * cube, { rtol: 1e-8, why: 'Wilson–Hilferty limit' });
  });

  it('has its limits and refuses what is outside its domain', () => {
    expect(gammaP(2, 0)).toBe(0);
    expect(gammaQ(2, Infinity)).toBe(0);
    expect(gammaQuantile(0, 2)).toBe(0);
    expect(gammaQuantile(1, 2)).toBe(Infinity);
    expect(logGamma(1)).toBe(0);
    expect(() => logGamma(0)).toThrow('ln Γ must be positive, got 0');
    expect(() => gammaP(-1, 1)).toThrow('must be positive');
    expect(() => gammaP(1, -1)).toThrow('must be at least 0');
    expect(() => gammaQuantile(1.5, 1)).toThrow('must lie in [0, 1]');
    expect(() => normalQuantile(Number.NaN)).toThrow('must lie in [0, 1]');
  });
});

describe('beta functions', () => {
  it('agrees with the tables', () => {
    for (const [x, a, b, expected] of BETA) expect(betaI(x, a, b)).toAgree(expected, { rtol: 1e-12, why });
    for (const [p, a, b, expected] of BETA_QUANTILE)
      expect(betaQuantile(p, a, b)).toAgree(expected, { rtol: 1e-12, why });
  });

  it('is reflected by exchanging its shapes, and its quantile inverts it', () => {
    const shape = fc.double({ min: 0.1, max: 200, noNaN: true });
    fc.assert(
      fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, x) => {
        expect(betaI(x, a, b)).toAgree(1 - betaI(1 - x, b, a), { atol: 1e-12, why: 'I_x(a,b) = 1 − I_{1−x}(b,a)' });
      }),
    );
    const wide = fc.double({ min: 1, max: 200, noNaN: true });
    fc.assert(
      fc.property(wide, wide, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, p) => {
        // The double x carries p no better than ulp(x)·density.
        expect(betaI(betaQuantile(p, a, b), a, b)).toAgree(p, {
          rtol: 1e-10,
          why: 'quantile and distribution are inverse',
        });
      }),
    );
  });

  it('has its limits and refuses what is outside its domain', () => {
    expect(betaI(0, 2, 3)).toBe(0);
    expect(betaI(1, 2, 3)).toBe(1);
    expect(betaQuantile(0, 2, 3)).toBe(0);
    expect(betaQuantile(1, 2, 3)).toBe(1);
    expect(() => betaI(0.5, 0, 1)).toThrow('must be positive');
    expect(() => betaI(2, 1, 1)).toThrow('must lie in [0, 1]');
    expect(() => betaQuantile(-1, 1, 1)).toThrow('must lie in [0, 1]');
  });

  it('gives the Clopper–Pearson intervals of the reference', () => {
    const rows = golden<{ F: { F4_coverage_interval: { k: number; n: number; clopper_pearson95: number[] }[] } }>(
      'reference-values',
    ).F.F4_coverage_interval;
    for (const { k, n, clopper_pearson95 } of rows) {
      expect(clopperPearson(k, n)).toAgree(clopper_pearson95, { rtol: 1e-12, why });
    }
    expect(clopperPearson(0, 10)).toAgree([0, 1 - Math.exp(Math.log(0.025) / 10)], { rtol: 1e-12, why: 'closed form' });
    expect(clopperPearson(10, 10)).toAgree([Math.exp(Math.log(0.025) / 10), 1], { rtol: 1e-12, why: 'closed form' });
    expect(() => clopperPearson(3, 2)).toThrow('successes must be an integer in [0, 2], got 3');
    expect(() => clopperPearson(0, 0)).toThrow('trials must be a positive integer');
    expect(() => clopperPearson(1, 2, 1)).toThrow('confidence level must lie between 0 and 1');
  });
});
