"""Run numbered steps, each with a log, a stamp and a clock. Standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class SetupError(Exception):
    """A step of the setup did not work; the text says what to do."""


class Steps:
    """Prints ``[3/6] title … 12 s`` per step and skips a step whose inputs have not changed.

    Args:
        total: How many steps there will be.
        log: File that takes the output of every command.
        stamps: Folder with one small file a step, holding the digest of its inputs.
    """

    def __init__(self, total: int, log: Path, stamps: Path) -> None:
        self._total = total
        self._number = 0
        self._log = log
        self._stamps = stamps
        self._started = 0.0
        self._title = ""
        self._live = sys.stdout.isatty()
        log.parent.mkdir(parents=True, exist_ok=True)
        stamps.mkdir(parents=True, exist_ok=True)
        log.write_text("")

    def begin(self, title: str) -> None:
        """Announce the next step."""
        self._number += 1
        self._title = f"[{self._number}/{self._total}] {title}"
        self._started = time.monotonic()
        print(f"{self._title} …", end="" if self._live else "\n", flush=True)

    def end(self, note: str = "done") -> None:
        """Close the step with a word on what it did."""
        secs = time.monotonic() - self._started
        clock = f" ({secs:.0f} s)" if secs >= 1 else ""
        start = f"\r\033[2K{self._title} " if self._live else "      "
        print(f"{start}{note}{clock}", flush=True)

    def run(
        self,
        command: Sequence[str | Path],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        remedy: str = "",
    ) -> None:
        """Run one command; its output goes to the log.

        Args:
            command: Program and arguments.
            cwd: Folder to run in.
            env: Whole environment, that of this process if None.
            remedy: What to do if it fails.

        Raises:
            SetupError: The command failed; the last lines of its output were printed.
        """
        words = [str(word) for word in command]
        with self._log.open("ab") as log:
            log.write(f"\n$ {' '.join(words)}\n".encode())
            log.flush()
            begins = log.tell()
            try:
                process = subprocess.Popen(
                    words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            except OSError as error:
                raise SetupError(f"{words[0]} could not be started: {error}. {remedy}") from error
            code = self._watch(process)
        if code != 0:
            with self._log.open("rb") as log:
                log.seek(begins)
                tail = log.read().decode(errors="replace").splitlines()[-25:]
            print("\n    " + "\n    ".join(tail))
            raise SetupError(f"`{' '.join(words[:6])}` failed (exit code {code}). {remedy}")

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        finished = threading.Event()
        clock = threading.Thread(target=self._tick, args=(finished,), daemon=True)
        if self._live:
            clock.start()
        try:
            return process.wait()
        finally:
            finished.set()
            if process.poll() is None:
                process.terminate()
            if self._live:
                clock.join()

    def _tick(self, finished: threading.Event) -> None:
        while not finished.wait(1.0):
            secs = time.monotonic() - self._started
            print(f"\r\033[2K{self._title} … {secs:.0f} s", end="", flush=True)

    def is_current(self, name: str, digest: str) -> bool:
        """Say whether the step ``name`` was last done with the same inputs."""
        stamp = self._stamps / name
        return stamp.exists() and stamp.read_text() == digest

    def stamp(self, name: str, digest: str) -> None:
        """Remember that the step ``name`` is done for these inputs."""
        (self._stamps / name).write_text(digest)

    def forget(self, name: str) -> None:
        """Make the step ``name`` run next time, whatever its inputs."""
        (self._stamps / name).unlink(missing_ok=True)


def digest_of(paths: Iterable[Path], *words: str) -> str:
    """Return a digest of the contents of files and folders, and of further words.

    Args:
        paths: Files, or folders of which every file counts; a missing one counts as absent.
        words: Anything else the step depends on, such as a version.
    """
    digest = hashlib.sha256("\0".join(words).encode())
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(Path(base) / name for base, _, names in os.walk(path) for name in names)
        for file in files:
            digest.update(f"\0{file.name}\0".encode())
            digest.update(file.read_bytes() if file.exists() else b"absent")
    return digest.hexdigest()
