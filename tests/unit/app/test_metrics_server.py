"""Where the metrics are served, and whose files a worker counts in."""

from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from app.observability.metrics_server import MetricsServer
from app.settings import SettingsError
from tools.embedded import free_port


@pytest.fixture
def serve(tmp_path):
    """Makes a server beside an API that listens on these addresses."""
    made = []

    def make(*addresses, port=0):
        cfg = SimpleNamespace(address=list(addresses), worker_tmp_dir=str(tmp_path))
        made.append(MetricsServer(port, cfg))
        return made[-1]

    yield make
    for server in made:
        server.server_close()


class TestAddress:
    @pytest.mark.parametrize(
        ("addresses", "host"),
        [
            ([("127.0.0.1", 8000)], "127.0.0.1"),
            ([("0.0.0.0", 8000)], "0.0.0.0"),  # noqa: S104
            (["/run/api.sock", ("127.0.0.2", 8000)], "127.0.0.2"),
            (["/run/api.sock"], "127.0.0.1"),
            ([3], "127.0.0.1"),  # fd://3
        ],
    )
    def test_is_that_of_the_api(self, serve, addresses, host):
        assert serve(*addresses).server_address[0] == host

    def test_of_ipv6_is_one_too(self, serve):
        assert serve(("::1", 8000)).server_address[0] == "::1"

    def test_port_of_the_api_is_refused(self, serve):
        with pytest.raises(SettingsError, match="METRICS_PORT: 8000 is the port of the API"):
            serve(("127.0.0.1", 80), ("127.0.0.1", 8000), port=8000)

    def test_port_that_is_taken_is_refused(self, serve):
        port = free_port()
        serve(("127.0.0.1", 8000), port=port)

        with pytest.raises(SettingsError, match=f"METRICS_PORT: 127.0.0.1:{port} is not to be had"):
            serve(("127.0.0.1", 8000), port=port)


class TestPlaces:
    def test_worker_takes_the_lowest_that_is_free(self, serve):
        server = serve(("127.0.0.1", 8000))
        workers = [SimpleNamespace(place=place) for place in (0, 1, 3)]

        assert server.free_place([]) == 0
        assert server.free_place(workers) == 2

    def test_death_takes_what_was_of_the_moment_and_no_more(self, serve, tmp_path):
        server = serve(("127.0.0.1", 8000))
        (folder,) = tmp_path.iterdir()
        for name in ("counter_0.db", "gauge_livesum_0.db", "gauge_livesum_1.db"):
            (folder / name).touch()

        server.forget(0)

        assert {path.name for path in folder.iterdir()} == {"counter_0.db", "gauge_livesum_1.db"}


class TestServing:
    def test_a_broken_file_spoils_no_more_than_a_scrape(self, serve, tmp_path, logged):
        server = serve(("127.0.0.1", 8000))
        (folder,) = tmp_path.iterdir()
        server.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
        (folder / "counter_0.db").write_bytes(b"?")
        with pytest.raises(OSError, match=r"closed|reset"):
            urlopen(url)
        (folder / "counter_0.db").unlink()

        assert urlopen(url).status == 200
        assert [record["message"] for record in logged] == ["a request for the metrics failed"]
        server.shutdown()
        server.end()
        assert not folder.exists()
