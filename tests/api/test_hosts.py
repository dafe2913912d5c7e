"""Host validation and trusted proxies."""

import pytest
from flask import Request, request
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

ALLOWED = ("api.example.com", ".example.org")


@pytest.fixture
def heard(make_app):
    """Return the client address, host and scheme of a request behind trusted proxies."""

    def whoami():
        return {"address": request.remote_addr, "host": request.host, "scheme": request.scheme}

    def ask(hops, **headers):
        app = make_app(trusted_proxies=hops)
        app.add_url_rule("/api/whoami", view_func=whoami)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().get("/api/whoami", headers=names).json

    return ask


def without_host(app, path, protocol):
    """Return the response to a request without `Host`, at 127.0.0.1:8000."""
    environ = create_environ(path)
    del environ["HTTP_HOST"]
    environ |= {"SERVER_PROTOCOL": protocol, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000"}
    return TestResponse(*run_wsgi_app(app, environ), request=Request(environ))


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
            "api.example.com..",
            "api.example.com.:port",
            "api.example.com::",
            ".",
            ":",
            "",
            "10.1.2.3:8000",
            "a b",
            f"{'a' * 256}.example.org",
        ],
    )
    def test_other_host_returns_400(self, make_app, host):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        response = client.get("/api/health", headers={"Host": host})

        assert (response.status_code, response.mimetype) == (400, "application/problem+json")
        assert response.json["type"] == "/api/problems/host-not-allowed"
        assert response.json["request_id"] == response.headers["X-Request-ID"]

    def test_other_host_of_an_unknown_url_returns_400(self, make_app):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get("/api/nothing", headers={"Host": "evil.example"}).status_code == 400

    @pytest.mark.parametrize("spoofed", ["X-Forwarded-Host", "Forwarded"])
    def test_forwarded_headers_of_untrusted_proxies_are_ignored(self, make_app, spoofed):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        headers = {"Host": "evil.example", spoofed: "api.example.com"}

        assert client.get("/api/health", headers=headers).status_code == 400

    @pytest.mark.parametrize(
        "host",
        [
            "api.example.com",
            "api.example.com:8443",
            "API.Example.COM",
            "api.example.com.",
            "api.example.com:",
            "api.example.com.:8443",
            "api.example.com.:",
            "example.org",
            "a.b.example.org",
            "A.b.Example.org.:",
        ],
    )
    def test_listed_host_is_served(self, make_app, host):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get("/api/health", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "target", ["http://evil.example/api/health", "HTTP://a@api.example.com"]
    )
    def test_host_of_an_absolute_target_overrides_the_header(self, make_app, target):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        options = {"headers": {"Host": "api.example.com"}, "environ_overrides": {"RAW_URI": target}}

        assert client.get("/api/health", **options).status_code == 400

    def test_allowed_host_of_an_absolute_target_is_served(self, make_app):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        target = {"RAW_URI": "http://API.example.com.:80/api/health"}
        response = client.get(
            "/api/health", headers={"Host": "evil.example"}, environ_overrides=target
        )

        assert response.status_code == 200

    def test_host_of_an_absolute_target_replaces_the_header(self, make_app):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        target = {"RAW_URI": "http://api.example.com/api/openapi.json"}
        document = client.get(
            "/api/openapi.json", headers={"Host": "evil.example"}, environ_overrides=target
        ).json

        assert [server["url"] for server in document["servers"]] == ["http://api.example.com"]

    def test_path_with_colons_is_not_an_absolute_target(self, make_app):
        client = make_app(allowed_hosts=ALLOWED).test_client()
        target = {"RAW_URI": "/api/health?next=http://api.example.com/"}
        response = client.get(
            "/api/health", headers={"Host": "evil.example"}, environ_overrides=target
        )

        assert response.status_code == 400

    @pytest.mark.parametrize("probe", ["/api/health/live", "/api/health/ready"])
    def test_probes_are_exempt(self, make_app, probe):
        client = make_app(allowed_hosts=ALLOWED).test_client()

        assert client.get(probe, headers={"Host": "10.1.2.3:8000"}).status_code == 200

    @pytest.mark.parametrize("path", ["/api/health", "/api/health/live", "/api/nothing"])
    @pytest.mark.parametrize("allowed", [(), ("127.0.0.1",)])
    def test_http_1_1_without_a_host_returns_400(self, make_app, allowed, path):
        response = without_host(make_app(allowed_hosts=allowed), path, "HTTP/1.1")

        assert (response.status_code, response.mimetype) == (400, "application/problem+json")
        assert response.json["type"] == "/api/problems/bad-request"
        assert "Host" in response.json["detail"]

    @pytest.mark.parametrize(
        ("allowed", "path", "status"),
        [
            (("127.0.0.1",), "/api/health", 200),
            (ALLOWED, "/api/health", 400),
            (ALLOWED, "/api/health/live", 200),
        ],
    )
    def test_http_1_0_without_host_uses_the_bound_address(self, make_app, allowed, path, status):
        response = without_host(make_app(allowed_hosts=allowed), path, "HTTP/1.0")

        assert response.status_code == status

    def test_empty_list_allows_every_host(self, client):
        assert client.get("/api/health", headers={"Host": "any.example"}).status_code == 200


class TestTrustedProxies:
    def test_no_proxy_is_trusted_by_default(self, heard):
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
    def test_only_the_configured_number_of_proxies_is_trusted(self, heard, hops, address):
        chain = "203.0.113.1, 203.0.113.2, 203.0.113.3"

        assert heard(hops, X_Forwarded_For=chain)["address"] == address

    def test_address_without_the_header_is_that_of_the_connection(self, heard):
        assert heard(1)["address"] == "127.0.0.1"

    def test_forwarded_host_is_ignored(self, heard):
        assert heard(1, X_Forwarded_Host="api.example.com")["host"] == "localhost"

    def test_scheme_of_a_trusted_proxy_is_used(self, heard):
        assert heard(1, X_Forwarded_Proto="https")["scheme"] == "https"

    def test_address_with_another_port_is_the_same_client(self, make_app, user):
        client = make_app(trusted_proxies=1, rate_limit_login_address="2 per hour").test_client()
        wrong = {"email": user.email, "password": "not the password"}
        statuses = [
            client.post(
                "/api/auth/login",
                json=wrong,
                headers={"X-Forwarded-For": f"203.0.113.9:{port}"},
            ).status_code
            for port in (50000, 50001, 50002)
        ]

        assert statuses == [401, 401, 429]

    def test_invalid_address_does_not_prevent_a_login(self, make_app, user, as_user):
        client = type(as_user)(make_app(trusted_proxies=1))
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "x" * 4000

        assert client.signed_in(user).get("/api/users/me").status_code == 200
