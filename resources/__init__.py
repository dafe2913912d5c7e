"""The API: HTTP only. The application registers the blueprint `blp` of every module here."""

# The order in the OpenAPI document; a module that is not listed comes last.
ORDER = ("sessions", "users", "products", "orders", "health")
TITLE = "Flask API Service"
SUMMARY = "Accounts, a product catalogue, and orders."
# Markdown, on the first screen of Swagger UI and ReDoc: keep it short.
DESCRIPTION = """\
New here? The [quickstart](/api/docs/guides/quickstart) registers, signs in and places an order.

Guides: [authentication](/api/docs/guides/authentication) ·
[retries](/api/docs/guides/retries) with an `Idempotency-Key` ·
[errors](/api/docs/guides/errors) and [each type of error](/api/problems) ·
[conventions](/api/docs/guides/conventions): formats, lists, limits.
"""
# Pages of docs/ that the service serves to API consumers, in this order.
GUIDES = ("quickstart", "authentication", "retries", "errors", "conventions")
