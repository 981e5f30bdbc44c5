// Energy of an atom from its densities, its core and its nearest neighbour; the formulas are those of
// src/core/descriptors/ace/embedding.ts.

import { Element } from './records';

/** Exponents this close to 1 are linear. */
const LINEAR_WITHIN: f64 = 1e-10;
/** Density below which the Finnis–Sinclair form goes over into a straight line. */
const STRAIGHT_BELOW: f64 = 1e-6;

/** Value and derivative of what was computed last. */
let value: f64 = 0;
let slope: f64 = 0;

/** |ρ|^m with a straight start. */
function finnisSinclair(size: f64, exponent: f64): void {
  const x = size / STRAIGHT_BELOW;
  const straight = Math.exp(-x * x * x);
  const dStraight = (-3 * x * x * straight) / STRAIGHT_BELOW;
  const steepness = Math.exp((exponent - 1) * Math.log(STRAIGHT_BELOW));
  const power = size === 0 ? 0 : Math.exp(exponent * Math.log(size));
  const dPower = size === 0 ? 0 : (exponent * power) / size;
  value = (1 - straight) * power + straight * steepness * size;
  slope = (1 - straight) * dPower - dStraight * power + steepness * (straight + dStraight * size);
}

/** (x₀ + |ρ|)^m − y₀ with x₀ and y₀ falling as e^{−|ρ|}. */
function shiftedScaled(size: f64, exponent: f64): void {
  const inverse = 1 / exponent;
  const logarithm = Math.log(inverse) / (1 - inverse);
  const decay = Math.exp(-size);
  const x0 = Math.exp(inverse * logarithm) * decay;
  const y0 = Math.exp(logarithm) * decay;
  const power = Math.exp(exponent * Math.log(x0 + size));
  value = power - y0;
  slope = ((exponent * power) / (x0 + size)) * (1 - x0) + y0;
}

/** w F(ρ; m); `slopeOfDensity` has its derivative. */
export function embedDensity(element: Element, density: f64, weight: f64, exponent: f64): f64 {
  if (abs(exponent - 1) < LINEAR_WITHIN) {
    slope = weight;
    return weight * density;
  }
  const size = abs(density);
  if (element.shiftedScaled) shiftedScaled(size, exponent);
  else finnisSinclair(size, exponent);
  slope *= weight;
  return density < 0 ? -weight * value : weight * value;
}

/** Derivative of the density that was embedded last. */
export function slopeOfDensity(): f64 {
  return slope;
}

/** Inner switch: 1 below x₀ − δ, 0 above x₀. */
function innerSwitch(x: f64, end: f64, width: f64): void {
  if (x >= end) {
    value = 0;
    slope = 0;
  } else if (x <= end - width) {
    value = 1;
    slope = 0;
  } else {
    const t = 1 - 2 * (1 + (x - end) / width);
    const tt = t * t;
    value = 0.5 + 3.75 * t * (0.25 - tt / 6 + (tt * tt) / 20);
    slope = (-7.5 / width) * (0.25 - 0.5 * tt + 0.25 * tt * tt);
  }
}

/** Derivatives of the energy that was joined last: by products, by core, and by the gap of the nearest neighbour. */
export let byProducts: f64 = 1;
export let byCore: f64 = 1;
export let byGap: f64 = 0;

/** F·f(core) + core: a large core switches the products off. */
export function joinByCore(element: Element, products: f64, core: f64): f64 {
  innerSwitch(core, element.coreCutoff, element.coreWidth);
  byProducts = value;
  byCore = 1 + products * slope;
  byGap = 0;
  return products * value + core;
}

/** F·(1 − f(gap)) + core·f(gap): the nearest neighbour switches from products to core. */
export function joinByGap(products: f64, core: f64, gap: f64, width: f64): f64 {
  innerSwitch(gap, width, width);
  byProducts = 1 - value;
  byCore = value;
  byGap = (core - products) * slope;
  return products * (1 - value) + core * value;
}
