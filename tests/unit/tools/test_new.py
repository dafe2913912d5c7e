"""`make new`: tools/new.toml is complete, and errors say what is wrong."""

import re
import subprocess

import pytest

from tools import new

NAME = new.current_name()
# Commands write these from the code and the documentation of the copy.
GENERATED = re.compile(
    r"alembic/versions/|app/templates/guides/|docs/(api/|openapi\.json|consumers/api-changelog\.md)"
    r"|(helm/)?README\.md"
)


@pytest.mark.parametrize("without", [[], ["shop"]], ids=["whole", "without the shop"])
def test_copy_does_not_mention_what_was_removed(tmp_path, without):
    parts = ["template", *without]
    new.write(tmp_path, "acme", parts)

    found = [line for line in new.mentions(tmp_path, parts) if not GENERATED.match(line)]

    assert found == [], "add them to tools/new.toml"


class TestMentions:
    @pytest.fixture
    def project(self, tmp_path):
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
        return tmp_path

    @pytest.mark.parametrize(
        "text",
        [*new.spellings(NAME), "from models.orders import Order", "order_items", "createOrder"],
    )
    def test_new_file_that_mentions_a_removed_noun_is_found(self, project, text):
        (project / "page.md").write_text(f"One.\n{text}\n")

        assert list(new.mentions(project, ["shop"])) == [f"page.md:2: {text}"]

    def test_name_of_a_file_is_found(self, project):
        (project / f"{NAME}.json").write_text("{}")

        assert len(list(new.mentions(project, []))) == 1

    @pytest.mark.parametrize("text", ["order_by", "in order to", "production", "SortOrder first"])
    def test_other_words_are_not_found(self, project, text):
        (project / "page.md").write_text(text)

        assert list(new.mentions(project, ["template", "shop"])) == []


class TestList:
    def test_pattern_without_a_match_is_an_error(self, tmp_path):
        path = tmp_path / "page.md"
        path.write_text("One.")

        with pytest.raises(SystemExit, match=r"'Two' matches nothing in page\.md"):
            new.edit(path, "Two", "")

    def test_glob_without_a_match_is_an_error(self, tmp_path):
        with pytest.raises(SystemExit, match=r"models/orders\.py matches no file"):
            new.delete(tmp_path, "models/orders.py")

    def test_marked_text_of_a_removed_part_is_deleted(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text(
            "A\n<!-- shop -->\nB\n<!-- /shop -->\n<!-- template -->\nC\n<!-- /template -->\n"
        )

        new.strip_marks(tmp_path, ["template"])

        assert page.read_text() == "A\nB\n"


class TestArguments:
    @pytest.mark.parametrize("name", ["", "Acme", "acme_api", "-acme", "a" * 21, "json", NAME])
    def test_invalid_name_is_an_error(self, tmp_path, name):
        with pytest.raises(SystemExit, match="NAME"):
            new.check_arguments(name, tmp_path / "acme", "")

    def test_folder_with_files_is_an_error(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(SystemExit, match="DIR"):
            new.check_arguments("acme", tmp_path, "")

    def test_folder_of_this_project_is_an_error(self):
        with pytest.raises(SystemExit, match="DIR"):
            new.check_arguments("acme", new.ROOT / "copy", "")

    def test_unknown_part_is_an_error(self, tmp_path):
        with pytest.raises(SystemExit, match="WITHOUT"):
            new.check_arguments("acme", tmp_path / "acme", "users")
