"""`make run` before the installation: error messages name the cause and the next step."""
