import os
import uuid

import requests

api = os.environ.get("API", "http://localhost:5000/api")
email = f"jane-{uuid.uuid4()}@example.com"
account = {"email": email, "password": "correct horse battery staple"}
order = {
    "items": [{"product_id": "abc", "quantity": 2}],
    "shipping_address": {
        "street": "123 Main St",
        "city": "San Francisco",
        "state": "CA",
        "zip": "94102",
        "country": "US",
    },
}


def post(path, body, **headers):
    response = requests.post(f"{api}{path}", json=body, headers=headers, timeout=10)
    response.raise_for_status()
    return response.json()


# Register. 201, with your profile.
post("/auth/register", {**account, "name": "Jane"})

# Sign in. 200, with an access token and a refresh token.
token = post("/auth/login", account)["access_token"]

# Order. Use a new Idempotency-Key for each order, the same for its retries.
headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
print(post("/orders", order, **headers))
