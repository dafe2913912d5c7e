import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiProblem, type Tokens } from "flask-api-client";
import { codeOf, given, PASSWORD, signedInClient } from "./service.js";

const refusedAs = (slug: string) => (error: unknown) =>
  error instanceof ApiProblem && error.hasType(slug) && error.problem.request_id.length > 0;

test("signs in", async () => {
  const api = new Api(given("API_URL"));
  await api.signIn(given("EMAIL"), PASSWORD);
  assert.equal((await api.get("/api/users/me")).data.email, given("EMAIL"));
});

test("a wrong password is a typed problem", async () => {
  const api = new Api(given("API_URL"));
  await assert.rejects(api.signIn(given("EMAIL"), "not this"), refusedAs("wrong-credentials"));
});

test("twenty requests with an expired token refresh it once, and keep the new tokens", async () => {
  const tokens: Tokens = JSON.parse(given("EXPIRED_TOKENS"));
  const kept: Tokens[] = [];
  const api = new Api(given("API_URL"), { tokens, keep: (each) => kept.push(each) });
  const responses = await Promise.all(Array.from({ length: 20 }, () => api.get("/api/users/me")));
  assert.deepEqual(new Set(responses.map(({ data }) => data.email)), new Set([given("EMAIL")]));
  assert.equal(kept.length, 1);
  assert.notEqual(kept[0]?.refresh_token, tokens.refresh_token);
  const later = new Api(given("API_URL"), { tokens: kept[0]! });
  assert.equal((await later.get("/api/users/me")).data.email, given("EMAIL"));
});

test("an API key needs no session, and a refused one is not refreshed", async () => {
  const owner = await signedInClient();
  const body = { name: "test", scopes: ["profile" as const] };
  const { data } = await owner.post("/api/api-keys", { body });
  const program = new Api(given("API_URL"), { apiKey: data.key });
  assert.equal((await program.get("/api/users/me")).status, 200);
  await assert.rejects(program.get("/api/auth/sessions"), refusedAs("forbidden"));
  await owner.delete("/api/api-keys/{api_key_id}", { path: { api_key_id: data.id } });
  await assert.rejects(program.get("/api/users/me"), refusedAs("unauthenticated"));
});

test("a second factor asks for a code", async () => {
  const email = given("VERIFIED_EMAIL");
  const owner = new Api(given("API_URL"));
  await owner.signIn(email, PASSWORD);
  const password = { body: { password: PASSWORD } };
  const { secret } = (await owner.post("/api/users/me/second-factor", password)).data;
  const confirm = { body: { code: codeOf(secret) } };
  const { data } = await owner.post("/api/users/me/second-factor/confirm", confirm);
  const api = new Api(given("API_URL"));
  await assert.rejects(api.signIn(email, PASSWORD), refusedAs("second-factor-required"));
  await api.signIn(email, PASSWORD, async () => data.recovery_codes[0]!);
  assert.equal((await api.get("/api/users/me")).data.email, email);
});

test("an ended session is a typed problem", async () => {
  const api = await signedInClient();
  assert.equal((await api.post("/api/auth/logout")).data, undefined);
  await assert.rejects(api.get("/api/auth/sessions"), refusedAs("invalid-refresh-token"));
});
