import { type IncomingMessage, createServer, request, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a push: it never reaches the server, or its answer never reaches the page. */
export type Loss = "request" | "answer";

/** Stands between the browser and the server, and loses what a test wants lost. */
export class Gate {
  private readonly http: HttpServer;
  private loss: { what: Loss; reached: () => void } | undefined;

  constructor(private readonly target: string) {
    this.http = createServer((incoming, outgoing) => void this.pass(incoming, outgoing));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  close(): void {
    this.http.close();
    this.http.closeAllConnections();
  }

  /** Has the next push lost, and hanging from then on; resolves when that has happened. */
  lose(what: Loss): Promise<void> {
    return new Promise((reached) => (this.loss = { what, reached }));
  }

  /** Nothing is lost any more. */
  mend(): void {
    this.loss = undefined;
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const loss = incoming.method === "POST" && incoming.url?.endsWith("/sync/changes") ? this.loss : undefined;
    const body: Buffer[] = [];
    for await (const part of incoming) body.push(part as Buffer);
    if (loss?.what === "request") return loss.reached();
    const forwarded = request(this.target + incoming.url, { method: incoming.method ?? "GET", headers: incoming.headers }, (answer) => {
      if (loss) {
        answer.resume().once("end", loss.reached);
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once("error", () => outgoing.destroy());
    forwarded.end(Buffer.concat(body));
  }
}
