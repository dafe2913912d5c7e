"""Resources: HTTP only. The application registers the blueprint `blp` of every module here."""

# The order in the OpenAPI document; a module that is not listed comes last.
ORDER = ("sessions", "users", "products", "orders", "health")
