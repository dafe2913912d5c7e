/** Errors of the service, with the problem document (RFC 9457). */

import type { Received } from "./retry.js";
import type { Problem } from "./schema.js";

const MEMBERS = ["type", "title", "status", "detail", "request_id"];

export class ApiProblem extends Error {
  /** @param problem the problem document of the error response */
  constructor(
    readonly problem: Problem,
    readonly headers: Headers,
  ) {
    super(`${problem.title}: ${problem.detail} (request ${problem.request_id})`);
    this.name = "ApiProblem";
  }

  /** Return whether the last segment of the problem's `type` is `slug`. */
  hasType(slug: string): boolean {
    return this.problem.type.endsWith(`/${slug}`);
  }
}

/** 304: the copy with the ETag in `If-None-Match` is current. */
export class NotModified extends Error {
  constructor(readonly headers: Headers) {
    super("The copy is current.");
    this.name = "NotModified";
  }
}

/** Return the body of a success, or undefined if it has none. Throw an error for other responses. */
export function dataOf({ response, body }: Received): unknown {
  const { ok, status, headers } = response;
  if (status === 204 || (status === 202 && body === "")) return undefined;
  if (status === 304) throw new NotModified(headers);
  const found = documentOf(body);
  if (ok && found) return found;
  const problem = found && MEMBERS.every((name) => name in found) ? (found as Problem) : undefined;
  throw new ApiProblem(problem ?? foreign(response, body), headers);
}

/** Return the JSON object in the body, if there is one. */
function documentOf(body: string): object | undefined {
  try {
    const found: unknown = JSON.parse(body);
    return found instanceof Object && !Array.isArray(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Return a problem for the response of an intermediary, such as a proxy or a captive portal. */
function foreign(response: Response, body: string): Problem {
  const { status, statusText, headers } = response;
  const came = `${headers.get("Content-Type") ?? "no Content-Type"}, "${body.slice(0, 100)}"`;
  return {
    type: "about:blank",
    title: statusText || `Status ${status}`,
    status,
    detail: redirects(response)
      ? `The service redirects to ${headers.get("Location") ?? "a URL that is not given"}.`
      : `This is not a response of the service: ${came}.`,
    request_id: headers.get("X-Request-ID") ?? "unknown",
  };
}

/** Return whether the response is a redirect. Browsers set its status to 0 and hide its URL. */
function redirects({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (300 <= status && status < 400);
}
