"""Whom the service believes: `Host`, and the proxies before it."""

import pytest
from flask import request

ALLOWED = ("api.example.com", ".example.org")


@pytest.fixture
def heard(make_app):
    """What the application makes of a request's headers, behind so many trusted proxies."""

    def whoami():
        return {"address": request.remote_addr, "host": request.host, "scheme": request.scheme}

    def ask(hops, **headers):
        app = make_app(trusted_proxies=hops)
        app.add_url_rule("/api/whoami", view_func=whoami)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().get("/api/whoami", headers=names).json

    return ask


class TestAllowedHosts:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "example.com",
            "api.example.com.evil.example",
            "evil-example.org",
            "api.example.com@evil.example",
            "api.example.com:port",
            "10.1.2.3:8000",
            "a b",
            f"{'a' * 256}.example.org",
        ],
    )
    def test_other_host_is_a_400(self, make_app, host):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        answer = client.get("/api/health", headers={"Host": host})

        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert answer.json["type"] == "/api/problems/host-not-allowed"
        assert answer.json["request_id"] == answer.headers["X-Request-ID"]

    def test_other_host_of_an_unknown_url_is_a_400_as_well(self, make_app):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get("/api/nothing", headers={"Host": "evil.example"}).status_code == 400

    @pytest.mark.parametrize("spoofed", ["X-Forwarded-Host", "Forwarded"])
    def test_nobody_before_us_may_name_another(self, make_app, spoofed):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        headers = {"Host": "evil.example", spoofed: "api.example.com"}

        assert client.get("/api/health", headers=headers).status_code == 400

    @pytest.mark.parametrize(
        "host",
        [
            "api.example.com",
            "api.example.com:8443",
            "API.Example.COM",
            "example.org",
            "a.b.example.org",
        ],
    )
    def test_listed_host_is_served(self, make_app, host):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get("/api/health", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("probe", ["/api/health/live", "/api/health/ready"])
    def test_probes_are_exempt(self, make_app, probe):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get(probe, headers={"Host": "10.1.2.3:8000"}).status_code == 200

    def test_empty_list_means_any(self, client):
        assert client.get("/api/health", headers={"Host": "any.example"}).status_code == 200


class TestTrustedProxies:
    def test_by_default_none_is_believed(self, heard):
        assert heard(
            0,
            Host="here.example",
            X_Forwarded_For="203.0.113.9",
            X_Forwarded_Host="evil.example",
            X_Forwarded_Proto="https",
        ) == {"address": "127.0.0.1", "host": "here.example", "scheme": "http"}

    @pytest.mark.parametrize(
        ("hops", "address"), [(1, "203.0.113.3"), (2, "203.0.113.2"), (3, "203.0.113.1")]
    )
    def test_so_many_hops_are_believed_and_no_more(self, heard, hops, address):
        chain = "203.0.113.1, 203.0.113.2, 203.0.113.3"

        assert heard(hops, X_Forwarded_For=chain)["address"] == address

    def test_proxy_that_says_nothing_changes_nothing(self, heard):
        assert heard(1)["address"] == "127.0.0.1"

    def test_no_proxy_tells_another_host(self, heard):
        assert heard(1, X_Forwarded_Host="api.example.com")["host"] == "localhost"

    def test_trusted_proxy_tells_the_scheme(self, heard):
        assert heard(1, X_Forwarded_Proto="https")["scheme"] == "https"

    def test_address_that_is_none_keeps_nobody_from_signing_in(self, make_app, user, as_user):
        client = type(as_user)(make_app(trusted_proxies=1))
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "x" * 4000

        assert client.signed_in(user).get("/api/users/me").status_code == 200
