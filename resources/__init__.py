"""HTTP resources. The application registers the blueprint `blp` of every module here."""

# The order of the tags in the OpenAPI document; resources that are not listed come last.
ORDER = (
    *("sessions", "users", "account_recovery", "products", "stock", "orders", "api_keys", "events"),
    *("webhook_endpoints", "webhook_deliveries", "health"),
)
TITLE = "Flask API Service"
SUMMARY = "Accounts, a product catalogue and orders."
# Markdown, on the first screen of Swagger UI and ReDoc: keep it short.
DESCRIPTION = """\
Start with the [quickstart](/api/docs/guides/quickstart): register, sign in and place an order.

Guides: [authentication](/api/docs/guides/authentication) ·
[retries](/api/docs/guides/retries) with an `Idempotency-Key` ·
[events](/api/docs/guides/events) and webhooks ·
[errors](/api/docs/guides/errors) and [all error types](/api/problems) ·
[conventions](/api/docs/guides/conventions): formats, lists, limits.
"""
# Guides of docs/consumers that the service serves, in the order of /api/docs/guides.
GUIDES = {
    "quickstart": "Register, sign in and place an order.",
    "authentication": "Tokens, second factor, API keys, roles, mails.",
    "retries": "Repeat requests safely.",
    "events": "Webhooks, polling, event types.",
    "errors": "Format of errors, and what to do.",
    "conventions": "Formats, lists, limits, changes.",
}
