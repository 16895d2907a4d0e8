/** Gives a request up when nothing has come for a time, or when the caller no longer wants it. */

const LONGEST_SILENCE = 120_000; // ms

export class Patience {
  private readonly lost = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wanted: AbortSignal | undefined) {
    if (wanted?.aborted) this.lose();
    wanted?.addEventListener("abort", this.lose);
    this.renew();
  }

  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Something has come. */
  renew(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.lose, LONGEST_SILENCE);
  }

  /** All has come. */
  end(): void {
    clearTimeout(this.timer);
    this.wanted?.removeEventListener("abort", this.lose);
  }

  private readonly lose = () => this.lost.abort();
}
