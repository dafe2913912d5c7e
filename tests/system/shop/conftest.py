"""The service with the demo rows of the shop."""

import pytest

from tests.support.servers import Server


@pytest.fixture(scope="session")
def server(server) -> Server:
    """Run the service with demo rows."""
    server.flask("demo", "load", "--stock", "1000000")
    return server
