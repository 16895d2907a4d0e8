/**
 * A number with its noun, such as "1 transaction" and "12,345 transactions", for the dictionary of a language. English and German
 * have one form for one and one for all others; a language with more forms needs more of `Intl.PluralRules` than this.
 */
export function countedIn(language: string): (count: number, one: string, others: string) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  return (count, one, others) => `${numbers.format(count)} ${rules.select(count) === "one" ? one : others}`;
}
