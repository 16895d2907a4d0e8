/** Who is at the device, and the tokens it has for them. The app's own backend asks for none. */

import { Dexie } from "dexie";
import { FinwiseClient, ServerError } from "../client.js";
import type { Schemas } from "../catalogue.js";

const KEPT = "finwise-0.4 tokens"; // in localStorage: the token of each person, by UUID, and who was here last

export interface Person {
  uuid: string;
  name: string;
  email: string;
}

/** Asks a person for the password again; undefined: not now. `why` is what it is for. */
export type AskPassword = (person: Person, why: "log-in" | "sign-up") => Promise<string | undefined>;

interface Kept {
  last?: string;
  tokens: Record<string, string>;
}

export class People {
  private asking: Promise<void> | undefined;
  private readonly declined = new Set<string>();
  /** Called when somebody has logged in. */
  onLogIn: () => void = () => {};

  constructor(
    private readonly baseUrl: string,
    private readonly fetch: typeof globalThis.fetch | undefined,
    private readonly ask: AskPassword,
  ) {}

  readonly client = (): FinwiseClient =>
    new FinwiseClient({ baseUrl: this.baseUrl, token: () => this.token(), ...(this.fetch && { fetch: this.fetch }) });

  token(): string | undefined {
    const { last, tokens } = kept();
    return last === undefined ? undefined : tokens[last];
  }

  /** From now on requests are this person's, whose token is kept already or comes with the next login. */
  isHere(uuid: string): void {
    const known = kept();
    if (known.last !== uuid) keep({ ...known, last: uuid });
  }

  /** Logs in and keeps the token. Raises ServerError. */
  async logIn(email: string, password: string): Promise<Schemas["User"]> {
    const { token, user } = await this.client().logIn({ email, password, device_name: "FinWise 0.4" });
    const known = kept();
    keep({ last: user.uuid, tokens: { ...known.tokens, [user.uuid]: token } });
    this.onLogIn();
    return user;
  }

  /** Signs up under the UUID that the device knows the person by, and logs in. Raises ServerError. */
  async signUp(person: Person, password: string): Promise<Schemas["User"]> {
    await this.client().signUp({ ...person, password });
    return this.logIn(person.email, password);
  }

  /** Finishes what was begun without a network, or before there were tokens: asks for the password until it fits. */
  finish(person: Person): Promise<void> {
    this.asking ??= this.askUntilItFits(person).finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Asks who is here for the password, once, if there is no token: from before this server, or from a time without a network. */
  async comeIn(): Promise<void> {
    const { last = "", tokens } = kept();
    if (tokens[last] !== undefined || this.declined.has(last)) return;
    const person = (await appUsers()).find(({ uuid }) => uuid === last);
    const isReached = await this.client()
      .health()
      .then(
        () => true,
        () => false,
      );
    if (!person || !isReached) return;
    await this.finish(person);
    if (!this.token()) this.declined.add(last);
  }

  /** The e-mail address for what somebody has typed: the app takes names, too. */
  async emailOf(typed: string): Promise<string> {
    if (typed.includes("@")) return typed;
    return (await appUsers()).find(({ name }) => name.toLowerCase() === typed.toLowerCase())?.email ?? typed;
  }

  private async askUntilItFits(person: Person): Promise<void> {
    for (;;) {
      const password = await this.ask(person, "log-in");
      if (password === undefined) return;
      const isIn = await this.logIn(person.email, password).then(() => true, isRefused);
      if (isIn || (await this.offerSignUp(person, password))) return;
    }
  }

  /** Nobody can tell a wrong password from a missing account; so a new one wants the same password twice. */
  private async offerSignUp(person: Person, password: string): Promise<boolean> {
    if ((await this.ask(person, "sign-up")) !== password) return false;
    return this.signUp(person, password).then(() => true, isRefused);
  }
}

/** False for a refusal that another password may mend; anything else is raised. */
function isRefused(error: unknown): false {
  if (error instanceof ServerError && [401, 409, 422].includes(error.status)) return false;
  throw error;
}

async function appUsers(): Promise<Person[]> {
  if (!(await Dexie.exists("finwiseUserDB"))) return [];
  const db = await new Dexie("finwiseUserDB").open();
  try {
    const rows = (await db.table("dbUsers").toArray()) as { uuid: string; username: string; email: string }[];
    return rows.map(({ uuid, username, email }) => ({ uuid, name: username, email }));
  } finally {
    db.close();
  }
}

function kept(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{"tokens": {}}') as Kept;
  } catch {
    return { tokens: {} };
  }
}

function keep(known: Kept): void {
  localStorage.setItem(KEPT, JSON.stringify(known));
}
