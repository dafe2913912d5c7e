/** URLs of requests, without a service. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "flask-api-client";

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

/** Return the URL of the request for a product. */
async function requestedUrl(product_id: string): Promise<string | undefined> {
  const asked: string[] = [];
  const fetch = async (input: unknown) => {
    asked.push((input as Request).url);
    return Response.json({ id: product_id });
  };
  await new Api("http://service", { fetch }).get("/api/products/{product_id}", {
    path: { product_id },
  });
  return asked[0];
}

for (const id of ["", ".", "..", "a/b", "../orders", "..\\orders"]) {
  test(`"${id}" is rejected as an id`, async () => {
    await assert.rejects(requestedUrl(id), TypeError);
  });
}

for (const id of ["%2e%2e", "a?b#c", "ä b", "..."]) {
  test(`"${id}" is encoded in the path`, async () => {
    const { pathname, search } = new URL((await requestedUrl(id))!);
    assert.deepEqual([decodeURIComponent(pathname), search], [`/api/products/${id}`, ""]);
  });
}
