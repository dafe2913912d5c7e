"""The caller, by the claims of a verified token."""
