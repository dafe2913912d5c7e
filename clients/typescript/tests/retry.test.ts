/** Retries: which requests, after which pauses and for how long, without a service. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Api, ApiProblem } from "flask-api-client";
import { keyed, oneOf } from "./service.js";

type Step = { status: number; after?: string } | "lost" | "cut";

const LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT";

/** Return the body of a response whose connection is lost half way. */
function cutBody(): ReadableStream {
  return new ReadableStream({
    start: (body) => body.enqueue(new TextEncoder().encode('{"items": [')),
    pull: (body) => body.error(new TypeError("cut")),
  });
}

/** Return the simulated pauses, and a client whose service returns these responses, then 200. */
function service(...steps: Step[]) {
  const waits: number[] = [];
  let clock = 0;
  mock.method(Date, "now", () => clock);
  mock.method(globalThis, "setTimeout", (wake: () => void, milliseconds: number) => {
    waits.push(milliseconds / 1000);
    clock += milliseconds;
    wake();
  });
  const fetch = async () => {
    const step = steps.shift() ?? { status: 200 };
    if (step === "lost") throw new TypeError("lost");
    if (step === "cut") return new Response(cutBody());
    const headers = step.after ? { "Retry-After": step.after } : new Headers();
    return Response.json({}, { status: step.status, headers });
  };
  return { waits, api: new Api("http://service", { fetch }) };
}

const order = (api: Api, header = {}) => api.post("/api/orders", { header, body: oneOf("abc") });
const refusedWith = (status: number) => (error: unknown) =>
  error instanceof ApiProblem && error.problem.status === status;

test.afterEach(() => mock.restoreAll());

for (const status of [409, 429, 502, 503, 504]) {
  test(`${status} with a key is retried after the time in Retry-After`, async () => {
    const { api, waits } = service({ status, after: "7" }, { status, after: "7" });
    assert.equal((await order(api, keyed())).status, 200);
    assert.deepEqual(waits, [7, 7]);
  });
}

test("a safe request is retried after a lost response, with growing pauses", async () => {
  const { api, waits } = service("lost", "lost", "lost", "lost");
  assert.equal((await api.get("/api/products")).status, 200);
  assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
});

test("Retry-After: 0 is retried after growing pauses", async () => {
  const { api, waits } = service(...Array<Step>(4).fill({ status: 503, after: "0" }));
  assert.equal((await api.get("/api/products")).status, 200);
  assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
});

for (const after of ["²", "\u0667", "-7", "1e9", "soon", "7;8", "NaN", LONG_AGO]) {
  test(`an invalid Retry-After (${after}) is ignored`, async () => {
    const bytes = Buffer.from(after).toString("latin1"); // as fetch hands them over
    const { api, waits } = service(...Array<Step>(4).fill({ status: 503, after: bytes }));
    assert.equal((await api.get("/api/products")).status, 200);
    assert(0.125 <= waits[0]! && waits[0]! <= 0.25 && 1 <= waits[3]! && waits[3]! <= 2);
  });
}

test("a retry waits for the date in Retry-After", async () => {
  const { api, waits } = service({ status: 503, after: new Date(20_000).toUTCString() });
  assert.equal((await api.get("/api/products")).status, 200);
  assert.deepEqual(waits, [20]);
});

test("errors of the caller are thrown without a retry", async () => {
  const { api, waits } = service();
  for (const address of ["nowhere", "localhost:5000", "http://me:secret@service"]) {
    await assert.rejects(new Api(address).get("/api/products"), TypeError);
  }
  await assert.rejects(order(api, { "Idempotency-Key": "two\nlines" }), TypeError);
  assert.deepEqual(waits, []);
});

test("a safe request is retried after an incomplete response", async () => {
  const { api, waits } = service("cut", "cut");
  assert.equal((await api.get("/api/products")).status, 200);
  assert.equal((await order(service("cut").api, keyed())).status, 200);
  assert.equal(waits.length, 2);
  const once = service("cut");
  await assert.rejects(order(once.api), TypeError);
  assert.deepEqual(once.waits, []);
});

test("without a key only 429 is retried", async () => {
  const { api, waits } = service({ status: 429, after: "1" });
  assert.equal((await order(api)).status, 200);
  assert.deepEqual(waits, [1]);
  await assert.rejects(order(service("lost").api), TypeError);
  for (const status of [502, 503, 504]) {
    await assert.rejects(order(service({ status, after: "1" }).api), refusedWith(status));
  }
});

test("other errors are thrown without a retry", async () => {
  for (const status of [400, 404, 409, 422, 500]) {
    await assert.rejects(order(service({ status }).api, keyed()), refusedWith(status));
  }
});

test("retries end after `patience` seconds", async () => {
  const { api, waits } = service(...Array<Step>(1000).fill("lost"));
  await assert.rejects(api.get("/api/products"), TypeError);
  const waited = waits.reduce((sum, each) => sum + each);
  assert(20 < waited && waited <= 30);
});

for (const after of ["31", "9".repeat(5000), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
  test(`${after.slice(0, 40)} in Retry-After is longer than \`patience\``, async () => {
    const { api, waits } = service({ status: 429, after });
    await assert.rejects(api.get("/api/products"), refusedWith(429));
    assert.deepEqual(waits, []);
  });
}
