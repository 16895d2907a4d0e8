import { randomUUID } from "node:crypto";
import { type IncomingMessage, createServer, request, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What somebody gets who is not logged in, or everybody while the server is down. */
export type Refusal = "redirect" | "page" | "401 page" | "401 json" | "403 page" | "bad gateway";

const PAGE = (link: string): string =>
  `<!doctype html><title>Who are you?</title><h1>Who are you?</h1><a href="${link}">It is me</a>`;
const HTML = { "Content-Type": "text/html; charset=utf-8" };

/** A proxy that lets nobody pass without its cookie, and names whom it lets pass to the server. Its login page is on another origin. */
export class LoginProxy {
  refusal: Refusal = "redirect";
  private session: string = randomUUID();
  private readonly proxy = createServer((incoming, outgoing) => void this.pass(incoming, outgoing));
  private readonly login = createServer((incoming, outgoing) => {
    const back = new URL(incoming.url ?? "/", "http://login").searchParams.get("back") ?? "/";
    outgoing.writeHead(200, HTML).end(PAGE(`${this.url}/let-in?back=${encodeURIComponent(back)}`));
  });

  constructor(
    private readonly target: string,
    private readonly email: string,
  ) {}

  get url(): string {
    return originOf(this.proxy);
  }

  get loginUrl(): string {
    return originOf(this.login);
  }

  async open(): Promise<this> {
    for (const each of [this.proxy, this.login])
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
    return this;
  }

  close(): void {
    for (const each of [this.proxy, this.login]) {
      each.close();
      each.closeAllConnections();
    }
  }

  /** Nobody is logged in any more. */
  expire(refusal: Refusal): void {
    this.refusal = refusal;
    this.session = randomUUID();
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = new URL(incoming.url ?? "/", this.url);
    const body: Buffer[] = [];
    for await (const part of incoming) body.push(part as Buffer);
    if (this.refusal === "bad gateway") return void outgoing.writeHead(502, HTML).end("<h1>502 Bad Gateway</h1>");
    if (asked.pathname === "/let-in") {
      const back = asked.searchParams.get("back") ?? "/";
      return void outgoing.writeHead(302, { Location: back, "Set-Cookie": `proxy=${this.session}; Path=/` }).end();
    }
    if (!incoming.headers.cookie?.includes(`proxy=${this.session}`)) return this.refuse(asked, outgoing);
    const headers = { ...incoming.headers, finwiseuser: this.email };
    const forwarded = request(this.target + incoming.url, { method: incoming.method ?? "GET", headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once("error", () => outgoing.destroy());
    forwarded.end(Buffer.concat(body));
  }

  private refuse(asked: URL, outgoing: ServerResponse): void {
    const page = `${this.loginUrl}/?back=${encodeURIComponent(asked.href)}`;
    if (this.refusal === "redirect") outgoing.writeHead(302, { Location: page }).end();
    else if (this.refusal === "401 json") outgoing.writeHead(401, { "Content-Type": "application/json" }).end("{}");
    else
      outgoing
        .writeHead(this.refusal === "page" ? 200 : Number(this.refusal.slice(0, 3)), HTML)
        .end(PAGE(`${this.url}/let-in?back=${encodeURIComponent(asked.href)}`));
  }
}

function originOf(server: HttpServer): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
