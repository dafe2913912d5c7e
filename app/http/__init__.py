"""What flask-smorest is extended by: the base view, errors, pagination and headers."""
