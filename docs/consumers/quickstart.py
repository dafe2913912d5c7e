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

# Register. 201, with your profile.
registration = {**account, "name": "Jane"}
registered = requests.post(f"{api}/auth/register", json=registration, timeout=10)
registered.raise_for_status()

# Sign in. 200, with an access token and a refresh token.
login = requests.post(f"{api}/auth/login", json=account, timeout=10)
login.raise_for_status()
token = login.json()["access_token"]

# Order. Use a new Idempotency-Key for each order, the same for its retries.
headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
ordered = requests.post(f"{api}/orders", json=order, headers=headers, timeout=10)
ordered.raise_for_status()
print(ordered.json())
