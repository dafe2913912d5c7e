"""The engine, sessions, the replica and the schema revision."""
