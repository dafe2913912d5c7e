"""`helm test`: read-only requests to the service.

The argument is the base URL of the service.
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 30


def main(url: str) -> None:
    headers = {"Host": host(os.environ.get("ALLOWED_HOSTS", ""))}
    expect(200, f"{url}/health/ready", headers)
    document = expect(200, f"{url}/openapi.json", headers)
    assert document["paths"], "the OpenAPI document has no paths"
    problem = expect(401, f"{url}/users/me", headers)
    assert problem["type"].endswith("/unauthenticated"), problem
    print("The service is ready and responds.")


def host(allowed: str) -> str:
    """Return a host name of ALLOWED_HOSTS, which may not include the name of the Service."""
    name = allowed.split(",")[0].strip() or "localhost"
    return f"helm-test{name}" if name.startswith(".") else name


def expect(status: int, url: str, headers: dict[str, str]) -> Any:
    """Return the body of a response that has this status.

    Raises:
        AssertionError: the response has another status.
        URLError: the service cannot be reached.
    """
    try:
        request = Request(url, headers=headers)  # noqa: S310
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            found, body = response.status, response.read()
    except HTTPError as error:
        found, body = error.code, error.read()
    assert found == status, f"{url}: {found} instead of {status}: {body.decode()}"
    return json.loads(body)


if __name__ == "__main__":
    main(sys.argv[1])
