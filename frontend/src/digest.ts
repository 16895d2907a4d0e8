/**
 * The digest by which a device sees that it holds what the server holds (docs/protocol.md 4.2): per entity type the sum
 * mod 2^64 of the first 8 bytes of SHA-256 of `entity_type\nid\nupdated_at` over its living entities.
 *
 * SHA-256 is written out here because it is needed within IndexedDB transactions, which end while one waits for
 * crypto.subtle, and because crypto.subtle is missing where the page comes over plain HTTP.
 */

const WORDS = 0x1_0000_0000;
const MODULUS = 1n << 64n;
export const NOTHING = "0".repeat(16);

const [START, ROUNDS] = constants();
const schedule = new Uint32Array(64);
const encoder = new TextEncoder();

/** What a living version adds to its type's digest. */
export function weight(entityType: string, id: string, updatedAt: string): bigint {
  const [high, low] = sha256(encoder.encode(`${entityType}\n${id}\n${updatedAt}`));
  return (BigInt(high!) << 32n) | BigInt(low!);
}

/** A digest (16 hex digits) after a change of its sum. */
export function added(digest: string, difference: bigint): string {
  return BigInt.asUintN(64, (BigInt(`0x${digest}`) + difference) % MODULUS)
    .toString(16)
    .padStart(16, "0");
}

/** The eight words of SHA-256 (FIPS 180-4). */
export function sha256(message: Uint8Array): Uint32Array {
  const blocks = new Uint8Array((((message.length + 8) >> 6) << 6) + 64);
  blocks.set(message);
  blocks[message.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setUint32(blocks.length - 8, Math.floor((message.length * 8) / WORDS));
  view.setUint32(blocks.length - 4, (message.length * 8) % WORDS);
  const hash = START.slice();
  for (let at = 0; at < blocks.length; at += 64) addBlock(hash, view, at);
  return hash;
}

function addBlock(hash: Uint32Array, view: DataView, at: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15]!,
      b = w[i - 2]!;
    w[i] =
      w[i - 16]! +
      w[i - 7]! +
      (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) +
      (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i]! + w[i]!) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] = hash[i]! + word));
}

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of the fractional parts of square roots (8) and cube roots (64) of the first primes. */
function constants(): [Uint32Array, Uint32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fractions = (root: (n: number) => number, count: number) =>
    Uint32Array.from(primes.slice(0, count), (prime) => (root(prime) % 1) * WORDS);
  return [fractions(Math.sqrt, 8), fractions(Math.cbrt, 64)];
}
