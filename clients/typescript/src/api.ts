/** API client: one method for each HTTP method, and a session with token refresh. */

import { ApiProblem, dataOf } from "./problem.js";
import { request, type Sent } from "./request.js";
import { PATIENCE_SECONDS, patiently } from "./retry.js";
import type { Tokens } from "./schema.js";
import type { Arguments, Data, Input, Method, PathOf } from "./types.js";

export interface ApiResponse<T> {
  data: T;
  status: number;
  headers: Headers;
}

export interface ApiOptions {
  /** Tokens of an existing session. */
  tokens?: Tokens;
  /** API key of a program, instead of a session. It needs no refresh. */
  apiKey?: string;
  /** Called and awaited with new tokens. After a refresh, the old tokens are no longer valid. */
  keep?: (tokens: Tokens) => unknown;
  /** Seconds for all attempts of a request. */
  patience?: number;
  /** Seconds for each attempt. */
  timeout?: number;
  fetch?: typeof fetch;
}

/**
 * Each method resolves to the response. It throws an ApiProblem for an error response, and
 * NotModified for a 304.
 */
export class Api {
  #tokens: Tokens | undefined;
  /** Refreshes in progress, by the old tokens. */
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

  /** @param code called for a code if the account has a second factor */
  async signIn(
    email: string,
    password: string,
    code?: () => string | Promise<string>,
  ): Promise<void> {
    await this.#take(await this.#login(email, password, code));
  }

  async #login(
    email: string,
    password: string,
    code?: () => string | Promise<string>,
  ): Promise<ApiResponse<Tokens>> {
    try {
      return await this.#send<Tokens>("post", "/api/auth/login", { body: { email, password } });
    } catch (error) {
      const required = error instanceof ApiProblem && error.hasType("second-factor-required");
      if (!code || !required) throw error;
      const body = { challenge: error.problem.challenge, code: await code() };
      return this.#send<Tokens>("post", "/api/auth/login/second-factor", { body });
    }
  }

  #operations<M extends Method>(method: M) {
    return <P extends PathOf<M>>(path: P, ...input: Arguments<Input<M, P>>) =>
      this.#signedIn<Data<M, P>>(method, path, (input[0] ?? {}) as Sent);
  }

  /** Send a request; if the access token has expired, refresh the tokens and send it again. */
  async #signedIn<T>(method: Method, path: string, input: Sent): Promise<ApiResponse<T>> {
    const used = this.#tokens;
    try {
      return await this.#send<T>(method, path, input, used?.access_token ?? this.options.apiKey);
    } catch (error) {
      const expired = error instanceof ApiProblem && error.hasType("unauthenticated");
      if (!used || !expired) throw error;
    }
    if (used === this.#tokens) await this.#exchange(used);
    return this.#send<T>(method, path, input, this.#tokens?.access_token);
  }

  /** Refresh a pair of tokens once, because the reuse of a refresh token ends the session. */
  #exchange(used: Tokens): Promise<void> {
    const exchange =
      this.#exchanging.get(used) ??
      this.#refresh(used).finally(() => this.#exchanging.delete(used));
    this.#exchanging.set(used, exchange);
    return exchange;
  }

  async #refresh(used: Tokens): Promise<void> {
    // Without a retry, a lost response would lose the new tokens, and so the session.
    const input = { body: { refresh_token: used.refresh_token }, repeatable: true };
    const response = await this.#send<Tokens>("post", "/api/auth/refresh", input);
    // `signIn` may have replaced the tokens in the meantime.
    if (this.#tokens === used) await this.#take(response);
  }

  async #take({ data }: ApiResponse<Tokens>): Promise<void> {
    this.#tokens = data;
    await this.options.keep?.(data);
  }

  async #send<T>(
    method: Method,
    path: string,
    input: Sent,
    credential?: string,
  ): Promise<ApiResponse<T>> {
    const { fetch: send = fetch, timeout = 10, patience = PATIENCE_SECONDS } = this.options;
    const make = () => request(this.baseUrl, method, path, input, credential, timeout);
    make(); // invalid input throws an error here, before the retries
    const repeatable =
      method === "get" || Boolean(input.header?.["Idempotency-Key"] ?? input.repeatable);
    const received = await patiently(() => send(make()), repeatable, patience);
    const { status, headers } = received.response;
    return { data: dataOf(received) as T, status, headers };
  }
}
