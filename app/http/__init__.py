"""HTTP layer on top of flask-smorest: base view, parsing, pagination and headers."""
