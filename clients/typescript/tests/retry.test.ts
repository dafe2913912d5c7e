/** What is repeated, when and for how long, without a service. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Api, ApiProblem } from "flask-api-client";
import { keyed, oneOf } from "./service.js";

type Coming = { status: number; after?: string } | "lost" | "cut";

const LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT";

/** The body of an answer whose connection is lost half way. */
function cutBody(): ReadableStream {
  return new ReadableStream({
    start: (body) => body.enqueue(new TextEncoder().encode('{"items": [')),
    pull: (body) => body.error(new TypeError("cut")),
  });
}

/** A service that answers with these, and then with 200; and the seconds that nobody waits for. */
function service(...coming: Coming[]) {
  const waits: number[] = [];
  let clock = 0;
  mock.method(Date, "now", () => clock);
  mock.method(globalThis, "setTimeout", (wake: () => void, milliseconds: number) => {
    waits.push(milliseconds / 1000);
    clock += milliseconds;
    wake();
  });
  const fetch = async () => {
    const answer = coming.shift() ?? { status: 200 };
    if (answer === "lost") throw new TypeError("lost");
    if (answer === "cut") return new Response(cutBody());
    const headers = answer.after ? { "Retry-After": answer.after } : new Headers();
    return Response.json({}, { status: answer.status, headers });
  };
  return { waits, api: new Api("http://service", { fetch }) };
}

const order = (api: Api, header = {}) => api.post("/api/orders", { header, body: oneOf("abc") });
const refusedWith = (status: number) => (error: unknown) =>
  error instanceof ApiProblem && error.problem.status === status;

test.afterEach(() => mock.restoreAll());

for (const status of [409, 429, 502, 503, 504]) {
  test(`${status} with a key is repeated after as long as the service says`, async () => {
    const { api, waits } = service({ status, after: "7" }, { status, after: "7" });
    assert.equal((await order(api, keyed())).status, 200);
    assert.deepEqual(waits, [7, 7]);
  });
}

test("reading is repeated after a lost answer, with longer and longer pauses", async () => {
  const { api, waits } = service("lost", "lost", "lost", "lost");
  assert.equal((await api.get("/api/products")).status, 200);
  assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
});

test("a service that says at once is asked after longer and longer pauses", async () => {
  const { api, waits } = service(...Array<Coming>(4).fill({ status: 503, after: "0" }));
  assert.equal((await api.get("/api/products")).status, 200);
  assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
});

for (const after of ["²", "\u0667", "-7", "1e9", "soon", "7;8", "NaN", LONG_AGO]) {
  test(`a service that says ${after} is asked after pauses of our own`, async () => {
    const bytes = Buffer.from(after).toString("latin1"); // as fetch hands them over
    const { api, waits } = service(...Array<Coming>(4).fill({ status: 503, after: bytes }));
    assert.equal((await api.get("/api/products")).status, 200);
    assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
  });
}

test("a service that says a date is not asked before", async () => {
  const { api, waits } = service({ status: 503, after: new Date(20_000).toUTCString() });
  assert.equal((await api.get("/api/products")).status, 200);
  assert.deepEqual(waits, [20]);
});

test("the mistakes of the caller are told at once", async () => {
  const { api, waits } = service();
  for (const address of ["nowhere", "localhost:5000", "http://me:secret@service"]) {
    await assert.rejects(new Api(address).get("/api/products"), TypeError);
  }
  await assert.rejects(order(api, { "Idempotency-Key": "two\nlines" }), TypeError);
  assert.deepEqual(waits, []);
});

test("what is safe is repeated after an answer that was cut", async () => {
  const { api, waits } = service("cut", "cut");
  assert.equal((await api.get("/api/products")).status, 200);
  assert.equal((await order(service("cut").api, keyed())).status, 200);
  assert.equal(waits.length, 2);
  const once = service("cut");
  await assert.rejects(order(once.api), TypeError);
  assert.deepEqual(once.waits, []);
});

test("without a key only what is over a limit is repeated", async () => {
  const { api, waits } = service({ status: 429, after: "1" });
  assert.equal((await order(api)).status, 200);
  assert.deepEqual(waits, [1]);
  await assert.rejects(order(service("lost").api), TypeError);
  for (const status of [502, 503, 504]) {
    await assert.rejects(order(service({ status, after: "1" }).api), refusedWith(status));
  }
});

test("refusals are told, and not repeated", async () => {
  for (const status of [400, 404, 409, 422, 500]) {
    await assert.rejects(order(service({ status }).api, keyed()), refusedWith(status));
  }
});

test("patience ends", async () => {
  const { api, waits } = service(...Array<Coming>(1000).fill("lost"));
  await assert.rejects(api.get("/api/products"), TypeError);
  const waited = waits.reduce((sum, each) => sum + each);
  assert(20 < waited && waited <= 30);
});

for (const after of ["31", "9".repeat(5000), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
  test(`${after.slice(0, 40)} is longer than the patience`, async () => {
    const { api, waits } = service({ status: 429, after });
    await assert.rejects(api.get("/api/products"), refusedWith(429));
    assert.deepEqual(waits, []);
  });
}
