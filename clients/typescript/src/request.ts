/** An operation and its input, as a Request of the Fetch standard. */

import type { Tokens } from "./schema.js";
import type { Method } from "./types.js";

/** Any operation's input. */
export interface Sent {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  header?: Record<string, string | undefined>;
  body?: unknown;
  /** Whether it may arrive twice and be done once, though nothing in it says so. */
  repeatable?: boolean;
}

export function request(
  baseUrl: string,
  method: Method,
  path: string,
  input: Sent,
  tokens: Tokens | undefined,
  timeout: number,
): Request {
  const headers = new Headers(defined(input.header));
  if (tokens) headers.set("Authorization", `Bearer ${tokens.access_token}`);
  if (input.body !== undefined) headers.set("Content-Type", "application/json");
  return new Request(url(baseUrl, path, input), {
    method: method.toUpperCase(),
    headers,
    body: input.body === undefined ? null : JSON.stringify(input.body),
    // Credentials are for this address, and a POST that is redirected may become a GET.
    redirect: "manual",
    signal: AbortSignal.timeout(timeout * 1000),
  });
}

function url(baseUrl: string, template: string, { path = {}, query }: Sent): URL {
  const filled = template.replace(/{(\w+)}/g, (_, name) => segment(path[name] ?? ""));
  const found = new URL(baseUrl.replace(/\/+$/, "") + filled);
  if (!/^https?:$/.test(found.protocol)) throw new TypeError(`${baseUrl} is no address of the web`);
  for (const [name, value] of Object.entries(defined(query))) {
    found.searchParams.set(name, String(value));
  }
  return found;
}

/** An id as a part of a path; what would make another path of it, here or in a proxy, is none. */
function segment(id: string): string {
  if (/^\.{0,2}$|[/\\]/.test(id)) throw new TypeError(`"${id}" is no id`);
  return encodeURIComponent(id);
}

function defined<T>(values: Record<string, T | undefined> = {}): Record<string, T> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, T>;
}
