"""What the run records about the user's model and environment, once."""

from __future__ import annotations

import inspect
import platform
import time
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import torch
from torch import nn

from ortviz._compat.distributed import agreed, place
from ortviz.capture.stats import dtype_name
from ortviz.record import ModuleRecord, ParameterRecord, RunInfo

_HOOK_DICTS = {
    "_forward_pre_hooks": "forward_pre",
    "_forward_hooks": "forward",
    "_backward_pre_hooks": "full_backward_pre",
    "_backward_hooks": "full_backward",
}
_PACKAGES = ("ortviz", "torch", "onnxruntime-training", "onnxruntime-training-cpu", "onnx")


def describe_run(
    model: nn.Module, name: str, every: int, engine: str = "ortmodule", engine_reason: str = ""
) -> RunInfo:
    """Everything of a run that does not change while it goes on.

    Args:
        model: The user's own module.
        name: For a person.
        every: A step is sampled when its number divides by this.
        engine: ``ortmodule`` or ``eager``.
        engine_reason: Why it is eager.
    """
    here = place()
    run_id = uuid.uuid4().hex
    return RunInfo(
        run_id=run_id,
        name=name,
        created_unix_secs=time.time(),
        every=every,
        engine=engine,
        engine_reason=engine_reason,
        versions=tuple(_versions()),
        modules=tuple(_describe(name, module) for name, module in model.named_modules()),
        parameters=tuple(
            ParameterRecord(
                name, tuple(parameter.shape), dtype_name(parameter.dtype), parameter.requires_grad
            )
            for name, parameter in model.named_parameters()
        ),
        rank=here.rank,
        world_size=here.world_size,
        group_id=agreed(f"group/{name}", run_id) if here.world_size > 1 else "",
    )


def module_aliases(model: nn.Module) -> dict[str, str]:
    """Further names of modules registered more than once -> the name ``named_modules`` gives."""
    first = {module: name for name, module in model.named_modules()}
    return {
        name: first[module]
        for name, module in model.named_modules(remove_duplicate=False)
        if first[module] != name
    }


def callable_modules(model: nn.Module) -> dict[str, str]:
    """Modules with a forward of their own: name -> class name; a ModuleList is never called."""
    return {
        name: type(module).__name__
        for name, module in model.named_modules()
        if type(module).forward is not nn.Module.forward
    }


def user_hooks(module: nn.Module) -> Iterator[tuple[str, object]]:
    """(kind, callable) of every hook registered on one module."""
    for attribute, kind in _HOOK_DICTS.items():
        for hook in getattr(module, attribute, {}).values():
            yield kind, hook


def _describe(name: str, module: nn.Module) -> ModuleRecord:
    hooks = list(user_hooks(module))
    return ModuleRecord(
        name=name,
        type_name=type(module).__name__,
        parameter_count=sum(p.numel() for p in module.parameters(recurse=False)),
        training=module.training,
        source=_source(type(module)),
        hooks=tuple(kind for kind, _ in hooks),
        buffers=tuple(local for local, _ in module.named_buffers(recurse=False)),
        hook_sources=tuple(f"{kind} {_hook_name(hook)}" for kind, hook in hooks),
    )


def _hook_name(hook: object) -> str:
    label = getattr(hook, "__qualname__", type(hook).__qualname__)
    where = _source(hook)
    return f"{label} ({where})" if where else label


def _source(thing: object) -> str:
    """``file:line`` with the file's base name; empty for built-ins and notebook cells lost."""
    try:
        file = inspect.getsourcefile(thing)  # type: ignore[arg-type]
        line = inspect.getsourcelines(thing)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
    return f"{Path(file).name}:{line}" if file else ""


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for package in _PACKAGES:
        try:
            version = torch.__version__ if package == "torch" else metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        yield package, str(version)
