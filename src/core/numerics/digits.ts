/** Three significant digits for messages, without an exponent where that is short. */
export function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
