"""The check for words that the style guide rejects."""

import pytest

from tools import plain_english


@pytest.mark.parametrize(
    "line",
    [
        "The answer has a header.",
        "PostgreSQL answers with an error.",
        "Redis is away.",
        "Whoever runs the service",
        "nobody knows",
        "the client is told what to do",
        "It stays as it is.",
    ],
)
def test_rejected_words_are_found(line):
    assert list(plain_english.hits(f"First line.\n{line}"))


@pytest.mark.parametrize(
    "line", ["The response has a header.", "Redis is unavailable.", "The client holds a token."]
)
def test_other_words_are_accepted(line):
    assert not list(plain_english.hits(line))


def test_texts_of_the_project_have_none(capsys):
    assert plain_english.main() == 0, capsys.readouterr().out
