/** Gives a request up when nothing has come for a time, or when the caller no longer wants it. */

const LONGEST_SILENCE = 120_000; // ms
const SLOWEST = 32; // bytes of a file in a ms, while it is sent and nothing can come back

export class Patience {
  private readonly lost = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `bytes` are sent before anything can come. */
  constructor(
    private readonly wanted: AbortSignal | undefined,
    bytes = 0,
  ) {
    if (wanted?.aborted) this.lose();
    wanted?.addEventListener("abort", this.lose);
    this.wait(LONGEST_SILENCE + bytes / SLOWEST);
  }

  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Something has come. */
  renew(): void {
    this.wait(LONGEST_SILENCE);
  }

  /** All has come. */
  end(): void {
    clearTimeout(this.timer);
    this.wanted?.removeEventListener("abort", this.lose);
  }

  private wait(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.lose, ms);
  }

  private readonly lose = () => this.lost.abort();
}
