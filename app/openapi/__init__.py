"""OpenAPI document."""
