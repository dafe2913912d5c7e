"""Commands of `flask`. The application adds the click command `command` of every module here."""
