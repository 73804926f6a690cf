"""Large graphs for measuring: exported by ORTModule from real modules, kept in a cache folder.

``python -m benchmarks.graphs.export [NAME …]`` makes those that are not there yet.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

import ortviz
from benchmarks.graphs import models
from ortviz._compat.cache import build_lock, cache_key, cache_root, staging_folder
from ortviz._compat.versions import ort_training_version
from ortviz.record import ORTMODULE_STAGES
from ortviz.session.run import Run


@dataclass(frozen=True, slots=True)
class Graph:
    """A model that is exported.

    Attributes:
        name: Of the files: ``{name}_{stage}_training.onnx`` and ``{name}.ortviz``.
        model: Makes the module.
        inputs: Makes what it is called with.
        node_count: Of ``execution_model``, about.
    """

    name: str
    model: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Tensor, ...]]
    node_count: int


def _tokens() -> Tensor:
    return torch.randint(0, models.VOCABULARY, (models.BATCH, models.LENGTH))


def _transformer(name: str, encoder: int, decoder: int, node_count: int) -> Graph:
    return Graph(
        name,
        lambda: models.Transformer(encoder, decoder),
        lambda: (_tokens(), _tokens()),
        node_count,
    )


GRAPHS = {
    graph.name: graph
    for graph in (
        _transformer("transformer_1k", 5, 4, 1_000),
        _transformer("transformer_5k", 23, 23, 5_000),
        _transformer("transformer_10k", 46, 46, 10_000),
        Graph(
            "resnet",
            lambda: models.ResNet((16, 18, 18, 16)),
            lambda: (torch.randn(models.BATCH, 3, 32, 32),),
            1_000,
        ),
        Graph("lstm", lambda: models.LSTM(20), lambda: (_tokens(),), 1_000),
    )
}


def exported(name: str) -> Path:
    """The folder with all stages of a graph and its run; exports them where they are not there.

    Raises:
        KeyError: There is no such graph.
        EnvironmentProblem: ORTModule cannot be used here, or the cache folder not be written.
    """
    graph = GRAPHS[name]
    folder = _cache_folder() / name
    if folder.is_dir():
        return folder
    with build_lock(folder, lambda: None):
        if not folder.is_dir():
            with staging_folder(folder) as staging:
                _export(graph, staging)
    return folder


def file_of(name: str, stage: str = "execution_model") -> Path:
    """The ONNX file of one stage of the training graph."""
    return exported(name) / f"{name}_{stage}_training.onnx"


def _cache_folder() -> Path:
    """One for what the graphs depend on: the versions, and how they are made."""
    ort = ort_training_version()
    key = cache_key(torch.__version__, ort[1] if ort else "none")
    recipe = hashlib.sha256()
    for path in (Path(models.__file__), Path(__file__)):
        recipe.update(path.read_bytes())
    return cache_root() / "graphs" / key.folder_name / recipe.hexdigest()[:12]


def _export(graph: Graph, folder: Path) -> None:
    """One training step, which makes ORTModule save every stage."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / f"{graph.name}.ortviz"
        module = ortviz.wrap(graph.model(), name=graph.name, path=path, strict=True)
        module(*graph.inputs()).square().mean().backward()
        run = module.ortviz
        assert isinstance(run, Run)
        run.flush(timeout_secs=600)
        for stage in ORTMODULE_STAGES:
            saved = run.graphs["training", stage]
            saved.save(folder / f"{graph.name}_{stage}_training.onnx")
        run.close()
        shutil.copy(path, folder)


def main() -> None:
    """Export the graphs that were asked for, and say where they are."""
    parser = argparse.ArgumentParser(prog="benchmarks.graphs.export", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(GRAPHS))
    names = parser.parse_args().names or list(GRAPHS)
    unknown = [name for name in names if name not in GRAPHS]
    if unknown:
        parser.error(f"there is no graph {unknown[0]}; there are {', '.join(GRAPHS)}")
    for name in names:
        began = time.perf_counter()
        folder = exported(name)
        print(f"{name}: {time.perf_counter() - began:.0f} s, {folder}")


if __name__ == "__main__":
    main()
