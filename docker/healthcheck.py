"""Exit with 0 if the service in this container is live; the image has no curl."""

import os
import sys
from http.client import HTTPConnection

# http.client instead of urllib, which would use a proxy from the environment.
connection = HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
connection.request("GET", "/api/health/live")
sys.exit(connection.getresponse().status != 200)
