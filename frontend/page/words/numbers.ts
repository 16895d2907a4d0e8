/** A hyphen is too short to stand before a number. */
export function minus(text: string): string {
  return text.replace("-", "\u2212");
}

const LARGE = 1e6; // from here on a label is short: "€1.5M"

/** Amounts as an axis has them: exact, without decimals if all are whole, and short if they are large. */
export function axisLabels(place: string, currency: string, amounts: readonly number[]): string[] {
  const isShort = amounts.some((amount) => Math.abs(amount) >= LARGE) && amounts.every(isRoundForItsSize);
  const format = new Intl.NumberFormat(place, {
    style: "currency",
    currency,
    minimumFractionDigits: 0,
    maximumFractionDigits: 3,
    ...(isShort && { notation: "compact" }),
  });
  return amounts.map((amount) => minus(format.format(amount)));
}

/** Whether three decimals of a thousand, a million and so on say all of it. */
function isRoundForItsSize(amount: number): boolean {
  const size = 1000 ** Math.floor(Math.log10(Math.max(1, Math.abs(amount))) / 3);
  return Number.isInteger((amount * 1000) / size);
}
