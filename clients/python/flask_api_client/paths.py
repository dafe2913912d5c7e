"""What is filled into a path; `generator.yaml` has the generated code take it from here."""

from urllib import parse


def quote(identifier: str, safe: str = "") -> str:
    """The id as a segment of a path.

    Raises:
        ValueError: no id is like that, and httpx or a proxy would make another path of it.
    """
    if identifier in {"", ".", ".."} or "/" in identifier or "\\" in identifier:
        raise ValueError(f"{identifier!r} is no id")
    return parse.quote(identifier, safe)
