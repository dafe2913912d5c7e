/** The service under test, and new accounts. */

import { randomUUID } from "node:crypto";
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
  const email = `${randomUUID()}@example.com`;
  const api = new Api(url, options);
  await api.post("/api/auth/register", { body: { email, password: PASSWORD } });
  await api.signIn(email, PASSWORD);
  return api;
}

export const oneOf = (product_id: string) => ({
  items: [{ product_id, quantity: 1 }],
  shipping_address: { street: "123 Main St", city: "San Francisco", state: "CA", zip: "94102" },
});

export const keyed = (key: string = randomUUID()) => ({ "Idempotency-Key": key });
