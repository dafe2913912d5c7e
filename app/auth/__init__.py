"""Tokens and rate limits."""
