"""The files of the installed ``netron`` package, rewritten so that Netron asks nobody anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

from ortviz.errors import EnvironmentProblem

SHIM_NAME = "ortviz-shim.js"
"""Name under which :data:`SHIM` is served beside Netron's own files."""

SHIM = Path(__file__).with_name("shim.js")
"""Script that runs in Netron's page before Netron; its first lines document its messages."""

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}
"""Suffixes of Netron's files that a page may ask for; its Python files are not among them."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One change to a file of Netron.

    Attributes:
        file: Name of the file.
        pattern: Regular expression of what is replaced, once.
        text: What is put in its place, literally.
        required: Without it Netron would not work here, so its absence is an error.
    """

    file: str
    pattern: str
    text: str
    required: bool = True


def _replacements(now: datetime, version: str) -> tuple[Replacement, ...]:
    shim = f'<script type="text/javascript" src="{SHIM_NAME}"></script>\n'
    index = '<script type="text/javascript" src="index.js"></script>'
    return (
        # Not 0.0.0 means packaged, and a packaged Netron loads analytics.
        Replacement(
            "index.html",
            r'<meta name="version" content="[^"]*">',
            '<meta name="version" content="0.0.0">\n<meta name="type" content="ortviz">',
        ),
        # Half a year after this date Netron refuses to open anything.
        Replacement(
            "index.html",
            r'<meta name="date" content="[^"]*">',
            f'<meta name="date" content="{now:%Y-%m-%d} 00:00:00">',
        ),
        Replacement("index.html", re.escape(index), shim + index),
        # The rest would never run; without these addresses that can be seen at a glance.
        Replacement("browser.js", r"https://ipinfo\.io/json", "about:invalid", required=False),
        Replacement(
            "base.js", r"https://analytics\.google\.com/g/collect", "about:invalid", required=False
        ),
        # 5 MB of operator documentation need not be fetched anew for every graph.
        Replacement(
            "browser.js", r"cb=\$\{new Date\(\)\.getTime\(\)\}", f"v={version}", required=False
        ),
        # 1.2 MB of scripts that no ONNX model needs.
        Replacement("index.js", r"'protobuf', 'hdf5', ", "'protobuf', ", required=False),
        Replacement(
            "index.js",
            r"'text', 'flatbuffers', 'flexbuffers', 'zip',  'tar', 'python'",
            "'text', 'zip', 'tar'",
            required=False,
        ),
    )


def netron_version() -> str:
    """Return the version of the installed package ``netron``.

    Raises:
        EnvironmentProblem: It is not installed.
    """
    try:
        return metadata.version("netron")
    except metadata.PackageNotFoundError as error:
        raise _missing() from error


@lru_cache(maxsize=1)
def netron_folder() -> Path:
    """Return the folder of the installed package ``netron``, without importing it.

    Raises:
        EnvironmentProblem: It is not installed.
    """
    spec = util.find_spec("netron")
    if spec is None or not spec.submodule_search_locations:
        raise _missing()
    return Path(next(iter(spec.submodule_search_locations)))


def _missing() -> EnvironmentProblem:
    return EnvironmentProblem(
        "The package netron, which draws ONNX graphs, is not installed.",
        "Run: pip install 'netron>=9,<10'",
    )


def read_file(name: str, now: datetime | None = None) -> bytes | None:
    """Return one file as a page is to get it.

    Args:
        name: File name without any folder, such as ``index.html``; Netron has no subfolders.
        now: Date that Netron is told it was released at; the present if None.

    Returns:
        Its bytes, or None if Netron has no such file or it is not for browsers.

    Raises:
        EnvironmentProblem: Netron is not installed, or its files are not what they were.
    """
    if name == SHIM_NAME:
        return SHIM.read_bytes()
    path = netron_folder() / name
    if Path(name).name != name or path.suffix not in MEDIA_TYPES or not path.is_file():
        return None
    content = path.read_bytes()
    mine = [
        change
        for change in _replacements(now or datetime.now(timezone.utc), netron_version())
        if change.file == name
    ]
    return _rewrite(content, mine) if mine else content


def _rewrite(content: bytes, changes: list[Replacement]) -> bytes:
    text = content.decode("utf-8")
    for change in changes:
        literal = change.text.replace("\\", r"\\")
        text, count = re.subn(change.pattern, literal, text, count=1)
        if count == 0 and change.required:
            raise EnvironmentProblem(
                f"netron {netron_version()} has no {change.pattern!r} in its {change.file}, so "
                "that it could not be kept from asking outside.",
                "Run: pip install netron==9.3.3",
            )
    return text.encode("utf-8")
