"""Check the texts of the project for forbidden words (`make lint`)."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Forbidden words as regular expressions, and what to write instead.
REFUSED = {
    r"answer(?:s|ed|ing)?": "response, return",
    r"refusals?": "error",
    r"whoever|somebody|nobody|lest": "the user, the caller, no client",
    r"who asks": "the caller, the current user",
    r"(?:is|are|be) told|tells (?:it|its|that|what|the)": "say, return, show",
    r"as (?:it is|they are)|so many|comes to be|goes? on|that which": "name the subject",
    r"(?:is|are|was) away": "is unavailable",
    r"(?:is|are) held": "is locked",
    r"what is not \w+": "name the subject",
}
PATTERN = re.compile("|".join(rf"\b(?P<r{i}>{each})\b" for i, each in enumerate(REFUSED)), re.I)
SUFFIXES = {".py", ".md", ".html", ".yaml", ".yml", ".toml", ".tpl", ".js", ".ts", ".sh", ".json"}
# Third-party files, and files that a command generates from checked texts.
SKIPPED = re.compile(
    r"requirements|package(?:-lock)?\.json|static/(?:swagger-ui|redoc)/|docs/api/|checkov\.txt"
    r"|CODE_OF_CONDUCT|LICENSE|tools/plain_english\.py|test_plain_english\.py"
)


def files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        path = ROOT / name
        checked = path.suffix in SUFFIXES or path.name in {"Makefile", "NOTES.txt", "Dockerfile"}
        if checked and path.is_file() and not SKIPPED.search(name):
            yield path


def hits(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, the forbidden words and what to write instead."""
    texts = list(REFUSED.values())
    for number, line in enumerate(text.splitlines(), 1):
        for match in PATTERN.finditer(line):
            yield number, match[0], texts[int((match.lastgroup or "r0")[1:])]


def main() -> int:
    if not (ROOT / ".git").exists():
        print("This is no git checkout: the texts are not checked.")
        return 0
    found = 0
    for path in files():
        for number, words, instead in hits(path.read_text("utf-8")):
            found += 1
            print(f"{path.relative_to(ROOT)}:{number}: {words!r}; write: {instead}")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
