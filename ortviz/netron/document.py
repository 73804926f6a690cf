"""Netron as one HTML string that opens ONNX models posted to it, with no server and no network.

For the report, which is opened from disk, and for notebooks without ortviz's server extension.
Only what an ONNX model needs is inside: about 0.3 MB, where Netron as it comes has 20 MB.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from functools import lru_cache
from pathlib import Path

from ortviz.errors import EnvironmentProblem
from ortviz.netron.files import SHIM, netron_version, read_file

_MODULES = (
    "base.js",
    "browser.js",
    "dagre.js",
    "flatbuffers.js",
    "grapher.js",
    "json.js",
    "onnx-proto.js",
    "onnx.js",
    "protobuf.js",
    "tar.js",
    "text.js",
    "view.js",
    "xml.js",
    "zip.js",
)
_BOOT = Path(__file__).with_name("boot.js")
_METADATA = "onnx-metadata.json"
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
)
_DROPPED_METADATA = frozenset({"description", "examples", "summary", "type_constraints"})
# Import maps do not reach workers, so the one worker is a plain script with dagre inside.
_WORKER = """
self.addEventListener("message", ({ data }) => {
  try {
    dagre.layout(data.nodes, data.edges, data.layout, data.state);
    self.postMessage(data);
  } catch (error) {
    self.postMessage({ type: "error", message: error.message });
  }
});
"""


@lru_cache(maxsize=1)
def netron_document() -> str:
    """Return an HTML document that is Netron for ONNX models.

    Put it into an iframe's ``srcdoc``, wait for its message ``ready`` and post a model to it; the
    messages are listed at the head of ``ortviz/netron/shim.js`` and typed in
    ``extension/src/netron/frame.ts``. Descriptions of operators are left out.

    Raises:
        EnvironmentProblem: Netron is not installed, or its files are not what they were.
    """
    page = _file("index.html")
    page = _replace(page, r'<meta http-equiv="Content-Security-Policy"[^>]*>', _policy())
    page = re.sub(r'<link rel="[^"]*icon[^"]*"[^>]*>\n?', "", page)
    page = _replace(page, r'<link rel="stylesheet"[^>]*href="grapher\.css">', _style())
    page = _replace(page, r'<script[^>]*src="ortviz-shim\.js"></script>', _script(SHIM))
    return _replace(
        page, r'<script[^>]*src="index\.js"></script>', _data() + _script(_BOOT, deferred=True)
    )


def _file(name: str) -> str:
    content = read_file(name)
    if content is None:
        raise EnvironmentProblem(
            f"netron {netron_version()} has no file {name}, which the viewer needs.",
            "Run: pip install netron==9.3.3",
        )
    return content.decode("utf-8")


def _replace(text: str, pattern: str, replacement: str) -> str:
    result, count = re.subn(pattern, lambda _: replacement, text, count=1)
    if count == 0:
        raise EnvironmentProblem(
            f"netron {netron_version()} has no {pattern!r} in its page, so that it could not be "
            "made into one document.",
            "Run: pip install netron==9.3.3",
        )
    return result


def _policy() -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'


def _style() -> str:
    return f"<style>\n{_file('grapher.css')}\n</style>"


def _script(path: Path, *, deferred: bool = False) -> str:
    text = path.read_text(encoding="utf-8")
    if deferred:
        # An inline script cannot be deferred, and Netron looks for elements further down.
        text = f'window.addEventListener("load", () => {{\n{text}}});\n'
    return f"<script>\n{text}</script>\n"


def _data() -> str:
    modules = {name: _with_bare_imports(_file(name)) for name in _MODULES}
    metadata = json.dumps(_without_documentation(json.loads(_file(_METADATA))))
    dagre = _replace(modules["dagre.js"], r"(?m)^export const \{[^}]*\} = dagre;", "")
    content = {"modules": modules, "assets": {_METADATA: metadata}, "worker": dagre + _WORKER}
    # mtime=0: the same Netron gives the same document.
    packed = gzip.compress(json.dumps(content).encode("utf-8"), mtime=0)
    text = base64.b64encode(packed).decode("ascii")
    return f'<script id="ortviz-netron" type="application/gzip+base64">{text}</script>\n'


def _with_bare_imports(code: str) -> str:
    """Name other modules so that an import map can say where they are."""
    code = re.sub(r"(from\s+|\bimport\()'\./([\w-]+\.js)'", r"\1'netron/\2'", code)
    return re.sub(r"(?m)^(\s*import\s+)'\./([\w-]+\.js)'", r"\1'netron/\2'", code)


def _without_documentation(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: _without_documentation(child)
            for key, child in value.items()
            if key not in _DROPPED_METADATA
        }
    if isinstance(value, list):
        return [_without_documentation(child) for child in value]
    return value
