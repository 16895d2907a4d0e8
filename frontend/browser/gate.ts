import { type IncomingMessage, createServer, request, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a push: it never reaches the server, or its answer never reaches the page. */
export type Loss = "request" | "answer";

/** Stands between the browser and the server, and loses what a test wants lost. */
export class Gate {
  private readonly http: HttpServer;
  private isCutting = false;
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

  /** Has every first load break off in the middle of its answer. */
  cutLoads(): void {
    this.isCutting = true;
  }

  /** Nothing is lost any more. */
  mend(): void {
    this.loss = undefined;
    this.isCutting = false;
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const loss = incoming.method === "POST" && incoming.url?.endsWith("/sync/changes") ? this.loss : undefined;
    const body: Buffer[] = [];
    for await (const part of incoming) body.push(part as Buffer);
    if (loss?.what === "request") return loss.reached();
    const isCut = this.isCutting && incoming.url?.includes("/sync/initial/");
    if (isCut) incoming.headers["accept-encoding"] = "identity"; // half of a compressed answer is less than half of it
    const forwarded = request(
      this.target + incoming.url,
      { method: incoming.method ?? "GET", headers: incoming.headers },
      (answer) => {
        if (loss) {
          answer.resume().once("end", loss.reached);
          return;
        }
        if (isCut) {
          void cut(answer, outgoing);
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.once("error", () => outgoing.destroy());
    forwarded.end(Buffer.concat(body));
  }
}

/** Passes the first half of an answer on, and then hangs up. */
async function cut(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const { "content-length": _, "transfer-encoding": __, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 502, headers);
  outgoing.write(body.subarray(0, body.length / 2));
  // A moment later, or a browser that is busy drops what it has not read yet with the connection.
  setTimeout(() => outgoing.socket?.end(), 500);
}
