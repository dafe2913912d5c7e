/** Create the Request (Fetch standard) of an operation from its input. */

import type { Method } from "./types.js";

/** Input of an operation. */
export interface Sent {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  header?: Record<string, string | undefined>;
  body?: unknown;
  /** Whether the request is safe to repeat without an Idempotency-Key. */
  repeatable?: boolean;
}

export function request(
  baseUrl: string,
  method: Method,
  path: string,
  input: Sent,
  credential: string | undefined,
  timeout: number,
): Request {
  const headers = new Headers(defined(input.header));
  if (credential) headers.set("Authorization", `Bearer ${credential}`);
  if (input.body !== undefined) headers.set("Content-Type", "application/json");
  return new Request(url(baseUrl, path, input), {
    method: method.toUpperCase(),
    headers,
    body: input.body === undefined ? null : JSON.stringify(input.body),
    // The credentials are for this URL only, and a redirect may change a POST to a GET.
    redirect: "manual",
    signal: AbortSignal.timeout(timeout * 1000),
  });
}

function url(baseUrl: string, template: string, { path = {}, query }: Sent): URL {
  const filled = template.replace(/{(\w+)}/g, (_, name) => segment(path[name] ?? ""));
  const found = new URL(baseUrl.replace(/\/+$/, "") + filled);
  if (!/^https?:$/.test(found.protocol)) throw new TypeError(`${baseUrl} is not an HTTP URL`);
  for (const [name, value] of Object.entries(defined(query))) {
    found.searchParams.set(name, String(value));
  }
  return found;
}

/** Return the id as a path segment. Throw a TypeError if it would change the path. */
function segment(id: string): string {
  if (/^\.{0,2}$|[/\\]/.test(id)) throw new TypeError(`"${id}" is not an id`);
  return encodeURIComponent(id);
}

function defined<T>(values: Record<string, T | undefined> = {}): Record<string, T> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, T>;
}
