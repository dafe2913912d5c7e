"""PostgreSQL: engine, sessions, read replica and schema revision."""
