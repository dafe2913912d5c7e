"""Conditional requests: `If-None-Match` and `If-Match`."""

import pytest

from tests.support.notes import ABSENT, NoteFactory


@pytest.fixture
def url(session):
    return f"/api/notes/{NoteFactory(priority=5).id}"


@pytest.fixture
def etag(client, url):
    return client.get(url).headers["ETag"]


class TestIfNoneMatch:
    @pytest.mark.parametrize("header", ['"other"', 'W/"other", "more"', "other", ""])
    def test_other_version_returns_200(self, client, url, etag, header):
        response = client.get(url, headers={"If-None-Match": header})

        assert response.status_code == 200
        assert response.headers["ETag"] == etag

    def test_etag_of_an_earlier_version_returns_200(self, client, as_admin, url, etag):
        as_admin.patch(url, json={"priority": 6})
        response = client.get(url, headers={"If-None-Match": etag})

        assert (response.status_code, response.json["priority"]) == (200, 6)

    def test_absent_resource_returns_404(self, client):
        assert client.get(f"/api/notes/{ABSENT}", headers={"If-None-Match": "*"}).status_code == 404

    @pytest.mark.parametrize("header", ["{}", "W/{}", '"other", {}', 'W/"other",W/{}', "*"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_current_version_returns_304_without_a_body(self, app, url, etag, method, header):
        response = app.test_client().open(
            url, method=method, headers={"If-None-Match": header.format(etag)}
        )

        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert "Content-Type" not in response.headers

    def test_writing_methods_ignore_if_none_match(self, as_admin, url):
        response = as_admin.patch(url, json={"priority": 6}, headers={"If-None-Match": "*"})

        assert (response.status_code, response.json["priority"]) == (200, 6)


class TestIfMatch:
    @pytest.mark.parametrize("header", ['"other"', '"other", "more"', "W/{}", "other", ""])
    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_other_version_returns_412_and_changes_nothing(
        self, as_admin, url, etag, method, header
    ):
        headers = {"If-Match": header.format(etag)}
        body = {"json": {"priority": 6}} if method == "PATCH" else {}
        response = as_admin.open(url, method=method, headers=headers, **body)

        assert response.status_code == 412
        assert as_admin.get(url).json["priority"] == 5

    def test_second_of_two_changes_returns_412(self, as_admin, url, etag):
        first = as_admin.patch(url, json={"priority": 6}, headers={"If-Match": etag})
        second = as_admin.patch(url, json={"priority": 7}, headers={"If-Match": etag})

        assert (first.status_code, second.status_code) == (200, 412)
        assert as_admin.get(url).json["priority"] == 6

    def test_absent_resource_returns_404(self, as_admin):
        response = as_admin.patch(f"/api/notes/{ABSENT}", json={}, headers={"If-Match": "*"})

        assert response.status_code == 404

    @pytest.mark.parametrize("header", ["{}", '"other", {}', '{},"other"', "*"])
    def test_current_version_is_changed_and_gets_a_new_etag(self, as_admin, url, etag, header):
        headers = {"If-Match": header.format(etag)}
        response = as_admin.patch(url, json={"priority": 6}, headers=headers)

        assert (response.status_code, response.json["priority"]) == (200, 6)
        assert response.headers["ETag"] == as_admin.get(url).headers["ETag"] != etag

    def test_change_without_if_match_succeeds(self, as_admin, url):
        assert as_admin.patch(url, json={"priority": 6}).json["priority"] == 6


class TestETag:
    def test_is_strong(self, etag):
        assert etag.startswith('"')
