/** Webhooks: accepted and rejected messages, without a service. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { receive, WebhookVerificationError } from "flask-api-client/webhooks";
import { Webhook } from "standardwebhooks";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_C2FVsBQIhrscChlQIMV7b5sSYspob7oD";
const BODY = JSON.stringify({ id: "event_1", type: "user.registered", data: {} });
const seconds = (date: Date) => String(Math.floor(date.getTime() / 1000));

/** Return the headers of a message, signed with each secret. */
function signed(secrets = [SECRET], time = new Date()): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign("event_1", time, BODY));
  return {
    "webhook-id": "event_1",
    "webhook-timestamp": seconds(time),
    "webhook-signature": signatures.join(" "),
  };
}

test("a signed message is an event", () => {
  assert.equal(receive(BODY, signed(), SECRET).type, "user.registered");
});

test("headers of fetch are accepted", () => {
  assert.equal(receive(BODY, new Headers(signed()), SECRET).id, "event_1");
});

test("both secrets are accepted during a rotation", () => {
  for (const secret of [SECRET, OTHER]) {
    assert.equal(receive(BODY, signed([OTHER, SECRET]), secret).id, "event_1");
  }
});

const late = new Date(Date.now() - 6 * 60 * 1000);
const rejected: Record<string, [string, Record<string, string>]> = {
  "a changed body": [BODY.replace("user", "order"), signed()],
  "a changed time": [BODY, { ...signed(), "webhook-timestamp": seconds(new Date(Date.now() - 9000)) }],
  "an old message": [BODY, signed([SECRET], late)],
  "another secret": [BODY, signed([OTHER])],
  "no signature": [BODY, {}],
  "a malformed signature": [BODY, { ...signed(), "webhook-signature": "v1" }],
};
for (const [name, [body, headers]] of Object.entries(rejected)) {
  test(`${name} is rejected`, () => {
    assert.throws(() => receive(body, headers, SECRET), WebhookVerificationError);
  });
}
