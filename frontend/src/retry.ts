/**
 * When a sync is tried again by itself: later with each failure, and not before the server wants to be asked. Measured by
 * a clock that only runs forward, so that a correction of the device's clock makes no wait longer.
 */

const FIRST_WAIT = 2_000; // ms after the first failure; doubled with each
const LONGEST_WAIT = 5 * 60_000; // ms after a failure
const LONGEST_ASKED = 60 * 60_000; // ms, however long the server asks for: nobody looks at an answer a day later

export class Retry {
  private failures = 0;
  private dueAt: number | undefined; // undefined: the last sync ended well
  private closedUntil = 0;

  /** `clock`: ms since whenever; `random`: at least 0, below 1. */
  constructor(
    private readonly clock: () => number,
    private readonly random: () => number,
  ) {}

  /** The sync ended well. */
  succeeded(): void {
    this.failures = this.closedUntil = 0;
    this.dueAt = undefined;
  }

  /** The sync failed, and the server asked for a pause of `asked` ms: how long to wait, ms. No two devices wait alike. */
  failed(asked: number): number {
    const own = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures++) * (0.5 + this.random() / 2);
    const closed = Math.min(LONGEST_ASKED, asked);
    const wait = Math.max(own, closed);
    this.closedUntil = this.clock() + closed;
    this.dueAt = this.clock() + wait;
    return wait;
  }

  /** How long until it is tried again, ms; undefined: the last sync ended well. */
  get wait(): number | undefined {
    return this.dueAt === undefined ? undefined : Math.max(0, this.dueAt - this.clock());
  }

  /** How long the server still wants not to be asked, ms. */
  get pause(): number {
    return Math.max(0, this.closedUntil - this.clock());
  }
}
