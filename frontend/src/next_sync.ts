/** When the next sync of a book happens: the one place that decides it. */

import { Retry } from "./retry.js";

const EDIT_DELAY = 400; // ms after an edit, so that some of them go together
const EVERY = 60_000; // ms between polls
const LONGEST_TIMER = 2 ** 31 - 1; // ms; a timer of more fires at once

/** Who wants a sync: a person, an edit that is to be sent, or the network and the window that came back. */
export type Wish = "person" | "edit" | "return";

export interface Timing {
  /** ms between polls. */
  every?: number | undefined;
  /** A clock that is never set, ms since whenever: waits are measured by it. */
  clock?: (() => number) | undefined;
  random?: (() => number) | undefined;
}

export class NextSync {
  private readonly retry: Retry;
  private readonly every: number;
  private readonly wishes = new Set<Wish>(); // since the last sync began
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `begin` is called when it is time. */
  constructor(
    private readonly begin: () => void,
    { every = EVERY, clock = () => performance.now(), random = Math.random }: Timing,
  ) {
    this.every = every;
    this.retry = new Retry(clock, random);
  }

  /** Keeps a wish until the sync that runs has ended. */
  note(wish: Wish): void {
    this.wishes.add(wish);
  }

  /** A sync begins: what was wished for before is part of it. */
  began(): void {
    this.wishes.clear();
  }

  succeeded(): void {
    this.retry.succeeded();
  }

  /** The sync failed, and the server asked for a pause of `asked` ms: how long to wait, ms. */
  failed(asked: number): number {
    return this.retry.failed(asked);
  }

  /** Whether the server still wants not to be asked. */
  get isBarred(): boolean {
    return this.retry.pause > 0;
  }

  /** Whether a person asked for a sync during the last one, or it failed though the network came back during it. */
  get isDueAgain(): boolean {
    if (this.isBarred) return false;
    return this.wishes.has("person") || (this.wishes.has("return") && this.retry.wait !== undefined);
  }

  /** A sync has ended: the next one comes after an edit that was made meanwhile, after a failure's wait, or with the next poll. */
  plan(): void {
    if (this.wishes.has("edit")) this.planForEdit();
    else this.in(this.retry.wait ?? this.every);
  }

  /** An edit was made: it is sent in a moment, also after a failure, but not before the server wants to be asked again. */
  planForEdit(): void {
    this.in(Math.max(EDIT_DELAY, this.retry.pause));
  }

  /** No sync begins by itself until something is planned again. */
  cancel(): void {
    clearTimeout(this.timer);
  }

  private in(delay: number): void {
    this.cancel();
    this.timer = setTimeout(this.begin, Math.min(delay, LONGEST_TIMER));
  }
}
