/** Where requests go, without a service. */

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

/** The address that is asked for the product. */
async function askedFor(product_id: string): Promise<string | undefined> {
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
  test(`"${id}" is no id, and changes no path`, async () => {
    await assert.rejects(askedFor(id), TypeError);
  });
}

for (const id of ["%2e%2e", "a?b#c", "ä b", "..."]) {
  test(`"${id}" is sent as it is`, async () => {
    const { pathname, search } = new URL((await askedFor(id))!);
    assert.deepEqual([decodeURIComponent(pathname), search], [`/api/products/${id}`, ""]);
  });
}
