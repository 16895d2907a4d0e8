/** The tabs that show the same book. One leads; the others are heard, and hear what it posts. */

/** What a tab does of the browser's means: a tab without them leads itself. */
export class Tabs<Message> {
  isLeader = false;
  private readonly channel: BroadcastChannel | undefined;

  constructor(private readonly name: string) {
    this.channel = channelOf(name);
  }

  listen(hear: (message: Message) => void): void {
    this.channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => hear(data));
  }

  post(message: Message): void {
    this.channel?.postMessage(message);
  }

  /** Calls `work` once this tab leads, until `work` ends. Resolves then, or when `ended` is signalled before. */
  async lead(work: () => Promise<void>, ended: AbortSignal): Promise<void> {
    let hasBegun = false;
    const begin = async (): Promise<void> => {
      if (ended.aborted) return;
      hasBegun = this.isLeader = true;
      await work();
    };
    const locks = this.channel && locksOf(); // who could not ask the leader for anything leads itself
    try {
      await (locks ? locks.request(this.name, { signal: ended }, begin) : begin());
    } catch (error) {
      if (hasBegun) throw error;
      await begin(); // the browser does not grant locks to this page
    }
  }

  close(): void {
    this.channel?.close();
  }
}

function channelOf(name: string): BroadcastChannel | undefined {
  try {
    return typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(name);
  } catch {
    return undefined; // a page that may keep nothing may not talk to others either
  }
}

function locksOf(): LockManager | undefined {
  try {
    return typeof navigator === "undefined" ? undefined : navigator.locks; // missing over plain HTTP
  } catch {
    return undefined;
  }
}
