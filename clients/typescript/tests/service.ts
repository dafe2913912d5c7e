/** The service under test, and new accounts. */

import { createHmac, randomUUID } from "node:crypto";
import { Api, type ApiOptions } from "flask-api-client";

export const PASSWORD = "correct horse battery staple";

/** Return an environment variable set by tests/system/shop/consumers/test_typescript.py. */
export function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Register a new account, and return a signed-in client. */
export async function signedInClient(
  url = given("API_URL"),
  options: ApiOptions = {},
): Promise<Api> {
  const api = new Api(url, options);
  const email = `${randomUUID()}@example.com`;
  await api.post("/api/auth/register", { body: { email, password: PASSWORD } });
  await api.signIn(email, PASSWORD);
  return api;
}

/** Return the current code of an authenticator app (RFC 6238). */
export function codeOf(secret: string): string {
  const bits = [...secret].map((letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  );
  const key = Buffer.from(bits.join("").match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const number = digest.readUInt32BE(digest[19]! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

export const oneOf = (product_id: string) => ({
  items: [{ product_id, quantity: 1 }],
  shipping_address: { street: "123 Main St", city: "San Francisco", state: "CA", zip: "94102" },
});

export const keyed = (key: string = randomUUID()) => ({ "Idempotency-Key": key });
