"""Flask's globals by their short way: the same objects, with the same errors."""

import inspect

import flask
import pytest

import app.globals
from app.globals import current_app, g, request


def test_they_are_the_objects_that_flask_has(app):
    with app.test_request_context("/api/health?a=1"):
        g.seen = 1

        assert request.args is flask.request.args
        assert flask.g.seen == 1
        assert current_app.extensions is app.extensions


def test_what_is_set_on_the_request_is_set_on_flasks(app):
    with app.test_request_context():
        request.max_content_length = 7

        assert flask.request.max_content_length == 7


def test_outside_of_a_request_they_say_so():
    with pytest.raises(RuntimeError, match="outside of request context"):
        _ = request.path


def test_they_can_be_looked_at_outside_of_a_request():
    assert not inspect.getmembers(app.globals, inspect.isgenerator)
    assert not isinstance(request, flask.Request)


def test_in_a_request_they_are_what_flask_has(app):
    with app.test_request_context():
        assert isinstance(request, flask.Request)


def test_what_is_no_attribute_is_asked_of_the_object_too(app):
    assert not request

    with app.test_request_context():
        g.seen = 1
        assert "seen" in g
        assert list(g) == ["seen"]
        del g.seen
        assert not hasattr(g, "seen")
        assert current_app == app
        assert current_app._get_current_object() is app


def test_an_attribute_that_is_not_there_is_missed(app):
    with app.test_request_context(), pytest.raises(AttributeError, match="Request"):
        _ = request.nothing
