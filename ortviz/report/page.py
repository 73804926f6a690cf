"""The HTML around a report's data: strict about what it may load, and safe against its own data."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path

from ortviz.errors import EnvironmentProblem
from ortviz.report.contents import pack

STATIC = Path(__file__).parents[1] / "static"
"""Where the build puts the browser side."""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob: data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; frame-src blob: data: 'self'; connect-src blob: data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content security policy: the page can ask no host for anything."""

_BOOT = Path(__file__).with_name("boot.js")
# As \uXXXX these cannot end a script element, begin a comment, or break a line of JavaScript.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="ortviz">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
html, body {{ height: 100%; margin: 0; }}
#ortviz-root {{ height: 100%; font-family: system-ui, sans-serif; }}
#ortviz-root > p {{ margin: 2rem; max-width: 40rem; }}
</style>
<style>
{style}
</style>
</head>
<body>
<div id="ortviz-root"><noscript><p>This report needs JavaScript.</p></noscript></div>
<script type="application/json" id="ortviz-report">{report}</script>
<script type="text/plain" id="ortviz-widget">{widget}</script>
{netron}<script>
{boot}</script>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The built browser side.

    Attributes:
        script: An ES module that exports ``mount`` and ``createStaticTransport``.
        style: Its style sheet.
    """

    script: bytes
    style: str


def read_bundle(folder: Path) -> Bundle:
    """Read ``widget.js`` and ``widget.css``.

    Raises:
        EnvironmentProblem: They are not there, because the source was not built.
    """
    try:
        script = (folder / "widget.js").read_bytes()
        style = (folder / "widget.css").read_text(encoding="utf-8")
    except OSError as error:
        raise EnvironmentProblem(
            f"A report cannot be written: {folder / 'widget.js'} or its style sheet is not there.",
            "In a source checkout run `make setup`; otherwise install ortviz again.",
        ) from error
    return Bundle(script, style)


def render(title: str, report: object, bundle: Bundle, netron: str | None) -> str:
    """The whole page.

    Args:
        title: Plain text.
        report: ``StaticReport`` as plain JSON.
        bundle: The browser side.
        netron: Netron as one HTML document; None where it is not available.
    """
    return _PAGE.format(
        policy=html.escape(POLICY),
        title=html.escape(title),
        style=_inside_style(bundle.style),
        report=script_json(report),
        widget=pack(bundle.script),
        netron=_netron_element(netron),
        boot=_BOOT.read_text(encoding="utf-8"),
    )


def script_json(value: object) -> str:
    """JSON that may stand inside a script element, whatever text it holds."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
        _UNSAFE
    )


def _inside_style(style: str) -> str:
    # In CSS a backslash before "/" changes nothing, but the element then does not end here.
    return style.replace("</", "<\\/")


def _netron_element(document: str | None) -> str:
    if document is None:
        return ""
    packed = pack(document.encode("utf-8"))
    return f'<script type="text/plain" id="ortviz-netron">{packed}</script>\n'
