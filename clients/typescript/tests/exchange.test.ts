/** How often expired tokens are exchanged, without a service. */

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

test("requests that are refused before the exchange is done share it", async () => {
  const asked: string[] = [];
  let refusals = 0;
  let allRefused = () => {};
  const everybody = new Promise<void>((resolve) => (allRefused = resolve));

  const service: typeof fetch = async (input) => {
    const request = input as Request;
    asked.push(new URL(request.url).pathname);
    if (request.url.endsWith("/refresh")) {
      await everybody;
      return Response.json(tokensOf("new"));
    }
    if (request.headers.get("Authorization") === "Bearer new") return Response.json({});
    if (++refusals === 3) allRefused();
    return refused();
  };

  const api = new Api("http://service", { tokens: tokensOf("old"), fetch: service });
  await Promise.all([1, 2, 3].map(() => api.get("/api/users/me")));

  assert.equal(refusals, 3);
  assert.equal(asked.filter((path) => path === "/api/auth/refresh").length, 1);
});
