"""The answer to ``run``: what does not change while the run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ortviz.protocol.messages import ModuleRow, RunView
from ortviz.record import ModuleRecord, RunInfo

_ENGINES: Mapping[str, Literal["eager", "file"]] = {"eager": "eager", "file": "file"}


def run_view(info: RunInfo, ranks: Sequence[int] = (0,)) -> RunView:
    """The run's name, versions and module tree.

    Args:
        info: The run.
        ranks: Of the processes that train together, those whose runs can be asked for.
    """
    return {
        "run_id": info.run_id,
        "name": info.name,
        "every": info.every,
        "engine": _ENGINES.get(info.engine, "ortmodule"),
        "engine_reason": info.engine_reason,
        "rank": info.rank,
        "world_size": info.world_size,
        "ranks": list(ranks),
        "versions": [[package, version] for package, version in info.versions],
        "modules": [_module_row(module) for module in info.modules],
        "has_histograms": info.keep.keeps_histograms,
    }


def _module_row(module: ModuleRecord) -> ModuleRow:
    return {
        "name": module.name,
        "type_name": module.type_name,
        "parameter_count": module.parameter_count,
        "source": module.source,
        "hooks": list(module.hook_sources or module.hooks),
    }
