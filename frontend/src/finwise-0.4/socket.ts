/** What the app takes for a WebSocket: the messages of its own backend, with a conversation behind them. */

import type { Conversation } from "./conversation.js";

type Handler = ((event: never) => unknown) | null;

/** Waits for the conversation about a tenant. */
type Find = (tenantId: string) => Promise<Conversation>;

export class FinwiseSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readyState: number = FinwiseSocket.CONNECTING;
  onopen: Handler = null;
  onmessage: Handler = null;
  onerror: Handler = null;
  onclose: Handler = null;
  private conversation: Conversation | undefined;

  /** `url` ends with the tenant's id, as the app's own backend wants it. */
  constructor(
    readonly url: string,
    find: Find,
  ) {
    void find(new URL(url).pathname.split("/").at(-1)!).then((conversation) => this.open(conversation));
  }

  send(text: string): void {
    this.conversation?.receive(JSON.parse(text) as Parameters<Conversation["receive"]>[0]);
  }

  close(): void {
    if (this.readyState === FinwiseSocket.CLOSED) return;
    this.readyState = FinwiseSocket.CLOSED;
    this.conversation?.leave();
    const event = { code: 1000, reason: "", wasClean: true };
    setTimeout(() => void this.onclose?.(event as never));
  }

  private open(conversation: Conversation): void {
    if (this.readyState !== FinwiseSocket.CONNECTING) return;
    this.readyState = FinwiseSocket.OPEN;
    this.conversation = conversation;
    this.onopen?.({ type: "open" } as never);
    conversation.open((message) => this.give(message));
  }

  /** The app's handler is asynchronous; it has dealt with the message when that ends. */
  private async give(message: Record<string, unknown>): Promise<void> {
    if (this.readyState !== FinwiseSocket.OPEN) return;
    await this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
}

/** The class to use instead of WebSocket. */
export type SocketClass = Omit<typeof FinwiseSocket, "prototype"> & (new (url: string) => FinwiseSocket);

export function socketClass(find: Find): SocketClass {
  return class extends FinwiseSocket {
    constructor(url: string) {
      super(url, find);
    }
  };
}
