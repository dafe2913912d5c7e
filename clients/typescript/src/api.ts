/** The operations, and a session that lives as long as the service lets it. */

import { ApiProblem, dataOf } from "./problem.js";
import { request, type Sent } from "./request.js";
import { PATIENCE_SECONDS, patiently } from "./retry.js";
import type { Tokens } from "./schema.js";
import type { Arguments, Data, Input, Method, PathOf } from "./types.js";

export interface Answer<T> {
  data: T;
  status: number;
  headers: Headers;
}

export interface ApiOptions {
  /** Those of a session that has begun before. */
  tokens?: Tokens;
  /** Gets the tokens each time there are new ones, and is waited for. Those before are no good. */
  keep?: (tokens: Tokens) => unknown;
  /** For how many seconds in all a request is repeated. */
  patience?: number;
  /** How many seconds each attempt may take. */
  timeout?: number;
  fetch?: typeof fetch;
}

/**
 * Each method resolves to the answer. It throws an ApiProblem if the service refuses, and NotModified
 * if a copy is current.
 */
export class Api {
  #tokens: Tokens | undefined;
  /** By the tokens that are exchanged. */
  #exchanging = new Map<Tokens, Promise<void>>();

  constructor(
    private readonly baseUrl: string,
    private readonly options: ApiOptions = {},
  ) {
    this.#tokens = options.tokens;
  }

  get = this.#operations("get");
  post = this.#operations("post");
  put = this.#operations("put");
  patch = this.#operations("patch");
  delete = this.#operations("delete");

  async signIn(email: string, password: string): Promise<void> {
    const body = { email, password };
    await this.#take(await this.#send<Tokens>("post", "/api/auth/login", { body }, undefined));
  }

  #operations<M extends Method>(method: M) {
    return <P extends PathOf<M>>(path: P, ...input: Arguments<Input<M, P>>) =>
      this.#signedIn<Data<M, P>>(method, path, (input[0] ?? {}) as Sent);
  }

  /** Send, and once more with new tokens if the access token has expired. */
  async #signedIn<T>(method: Method, path: string, input: Sent): Promise<Answer<T>> {
    const used = this.#tokens;
    try {
      return await this.#send<T>(method, path, input, used);
    } catch (error) {
      const expired = error instanceof ApiProblem && error.hasType("unauthenticated");
      if (!used || !expired) throw error;
    }
    if (used === this.#tokens) await this.#exchange(used);
    return this.#send<T>(method, path, input, this.#tokens);
  }

  /** One at a time: a refresh token is good for one exchange, its reuse ends the session. */
  #exchange(used: Tokens): Promise<void> {
    const exchange =
      this.#exchanging.get(used) ??
      this.#refresh(used).finally(() => this.#exchanging.delete(used));
    this.#exchanging.set(used, exchange);
    return exchange;
  }

  async #refresh(used: Tokens): Promise<void> {
    // If the first answer is lost, so are its tokens: nothing gets worse by asking again.
    const input = { body: { refresh_token: used.refresh_token }, repeatable: true };
    const answer = await this.#send<Tokens>("post", "/api/auth/refresh", input);
    // Somebody may have signed in meanwhile.
    if (this.#tokens === used) await this.#take(answer);
  }

  async #take({ data }: Answer<Tokens>): Promise<void> {
    this.#tokens = data;
    await this.options.keep?.(data);
  }

  async #send<T>(method: Method, path: string, input: Sent, tokens?: Tokens): Promise<Answer<T>> {
    const { fetch: ask = fetch, timeout = 10, patience = PATIENCE_SECONDS } = this.options;
    const make = () => request(this.baseUrl, method, path, input, tokens, timeout);
    make(); // what is wrong with the input is told now: it would be the same each time
    const repeatable =
      method === "get" || Boolean(input.header?.["Idempotency-Key"] ?? input.repeatable);
    const received = await patiently(() => ask(make()), repeatable, patience);
    const { status, headers } = received.response;
    return { data: dataOf(received) as T, status, headers };
  }
}
