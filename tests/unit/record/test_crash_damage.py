"""Damaged files: an answer or a clear sentence, never another error and never a hang."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ortviz.errors import OrtvizError, StoreError, UnknownNameError
from ortviz.record import EventKind, Finding, Problem, RunEvent, RunStatus, Severity, Side
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.commands import handle
from tests.unit.record import crash_runs

STEPS = 200
PAGE = 4096


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a run with something in every table."""
    path = tmp_path_factory.mktemp("whole") / "run.ortviz"
    with RunWriter.create(path, crash_runs.info()) as writer:
        with writer.batch():
            for step in range(STEPS):
                writer.put_losses(crash_runs.losses_of(step))
                if step % crash_runs.SAMPLED_EVERY == 0:
                    writer.put_step(crash_runs.record_of(step))
        graph = crash_runs.graph_of(0)
        writer.put_graph(type(graph)(graph.mode, graph.stage, (), (), b"x" * 9000, 0))
        writer.put_findings([Finding("k", "d", Severity.INFO, "t", "e", "x", "r", first_step=1)])
        writer.put_event(RunEvent(EventKind.EXPORT, 0, "Exported."))
        writer.put_problem(Problem("Something.", "Do this."))
        writer.set_state(RunStatus.ENDED, STEPS - 1, STEPS, STEPS, 1.0)
    return path.read_bytes()


Damage = Callable[[random.Random, bytearray], bytearray]


def flipped(draw: random.Random, content: bytearray) -> bytearray:
    """A few bytes, or many, anywhere."""
    for _ in range(draw.choice([1, 5, 60])):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return content


def flipped_at_the_front(draw: random.Random, content: bytearray) -> bytearray:
    """In the header or the list of tables."""
    for _ in range(draw.choice([1, 4])):
        content[draw.randrange(PAGE)] = draw.randrange(256)
    return content


def cut_off(draw: random.Random, content: bytearray) -> bytearray:
    """As a copy that was interrupted."""
    return content[: draw.choice([draw.randrange(200), draw.randrange(len(content))])]


def overwritten(draw: random.Random, content: bytearray) -> bytearray:
    """A stretch of zeros or of noise, as a failing disk leaves it."""
    start, size = draw.randrange(len(content)), draw.choice([16, 512, PAGE, 10 * PAGE])
    end = min(start + size, len(content))
    content[start:end] = bytes(end - start) if draw.random() < 0.5 else draw.randbytes(end - start)
    return content


def misplaced(draw: random.Random, content: bytearray) -> bytearray:
    """One page where another should be."""
    pages = len(content) // PAGE
    target, source = (draw.randrange(pages) * PAGE for _ in range(2))
    content[target : target + PAGE] = content[source : source + PAGE]
    return content


def questions(reader: RunReader) -> Iterator[Callable[[], object]]:
    """Everything that can be asked of a run, directly and by a browser."""
    yield from (
        reader.info,
        reader.state,
        reader.sampled_steps,
        lambda: reader.sampled_steps(10),
        reader.latest_losses,
        reader.loss_notes,
        reader.loss_bins,
        lambda: reader.loss_bins(3, 190, 20),
        reader.loss_marks,
        lambda: reader.loss_marks(0, 150, 6),
        lambda: reader.masked_elements("mape"),
        reader.findings,
        reader.problems,
        reader.events,
        lambda: reader.graph("training", "optimized"),
        lambda: reader.site_history(crash_runs.SITE.id, Side.REFERENCE, 20),
    )
    for command in ("run", "summary", "losses", "findings", "graphs"):
        yield lambda command=command: handle(reader, command, {})
    yield lambda: handle(reader, "mask_map", {"loss": "mape"})
    for step in range(0, STEPS, 9):
        yield lambda step=step: reader.losses(step)
        yield lambda step=step: handle(reader, "traces", {"step": step})


@pytest.mark.parametrize(
    "damage", [flipped, flipped_at_the_front, cut_off, overwritten, misplaced],
    ids=lambda damage: damage.__name__,
)  # fmt: skip
def test_every_question_is_answered_or_refused_in_a_sentence(
    tmp_path: Path, content: bytes, damage: Damage
) -> None:
    draw = random.Random(damage.__name__)
    refused = 0
    for number in range(40):
        path = tmp_path / f"{number}.ortviz"
        path.write_bytes(damage(draw, bytearray(content)))
        try:
            reader = RunReader.open(path)
        except StoreError as error:
            assert_clear(error, path)
            refused += 1
            continue
        with reader:
            refused += max(_is_refused(question, path) for question in questions(reader))
    # Else the damage would not be worth the name.
    assert refused > 10


def _is_refused(question: Callable[[], object], path: Path) -> bool:
    try:
        question()
    except UnknownNameError:
        return False
    except OrtvizError as error:
        assert_clear(error, path)
        return True
    return False


def assert_clear(error: OrtvizError, path: Path) -> None:
    """It names the file, says what is the matter, and what to do."""
    assert isinstance(error, StoreError)
    assert str(path) in error.what
    assert "record the run again" in error.remedy.lower()
    assert not any(word in str(error) for word in ("codec", "buffer size", "NoneType", "Traceback"))


def test_what_is_not_damaged_can_still_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.ortviz"
    path.write_bytes(content)
    with RunReader.open(path) as reader:
        row = reader._database.row("SELECT record FROM step_body WHERE step = 30")
    assert row is not None
    middle = content.index(row[0]) + len(row[0]) // 2
    path.write_bytes(content[: middle - 20] + bytes(40) + content[middle + 20 :])
    with RunReader.open(path) as reader:
        with pytest.raises(StoreError, match=r"is damaged: its StepRecord cannot be read") as told:
            reader.step(30)
        assert_clear(told.value, path)
        assert reader.step(27) == crash_runs.record_of(27)
        assert reader.step(33) == crash_runs.record_of(33)
        assert crash_runs.check_whole(reader, skip=30) == STEPS


def put_many(writer: RunWriter) -> None:
    for step in range(20, 400):
        crash_runs.put(writer, step)


def test_a_file_damaged_while_it_is_written_is_a_store_error_in_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    writer = RunWriter.create(path, crash_runs.info())
    writer._database.row("PRAGMA wal_autocheckpoint = 1")
    for step in range(20):
        crash_runs.put(writer, step)
    path.write_bytes(b"\xff" * path.stat().st_size)
    writer._database.row("PRAGMA cache_size = 0")
    with pytest.raises(StoreError) as told:
        put_many(writer)
    assert str(path) in told.value.what
    writer.close()
