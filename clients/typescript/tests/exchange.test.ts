/** Refresh of expired tokens, without a service. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, type Tokens } from "flask-api-client";

const tokensOf = (name: string): Tokens => ({
  access_token: name,
  refresh_token: name,
  token_type: "bearer",
  expires_in: 1800,
});

const EXPIRED = {
  type: "/api/problems/unauthenticated",
  title: "Not signed in",
  status: 401,
  detail: "Expired.",
  request_id: "1",
};

function refused(): Response {
  const headers = { "Content-Type": "application/problem+json" };
  return Response.json(EXPIRED, { status: 401, headers });
}

/** Return a client with expired tokens; `accepted` are the valid access tokens. */
function expired(exchange: (used: string) => Promise<Response>, ...accepted: string[]) {
  const kept: string[] = [];
  const service: typeof fetch = async (input) => {
    const request = input as Request;
    if (request.url.endsWith("/login")) return Response.json(tokensOf("signed-in"));
    if (request.url.endsWith("/refresh")) return exchange((await request.json()).refresh_token);
    const token = request.headers.get("Authorization")!.replace("Bearer ", "");
    return accepted.includes(token) ? Response.json({ token }) : refused();
  };
  const keep = (tokens: Tokens) => kept.push(tokens.access_token);
  return { kept, api: new Api("http://service", { tokens: tokensOf("old"), keep, fetch: service }) };
}

test("a refresh does not replace the tokens of a later sign-in", async () => {
  const { api, kept } = expired(
    async () => {
      await api.signIn("user@example.com", "password");
      return Response.json(tokensOf("exchanged"));
    },
    "signed-in",
    "exchanged",
  );
  for (let n = 0; n < 2; n++) {
    assert.deepEqual((await api.get("/api/users/me")).data, { token: "signed-in" });
  }
  assert.deepEqual(kept, ["signed-in"]);
});

test("a refresh does not wait for the refresh of other tokens", async () => {
  const exchanged: string[] = [];
  let arrived = () => {};
  let respond = (_: Response) => {};
  const waiting = new Promise<void>((resolve) => (arrived = resolve));
  const slow = new Promise<Response>((resolve) => (respond = resolve));
  const { api, kept } = expired(async (used) => {
    exchanged.push(used);
    if (used !== "old") return Response.json(tokensOf("new"));
    arrived();
    return slow;
  }, "new");

  const first = api.get("/api/users/me");
  await waiting;
  await api.signIn("user@example.com", "password");
  await api.get("/api/users/me");
  respond(Response.json(tokensOf("late")));
  await first;

  assert.deepEqual(exchanged, ["old", "signed-in"]);
  assert.deepEqual(kept, ["signed-in", "new"]);
});

test("concurrent requests with an expired token share one refresh", async () => {
  const asked: string[] = [];
  let rejected = 0;
  let allRejected = () => {};
  const everyRejection = new Promise<void>((resolve) => (allRejected = resolve));

  const service: typeof fetch = async (input) => {
    const request = input as Request;
    asked.push(new URL(request.url).pathname);
    if (request.url.endsWith("/refresh")) {
      await everyRejection;
      return Response.json(tokensOf("new"));
    }
    if (request.headers.get("Authorization") === "Bearer new") return Response.json({});
    if (++rejected === 3) allRejected();
    return refused();
  };

  const api = new Api("http://service", { tokens: tokensOf("old"), fetch: service });
  await Promise.all([1, 2, 3].map(() => api.get("/api/users/me")));

  assert.equal(rejected, 3);
  assert.equal(asked.filter((path) => path === "/api/auth/refresh").length, 1);
});

test("requests wait until `keep` has saved the new tokens", async () => {
  const done: string[] = [];
  const keep = async () => {
    await new Promise(setImmediate);
    done.push("kept");
  };
  const service: typeof fetch = async (input) => {
    const { url, headers } = input as Request;
    if (url.endsWith("/refresh")) return Response.json(tokensOf("new"));
    if (headers.get("Authorization") === "Bearer old") return refused();
    done.push("used");
    return Response.json({ id: "me" });
  };
  const api = new Api("http://service", { tokens: tokensOf("old"), keep, fetch: service });
  await api.get("/api/users/me");
  assert.deepEqual(done, ["kept", "used"]);
});

test("an error of `keep` is thrown, and the new tokens are used", async () => {
  const keep = async () => {
    throw new Error("the disk is full");
  };
  const service: typeof fetch = async (input) => {
    const { url, headers } = input as Request;
    if (url.endsWith("/refresh")) return Response.json(tokensOf("new"));
    return headers.get("Authorization") === "Bearer old" ? refused() : Response.json({ id: "me" });
  };
  const api = new Api("http://service", { tokens: tokensOf("old"), keep, fetch: service });
  await assert.rejects(api.get("/api/users/me"), /disk is full/);
  assert.equal((await api.get("/api/users/me")).data.id, "me");
});
