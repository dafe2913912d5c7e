"""Client of the Flask API Service: sessions, retries, pages and errors.

The operations are in `flask_api_client.generated.api`, their inputs and results in
`flask_api_client.generated.models`. Pass them a client from `connect`, `sign_in` or
`with_api_key`.
"""

from flask_api_client.connection import connect, resume, sign_in, with_api_key
from flask_api_client.pages import items
from flask_api_client.problems import ApiProblem, NotModified, unwrap

__all__ = [
    "ApiProblem",
    "NotModified",
    "connect",
    "items",
    "resume",
    "sign_in",
    "unwrap",
    "with_api_key",
]
