"""CLI commands. The application registers the click command `command` of every module here."""
