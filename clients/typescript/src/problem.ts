/** Refusals of the service, as errors that carry its problem document (RFC 9457). */

import type { Received } from "./retry.js";
import type { Problem } from "./schema.js";

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

/** The problem of an answer that is no success; also if something on the way made the answer. */
export function problemOf({ response, body }: Received): ApiProblem {
  const type = response.headers.get("Content-Type") ?? "";
  const problem: Problem = type.startsWith("application/problem+json")
    ? JSON.parse(body)
    : {
        type: "about:blank",
        title: response.statusText || `Status ${response.status}`,
        status: response.status,
        detail: elsewhere(response)
          ? `The service is elsewhere: ${response.headers.get("Location") ?? "it is not said where"}.`
          : "The answer is no problem document of the service.",
        request_id: response.headers.get("X-Request-ID") ?? "unknown",
      };
  return new ApiProblem(problem, response.headers);
}

/** Whether it is a redirect; to a browser's page its status is 0, and where to is hidden. */
function elsewhere({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (300 <= status && status < 400 && status !== 304);
}
