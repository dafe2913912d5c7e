/** Where requests go, and what of the way there is told, without a service. */

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
