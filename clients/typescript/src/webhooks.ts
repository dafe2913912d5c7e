/** Receive webhooks; needs the package `standardwebhooks`. */

import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { Event } from "./schema.js";

export { WebhookVerificationError };

/**
 * Verify the signature of a request, and return its event.
 *
 * @param body The body of the request, unchanged.
 * @param headers The headers as in Node (`request.headers`) or in `fetch`.
 * @param secret The secret of the webhook endpoint; during a rotation, the new or the old one.
 * @throws WebhookVerificationError The request is not from the service, or older than five minutes.
 */
export function receive(
  body: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string,
): Event {
  const given = headers instanceof Headers ? Object.fromEntries(headers) : headers;
  return new Webhook(secret).verify(body, given as Record<string, string>) as Event;
}
