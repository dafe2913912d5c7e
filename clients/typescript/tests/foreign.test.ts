/** Responses from intermediaries, without a service. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Api, ApiProblem, NotModified } from "flask-api-client";
import { oneOf } from "./service.js";

/** Get the products from a service that returns this response. */
const products = (response: Response) =>
  new Api("http://proxy", { fetch: async () => response }).get("/api/products");

const problemWith = (status: number, ...words: string[]) => (error: unknown) => {
  assert(error instanceof ApiProblem, String(error));
  assert.equal(error.problem.status, status);
  for (const word of words) assert(error.problem.detail.includes(word), error.problem.detail);
  return true;
};

for (const status of [301, 302, 303, 307, 308]) {
  test(`${status} is a typed problem, and is not followed`, async () => {
    const asked: string[] = [];
    const server = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      response.writeHead(status, { Location: "/other" }).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    try {
      const api = new Api(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const order = api.post("/api/orders", { body: oneOf("abc") });
      await assert.rejects(order, problemWith(status, "The service redirects to /other."));
      assert.deepEqual(asked, ["POST /api/orders"]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

test("a redirect that a browser hides is a typed problem, too", async () => {
  const hidden = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  await assert.rejects(products(hidden), problemWith(0, "The service redirects to"));
});

for (const status of [403, 418, 520, 599]) {
  test(`${status} of an intermediary is a typed problem`, async () => {
    const headers = { "Content-Type": "text/html" };
    await assert.rejects(
      products(new Response("<h1>No</h1>", { status, headers })),
      problemWith(status, "text/html", "<h1>No</h1>"),
    );
  });
}

for (const body of ["", "null", "[1]", '{"title": "Busy"}', '{"title": ']) {
  test(`an error with the body ${body || "(empty)"} is a typed problem`, async () => {
    const headers = { "Content-Type": "application/problem+json" };
    await assert.rejects(products(new Response(body, { status: 403, headers })), problemWith(403));
  });
}

test("the page of a captive portal is a typed problem with its content", async () => {
  const headers = { "Content-Type": "text/html" };
  const page = new Response("<h1>Welcome to our hotel</h1>", { headers });
  await assert.rejects(products(page), problemWith(200, "text/html", "Welcome to our hotel"));
});

for (const body of ["", "OK", '["OK"]', '{"items": [']) {
  test(`a success with the body ${body || "(empty)"} is a typed problem`, async () => {
    await assert.rejects(products(new Response(body)), problemWith(200));
  });
}

test("the detail has only the beginning of the body", async () => {
  await assert.rejects(products(new Response("a".repeat(100_000))), (error) => {
    assert(error instanceof ApiProblem && error.problem.detail.length < 300);
    return true;
  });
});

test("a 304 is neither a problem nor a body", async () => {
  const header = { "If-None-Match": "*" };
  const api = new Api("http://service", { fetch: async () => new Response(null, { status: 304 }) });
  await assert.rejects(
    api.get("/api/products/{product_id}", { path: { product_id: "abc" }, header }),
    NotModified,
  );
});
