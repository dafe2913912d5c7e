import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiProblem, items, NotModified, type Order } from "flask-api-client";
import { given, keyed, oneOf, PASSWORD, somebody } from "./service.js";

async function ordersOf(api: Api, limit?: number): Promise<Order[]> {
  const found: Order[] = [];
  const all = items((cursor) => api.get("/api/orders", { query: { cursor, limit } }));
  for await (const order of all) found.push(order);
  return found;
}

test("a lost answer is asked for again, and one order is made", async () => {
  const api = new Api(given("LOSING_URL"));
  await api.signIn(given("EMAIL"), PASSWORD); // whose orders are counted in the database, too
  const { data, headers } = await api.post("/api/orders", { header: keyed(), body: oneOf("abc") });
  assert.equal(headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual((await ordersOf(api)).map(({ id }) => id), [data.id]);
});

test("without a key a lost answer is told, and nothing is repeated", async () => {
  const api = await somebody(given("LOSING_URL"));
  await assert.rejects(api.post("/api/orders", { body: oneOf("abc") }), TypeError);
  assert.equal((await ordersOf(api)).length, 1);
});

test("pages are walked in order", async () => {
  const api = await somebody();
  const placed: string[] = [];
  for (let n = 0; n < 5; n++) {
    placed.unshift((await api.post("/api/orders", { body: oneOf("abc") })).data.id);
  }
  assert.deepEqual((await ordersOf(api, 2)).map(({ id }) => id), placed);
});

test("no page loses an order or shows it twice while others are placed", async () => {
  const api = await somebody();
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

test("out of stock says of what", async () => {
  const api = await somebody();
  await assert.rejects(api.post("/api/orders", { body: oneOf("sold-out") }), (error) => {
    assert(error instanceof ApiProblem && error.hasType("out-of-stock"));
    assert.deepEqual(error.problem.products?.map((each) => each.product_id), ["sold-out"]);
    return true;
  });
});

test("a path is filled in, whatever is in it, and a header is sent", async () => {
  const api = await somebody();
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

test("a busy service is waited for, as long as it says", async () => {
  const api = new Api(given("BUSY_URL"));
  for (let n = 0; n < 5; n++) {
    assert.equal((await api.get("/api/products")).status, 200);
  }
});

// Compiled, and not run: what the types refuse.
export async function refusedByTheCompiler(api: Api): Promise<Order> {
  // @ts-expect-error: there is no such path
  await api.get("/api/order");
  // @ts-expect-error: the path has a parameter
  await api.get("/api/orders/{order_id}");
  // @ts-expect-error: an order has items
  await api.post("/api/orders", { body: { shipping_address: oneOf("abc").shipping_address } });
  // @ts-expect-error: this is no status
  await api.get("/api/orders", { query: { status: "lost" } });
  // @ts-expect-error: a page is no order
  return (await api.get("/api/orders")).data;
}
