/** Where requests go, and what of the way there is told, without a service. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Api, ApiProblem } from "flask-api-client";
import { oneOf } from "./service.js";

for (const base of ["http://proxy/shop", "http://proxy/shop/"]) {
  test(`${base} keeps its path`, async () => {
    const asked: string[] = [];
    const fetch = async (input: unknown) => {
      asked.push((input as Request).url);
      return Response.json({});
    };
    await new Api(base, { fetch }).get("/api/products", { query: { limit: 2 } });
    assert.deepEqual(asked, ["http://proxy/shop/api/products?limit=2"]);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`${status} is told, and not followed`, async () => {
    const asked: string[] = [];
    const server = createServer(({ method, url }, answer) => {
      asked.push(`${method} ${url}`);
      answer.writeHead(status, { Location: "/other" }).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    try {
      const api = new Api(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      await assert.rejects(api.post("/api/orders", { body: oneOf("abc") }), (error) => {
        assert(error instanceof ApiProblem);
        assert.equal(error.problem.status, status);
        assert.equal(error.problem.detail, "The service is elsewhere: /other.");
        return true;
      });
      assert.deepEqual(asked, ["POST /api/orders"]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

test("a redirect that a browser hides is a typed problem, too", async () => {
  const hidden = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  const api = new Api("http://service", { fetch: async () => hidden });
  await assert.rejects(api.get("/api/products"), (error) => {
    assert(error instanceof ApiProblem);
    assert.match(error.problem.detail, /^The service is elsewhere/);
    return true;
  });
});
