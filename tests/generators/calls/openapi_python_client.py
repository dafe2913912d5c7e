"""Register a user with the client of openapi-python-client, and print the email address."""

import sys

from flask_api_service_client import Client
from flask_api_service_client.api.auth import register
from flask_api_service_client.models import Registration, User

_, url, email, password = sys.argv
with Client(base_url=url) as client:
    user = register.sync(client=client, body=Registration(email=email, password=password))
    assert isinstance(user, User)
    print(user.email)
