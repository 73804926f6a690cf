"""The documents say what is there: rooms, tables, commands, verbs, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from ortviz.protocol.messages import CommandName
from ortviz.record.store.schema import SCHEMA

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
BUILT = {"static", "labextension"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", read(name), re.S | re.M)
    return str(found)


def first_cells(text: str) -> list[str]:
    """Names in backticks in the first column of the tables of a section."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_room_is_in_the_architecture_and_no_other() -> None:
    folder = ROOT / "ortviz"
    rooms = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert set(first_cells(section("ARCHITECTURE.md", "Rooms"))) == rooms - BUILT


def test_every_table_of_the_run_file_is_in_the_architecture() -> None:
    tables = re.findall(r"CREATE TABLE (\w+)", SCHEMA)
    assert sorted(first_cells(section("ARCHITECTURE.md", "The run file"))) == sorted(tables)


def test_every_command_is_in_the_architecture() -> None:
    asked = re.search(
        r"always gets a reply or an\s+error: (.*?)\. All", read("ARCHITECTURE.md"), re.S
    )
    assert asked is not None
    assert re.findall(r"`(\w+)`", asked[1]) == list(get_args(CommandName))


def test_every_folder_of_the_browser_side_is_in_the_architecture() -> None:
    folders = {path.name for path in (ROOT / "extension/src").iterdir() if path.is_dir()}
    assert set(first_cells(section("ARCHITECTURE.md", "The browser side"))) == folders


def test_private_api_is_where_the_architecture_says() -> None:
    for name in first_cells(section("ARCHITECTURE.md", "Private API")):
        assert (ROOT / f"ortviz/_compat/{name}.py").is_file(), name


def test_verbs_are_those_of_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.M)) - {"help", "setup"}
    told = set(re.findall(r"make ([a-z]+)", section("CONTRIBUTING.md", "Verbs")))
    assert told == verbs


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name)):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_no_machine(name: str) -> None:
    assert not re.search(r"/(home|root|tmp|work|Users)/|localhost", read(name))
