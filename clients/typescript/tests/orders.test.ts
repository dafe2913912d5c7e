import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiProblem, items, NotModified, type Order } from "flask-api-client";
import { given, keyed, oneOf, PASSWORD, signedInClient } from "./service.js";

async function ordersOf(api: Api, limit?: number): Promise<Order[]> {
  const found: Order[] = [];
  const all = items((cursor) => api.get("/api/orders", { query: { cursor, limit } }));
  for await (const order of all) found.push(order);
  return found;
}

test("a request with a lost response is retried, and creates one order", async () => {
  const api = new Api(given("LOSING_URL"));
  await api.signIn(given("EMAIL"), PASSWORD); // test_typescript.py counts this user's orders
  const { data, headers } = await api.post("/api/orders", { header: keyed(), body: oneOf("abc") });
  assert.equal(headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual((await ordersOf(api)).map(({ id }) => id), [data.id]);
});

test("a request without a key fails on a lost response, and is not retried", async () => {
  const api = await signedInClient(given("LOSING_URL"));
  await assert.rejects(api.post("/api/orders", { body: oneOf("abc") }), TypeError);
  assert.equal((await ordersOf(api)).length, 1);
});

test("pages are walked in order", async () => {
  const api = await signedInClient();
  const placed: string[] = [];
  for (let n = 0; n < 5; n++) {
    placed.unshift((await api.post("/api/orders", { body: oneOf("abc") })).data.id);
  }
  assert.deepEqual((await ordersOf(api, 2)).map(({ id }) => id), placed);
});

test("no page loses an order or shows it twice while others are placed", async () => {
  const api = await signedInClient();
  const place = async () => (await api.post("/api/orders", { body: oneOf("abc") })).data.id;
  const placed = [await place(), await place(), await place()].reverse();
  const found: string[] = [];
  for await (const { id } of items((cursor) =>
    api.get("/api/orders", { query: { cursor, limit: 1 } }),
  )) {
    found.push(id);
    await place();
  }
  assert.deepEqual(found, placed);
});

test("an out-of-stock error lists the products", async () => {
  const api = await signedInClient();
  await assert.rejects(api.post("/api/orders", { body: oneOf("sold-out") }), (error) => {
    assert(error instanceof ApiProblem && error.hasType("out-of-stock"));
    assert.deepEqual(error.problem.products?.map((each) => each.product_id), ["sold-out"]);
    return true;
  });
});

test("path parameters are encoded, and headers are sent", async () => {
  const api = await signedInClient();
  const { data, headers } = await api.post("/api/orders", { body: oneOf("abc") });
  const path = { order_id: data.id };
  const etag = headers.get("ETag")!;
  await assert.rejects(
    api.get("/api/orders/{order_id}", { path: { order_id: "%2e%2e" } }),
    (error) => error instanceof ApiProblem && error.problem.status === 404,
  );
  const { data: cancelled } = await api.post("/api/orders/{order_id}/cancel", {
    path,
    header: { "If-Match": etag },
  });
  assert.equal(cancelled.status, "cancelled");
  await assert.rejects(
    api.get("/api/orders/{order_id}", { path, header: { "If-None-Match": "*" } }),
    NotModified,
  );
});

test("a retry waits for the time in Retry-After", async () => {
  const api = new Api(given("BUSY_URL"));
  for (let n = 0; n < 5; n++) {
    assert.equal((await api.get("/api/products")).status, 200);
  }
});

// This function is only compiled: each marked line must be a type error.
export async function refusedByTheCompiler(api: Api): Promise<Order> {
  // @ts-expect-error: there is no such path
  await api.get("/api/order");
  // @ts-expect-error: the path has a parameter
  await api.get("/api/orders/{order_id}");
  // @ts-expect-error: an order has items
  await api.post("/api/orders", { body: { shipping_address: oneOf("abc").shipping_address } });
  // @ts-expect-error: this is not a status
  await api.get("/api/orders", { query: { status: "lost" } });
  // @ts-expect-error: a page is not an order
  return (await api.get("/api/orders")).data;
}
