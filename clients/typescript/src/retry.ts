/** Asks again when an answer was lost, or when the service says to come back later. */

export const PATIENCE_SECONDS = 30;

// Of a request that may be repeated. 409: its twin is still being worked on.
const COME_BACK = new Set([409, 502, 503, 504]);

/** An answer with its body, which may be lost on the way as well. */
export interface Received {
  response: Response;
  body: string;
}

/**
 * The answer that `send` gets, or the one that is left when `patience` seconds are over.
 *
 * @param repeatable whether the request may arrive twice and be done once
 */
export async function patiently(
  send: () => Promise<Response>,
  repeatable: boolean,
  patience: number,
): Promise<Received> {
  const deadline = Date.now() + patience * 1000;
  for (let longest = 0.25; ; longest = Math.min(2 * longest, 8)) {
    // By chance less than twice as long each time, lest all clients come at once.
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
  // What is over a limit has not been done, so any request may come again.
  return status === 429 || (repeatable && COME_BACK.has(status));
}

/** Seconds to wait at least: a number, or until a date (RFC 9110, section 10.2.3). */
function retryAfter(response: Response): number {
  const value = response.headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  return value.endsWith("GMT") ? (Date.parse(value) - Date.now()) / 1000 || 0 : 0;
}
