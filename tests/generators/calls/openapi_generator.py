"""Register a user with the client of OpenAPI Generator, and print the email address."""

import sys

import openapi_client

_, url, email, password = sys.argv
with openapi_client.ApiClient(openapi_client.Configuration(host=url)) as client:
    registration = openapi_client.Registration(email=email, password=password)
    print(openapi_client.AuthApi(client).register(registration).email)
