"""What is compared, and how each says that it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """One way to look at an ONNX file in JupyterLab.

    Attributes:
        name: For the table.
        factory: JupyterLab's name of it, as in "Open With".
        first_picture: JavaScript that is true once the graph can be seen.
        surface: Selector of the element that is dragged.
        expand: Selector of what expands everything; None where nothing is ever folded.
        expanded: JavaScript that is true once everything is drawn expanded.
    """

    name: str
    factory: str
    first_picture: str
    surface: str
    expand: str | None = None
    expanded: str = "true"


NETRON = Viewer(
    name="Netron",
    factory="Netron (ortviz)",
    first_picture="probe.opened.length > 0",
    surface=".ortviz-Netron iframe",
)
ORTVIZ = Viewer(
    name="ortviz",
    factory="ortviz graph",
    first_picture="document.querySelector('.ov-scene[data-boxes]') !== null",
    surface=".ov-scene",
    expand="[data-testid=graph-expand-all]",
    expanded="document.querySelector('.ov-scene[data-closed=\"0\"]') !== null",
)
