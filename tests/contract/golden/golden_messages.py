"""Writes the golden messages: what the host answers for the golden run, one JSON file each.

Run as ``python tests/contract/golden/golden_messages.py``. A file holds the command with its
params and either ``payload`` and ``buffers`` (base64) or ``error``. ``frame.json`` holds one whole
frame beside what it decodes to.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path

from golden_run import open_empty_run, open_run

from ortviz.errors import OrtvizError
from ortviz.protocol.codec import encode_frame
from ortviz.record.store import RunReader
from ortviz.session.commands import handle

FOLDER = Path(__file__).parent
_TRAINING = {"mode": "training", "stage": "execution_model"}
_COMMANDS: dict[str, tuple[str, dict[str, object]]] = {
    "run": ("run", {}),
    "summary": ("summary", {}),
    "losses": ("losses", {}),
    "losses_zoomed": ("losses", {"first_step": 2, "last_step": 5}),
    "losses_folded": ("losses", {"max_points": 3}),
    "mask_map": ("mask_map", {"loss": "mape"}),
    "masked_elements": ("masked_elements", {"loss": "mape", "step": 3}),
    "masked_elements_all": ("masked_elements", {"loss": "mape", "step": 5}),
    "traces": ("traces", {"step": 2}),
    "traces_nan": ("traces", {"step": 4}),
    "gradients": ("gradients", {"step": 2}),
    "gradients_nan": ("gradients", {"step": 4}),
    "histograms": ("histograms", {"step": 2}),
    "histograms_nan": ("histograms", {"step": 4}),
    "graphs": ("graphs", {}),
    "graph_nodes": ("graph_nodes", _TRAINING),
    "graph_model": ("graph_model", _TRAINING),
    "graph_extract": ("graph_extract", {**_TRAINING, "nodes": [2, 4]}),
    "graph_constant": ("graph_constant", {**_TRAINING, "name": "head.weight"}),
    "graph_structure": ("graph_structure", _TRAINING),
    "graph_lineage": ("graph_lineage", _TRAINING),
    "graph_lineage_first": ("graph_lineage", {**_TRAINING, "stage": "torch_exported"}),
    "graph_details": ("graph_details", {**_TRAINING, "chunk": 0}),
    "graph_schemas": ("graph_schemas", _TRAINING),
    "graph_overlay": ("graph_overlay", {**_TRAINING, "step": 2}),
    "graph_overlay_nan": ("graph_overlay", {**_TRAINING, "step": 4}),
    "graph_overlay_exported": (
        "graph_overlay",
        {"mode": "training", "stage": "torch_exported", "step": 2},
    ),
    "tensor_values": (
        "tensor_values",
        {"step": 2, "site_id": "forward/head#out0", "side": "candidate"},
    ),
    "findings": ("findings", {}),
    "error_step": ("traces", {"step": 5}),
    "error_stage": ("graph_nodes", {"mode": "inference", "stage": "optimized"}),
    "error_params": ("traces", {"step": "two"}),
    "error_control": ("control", {"action": "pause"}),
}
_EMPTY_COMMANDS = ("run", "summary", "losses", "mask_map", "graphs", "findings")


def golden_messages() -> dict[str, str]:
    """File name to text, made anew."""
    with tempfile.TemporaryDirectory() as folder:
        with open_run(Path(folder)) as reader:
            messages = {name: _answer(reader, *asked) for name, asked in _COMMANDS.items()}
            messages["frame"] = _frame(reader, *_COMMANDS["mask_map"])
        with open_empty_run(Path(folder)) as reader:
            for name in _EMPTY_COMMANDS:
                messages[f"empty_{name}"] = _answer(reader, name, {})
    return {
        f"{name}.json": json.dumps(message, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        for name, message in messages.items()
    }


def _answer(reader: RunReader, command: str, params: dict[str, object]) -> dict[str, object]:
    asked: dict[str, object] = {"command": command, "params": params}
    try:
        payload, buffers = handle(reader, command, params)
    except OrtvizError as error:
        return {**asked, "error": str(error)}
    return {**asked, "payload": payload, "buffers": [_base64(data) for data in buffers]}


def _frame(reader: RunReader, command: str, params: dict[str, object]) -> dict[str, object]:
    payload, buffers = handle(reader, command, params)
    frame = encode_frame(payload, buffers)
    return {**_answer(reader, command, params), "frame": _base64(frame)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def main() -> int:
    """Write every file and remove those that are no longer made."""
    texts = golden_messages()
    for stale in FOLDER.glob("*.json"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
