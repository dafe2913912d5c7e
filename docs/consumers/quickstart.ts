const api = process.env.API ?? "http://localhost:5000/api";
const email = `jane-${crypto.randomUUID()}@example.com`;
const account = { email, password: "correct horse battery staple" };
const order = {
  items: [{ product_id: "abc", quantity: 2 }],
  shipping_address: {
    street: "123 Main St",
    city: "San Francisco",
    state: "CA",
    zip: "94102",
    country: "US",
  },
};
const json = { "Content-Type": "application/json" };

// Register. 201, with your profile.
const registered = await fetch(`${api}/auth/register`, {
  method: "POST",
  headers: json,
  body: JSON.stringify({ ...account, name: "Jane" }),
});
if (!registered.ok) throw new Error(await registered.text());

// Sign in. 200, with an access token and a refresh token.
const login = await fetch(`${api}/auth/login`, {
  method: "POST",
  headers: json,
  body: JSON.stringify(account),
});
if (!login.ok) throw new Error(await login.text());
const { access_token: token } = await login.json();

// Order. Use a new Idempotency-Key for each order, the same for its retries.
const ordered = await fetch(`${api}/orders`, {
  method: "POST",
  headers: {
    ...json,
    Authorization: `Bearer ${token}`,
    "Idempotency-Key": crypto.randomUUID(),
  },
  body: JSON.stringify(order),
});
if (!ordered.ok) throw new Error(await ordered.text());
console.log(await ordered.json());
