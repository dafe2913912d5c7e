"""A client of the Flask API Service: what the generated code leaves to do by hand.

The operations are in `flask_api_client.generated.api`, what they take and return is in
`flask_api_client.generated.models`. Pass them what `connect` or `sign_in` returns.
"""

from flask_api_client.connection import connect, resume, sign_in
from flask_api_client.pages import items
from flask_api_client.problems import ApiProblem, NotModified, unwrap

__all__ = ["ApiProblem", "NotModified", "connect", "items", "resume", "sign_in", "unwrap"]
