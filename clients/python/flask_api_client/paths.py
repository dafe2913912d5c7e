"""Path parameters; `generator.yaml` makes the generated code import `quote` from here."""

from urllib import parse


def quote(identifier: str, safe: str = "") -> str:
    """Return the id as a path segment.

    Raises:
        ValueError: The id is invalid, because httpx or a proxy would normalize the path.
    """
    if identifier in {"", ".", ".."} or "/" in identifier or "\\" in identifier:
        raise ValueError(f"{identifier!r} is not an id")
    return parse.quote(identifier, safe)
