"""Tokens (JWT) and rate limits."""
