/** Sign in, order, and list what was ordered. */

import { Api, ApiProblem, items } from "flask-api-client";

const api = new Api(process.argv[2] ?? "http://localhost:5000");
await api.signIn("user@example.com", "securepassword123");

const key = crypto.randomUUID(); // a new key for each order; reuse it for all retries of this order
try {
  const { data: order } = await api.post("/api/orders", {
    header: { "Idempotency-Key": key },
    body: {
      items: [{ product_id: "abc", quantity: 2 }],
      shipping_address: { street: "123 Main St", city: "San Francisco", state: "CA", zip: "94102" },
    },
  });
  console.log(`${order.id}: ${order.total} ${order.currency}`);
} catch (error) {
  if (!(error instanceof ApiProblem && error.hasType("out-of-stock"))) throw error;
  console.log("sold out:", error.problem.products);
}

const pending = items((cursor) => api.get("/api/orders", { query: { cursor, status: "pending" } }));
for await (const order of pending) {
  console.log(order.created_at.slice(0, 10), order.id);
}
