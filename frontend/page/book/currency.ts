import { computed, shallowRef } from "vue";

/** The currencies in use by ISO 4217, those most asked for first. */
export const CURRENCIES = (
  "EUR CHF USD GBP SEK DKK NOK PLN CZK CAD AUD JPY " +
  "AED AFN ALL AMD AOA ARS AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CDF CLP CNY COP CRC CUP CVE DJF DOP DZD " +
  "EGP ERN ETB FJD FKP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD KES KGS KHR KMF KPW KRW KWD KYD " +
  "KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NPR NZD OMR PAB PEN PGK PHP PKR " +
  "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX UYU UZS " +
  "VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
).split(" ");

const WITHOUT_DECIMALS = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "));
const WITH_THREE = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

/**
 * The currency in which the page shows amounts now: the open book's own, or this device's preference for a book that
 * has none. `book.ts` keeps it so.
 */
export const currency = shallowRef("EUR");
/** How many of its smallest units one unit of the present currency has: 1, 100 or 1000. */
export const unitsInOne = computed(() => 10 ** decimalsOf(currency.value));

/**
 * The decimals of a currency by ISO 4217. `Intl` knows others for some (none for HUF, IDR or IQD, as people pay there),
 * and browsers differ in them; devices that share a book must round alike.
 */
export function decimalsOf(code: string): number {
  return WITHOUT_DECIMALS.has(code) ? 0 : WITH_THREE.has(code) ? 3 : 2;
}

/** Whether `Intl` can write amounts in it: three capital letters. */
export function isCurrency(value: unknown): value is string {
  return typeof value === "string" && /^[A-Z]{3}$/.test(value);
}
