"""Flask's globals by their short way: the same objects, with the same errors."""

import flask
import pytest

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


@pytest.mark.parametrize("name", ["path", "__class__"])
def test_outside_of_a_request_they_say_so(name):
    with pytest.raises(RuntimeError, match="outside of request context"):
        getattr(request, name)


def test_an_attribute_that_is_not_there_is_missed(app):
    with app.test_request_context(), pytest.raises(AttributeError, match="Request"):
        _ = request.nothing
