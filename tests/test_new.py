"""`make new`."""
