/** Retries after a lost response, 409, 429, 502, 503 and 504. */

export const PATIENCE_SECONDS = 30;

// For requests that are safe to repeat. A 409 with Retry-After: an attempt is still in progress.
const RETRY_STATUSES = new Set([409, 502, 503, 504]);

/** A response with its body, so that a loss of the connection in the body is retried. */
export interface Received {
  response: Response;
  body: string;
}

/**
 * Send a request, retry it for up to `patience` seconds, and return the last response.
 *
 * @param repeatable whether the request is safe to repeat
 */
export async function patiently(
  send: () => Promise<Response>,
  repeatable: boolean,
  patience: number,
): Promise<Received> {
  const deadline = Date.now() + patience * 1000;
  for (let longest = 0.25; ; longest = Math.min(2 * longest, 8)) {
    // Exponential backoff with jitter, so that clients do not retry at the same time.
    let pause = longest * (0.5 + Math.random() / 2);
    const over = () => Date.now() + pause * 1000 > deadline;
    try {
      const response = await send();
      const body = await response.text();
      pause = Math.max(pause, retryAfter(response));
      if (!worthRepeating(response, repeatable) || over()) return { response, body };
    } catch (error) {
      if (!repeatable || over()) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

function worthRepeating({ status, headers }: Response, repeatable: boolean): boolean {
  if (status === 409 && !headers.has("Retry-After")) return false;
  // A request over a rate limit was not processed, so any request is safe to repeat.
  return status === 429 || (repeatable && RETRY_STATUSES.has(status));
}

/** Return the seconds in Retry-After: a number or a date (RFC 9110, section 10.2.3). */
function retryAfter(response: Response): number {
  const value = response.headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  return value.endsWith("GMT") ? (Date.parse(value) - Date.now()) / 1000 || 0 : 0;
}
