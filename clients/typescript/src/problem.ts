/** Refusals of the service, as errors that carry its problem document (RFC 9457). */

import type { Received } from "./retry.js";
import type { Problem } from "./schema.js";

const MEMBERS = ["type", "title", "status", "detail", "request_id"];

export class ApiProblem extends Error {
  /** @param problem says what is wrong, for programs and for people. */
  constructor(
    readonly problem: Problem,
    readonly headers: Headers,
  ) {
    super(`${problem.title}: ${problem.detail} (request ${problem.request_id})`);
    this.name = "ApiProblem";
  }

  /** Whether this is that kind of problem, by the last part of its `type`. */
  hasType(slug: string): boolean {
    return this.problem.type.endsWith(`/${slug}`);
  }
}

/** The copy whose ETag was sent as `If-None-Match` is current. */
export class NotModified extends Error {
  constructor(readonly headers: Headers) {
    super("The copy is current.");
    this.name = "NotModified";
  }
}

/** The body of a success; undefined if it has none. Anything else is thrown. */
export function dataOf({ response, body }: Received): unknown {
  const { ok, status, headers } = response;
  if (status === 204) return undefined;
  if (status === 304) throw new NotModified(headers);
  const found = documentOf(body);
  if (ok && found) return found;
  const problem = found && MEMBERS.every((name) => name in found) ? (found as Problem) : undefined;
  throw new ApiProblem(problem ?? foreign(response, body), headers);
}

/** The JSON object that came, if one did. */
function documentOf(body: string): object | undefined {
  try {
    const found: unknown = JSON.parse(body);
    return found instanceof Object && !Array.isArray(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** The problem with an answer that something on the way has made: a proxy, a network's login. */
function foreign(response: Response, body: string): Problem {
  const { status, statusText, headers } = response;
  const came = `${headers.get("Content-Type") ?? "no Content-Type"}, "${body.slice(0, 100)}"`;
  return {
    type: "about:blank",
    title: statusText || `Status ${status}`,
    status,
    detail: elsewhere(response)
      ? `The service is elsewhere: ${headers.get("Location") ?? "it is not said where"}.`
      : `This is no answer of the service: ${came}.`,
    request_id: headers.get("X-Request-ID") ?? "unknown",
  };
}

/** Whether it is a redirect; to a browser's page its status is 0, and where to is hidden. */
function elsewhere({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (300 <= status && status < 400);
}
