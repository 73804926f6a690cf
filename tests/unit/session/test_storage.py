from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortviz.errors import StoreError
from ortviz.session.storage import (
    check_writable,
    create_storage,
    default_path,
    file_stem,
    free_path,
    new_stamp,
    of_rank,
)


def test_default_path_is_below_the_working_directory_or_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORTVIZ_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    path = default_path("my model/2")
    assert path.parent == tmp_path / "ortviz_runs"
    assert path.name.startswith("my-model-2-")
    assert path.suffix == ".ortviz"
    assert default_path("a") != default_path("a")
    monkeypatch.setenv("ORTVIZ_RUNS", str(tmp_path / "elsewhere"))
    assert default_path("a").parent == tmp_path / "elsewhere"


def test_each_process_of_a_training_has_its_own_file(tmp_path: Path) -> None:
    stamp = new_stamp()
    path = default_path("net", stamp)
    assert default_path("net", stamp) == path
    assert of_rank(path, 0, 1) == path
    assert of_rank(path, 1, 2).name == f"net-{stamp}.rank1.ortviz"
    assert of_rank(tmp_path / "a.b.ortviz", 3, 4) == tmp_path / "a.b.rank3.ortviz"


@pytest.mark.parametrize(("name", "stem"), [("", "run"), ("../x", "x"), ("größe", "größe")])
def test_file_stem(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_an_existing_file_is_never_overwritten(tmp_path: Path, make: Any) -> None:
    wanted = tmp_path / "run.ortviz"
    paths = []
    for _ in range(3):
        writer = create_storage(wanted, make.info()).writer
        assert writer is not None
        paths.append(writer.path.name)
        writer.close()
    assert paths == ["run.ortviz", "run-2.ortviz", "run-3.ortviz"]
    assert free_path(tmp_path / "other.ortviz") == tmp_path / "other.ortviz"


def test_the_folder_of_runs_keeps_itself_out_of_git(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORTVIZ_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    writer = create_storage(default_path("model"), make.info()).writer
    assert writer is not None
    writer.close()
    assert (tmp_path / "ortviz_runs" / ".gitignore").read_text() == "*\n"
    elsewhere = create_storage(tmp_path / "mine" / "run.ortviz", make.info()).writer
    assert elsewhere is not None
    elsewhere.close()
    assert not (tmp_path / "mine" / ".gitignore").exists()


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"run.ortviz: .*Pass path="):
        check_writable(tmp_path / "file" / "run.ortviz")
    check_writable(tmp_path / "new" / "run.ortviz")
    assert list((tmp_path / "new").iterdir()) == []
