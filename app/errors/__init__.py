"""Error handling: problem documents (RFC 9457)."""
