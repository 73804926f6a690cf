"""Look at everything ORTModule and the debugger need, and say how to mend what is wrong."""

from __future__ import annotations

from ortviz._compat.check import Check, Status
from ortviz._compat.checks_build import (
    check_cache,
    check_extensions,
    check_toolchain,
    missing_now,
    probe_ortmodule,
)
from ortviz._compat.checks_jupyter import check_jupyter
from ortviz._compat.checks_packages import (
    check_autograd_switch,
    check_library,
    check_onnxruntimes,
    check_ort_version,
    check_python,
    check_torch,
)
from ortviz._compat.extensions import compile_missing
from ortviz._compat.ortmodule import check_requirements
from ortviz._compat.progress import ProgressSink

__all__ = ["Check", "Status", "compile_extensions", "run_checks"]


def run_checks(*, probe: bool = True) -> list[Check]:
    """Check the environment; neither torch nor onnxruntime is imported into this process.

    Args:
        probe: Also run a training step through ORTModule in a process of its own (a few
            seconds), if nothing found before speaks against it.

    Returns:
        One check per thing looked at, in the order to read them.
    """
    missing = missing_now()
    build_needed = missing is None or bool(missing)
    checks = [check_python(), check_torch(), check_onnxruntimes(), check_ort_version()]
    checks.append(check_library("numpy", needed_for="every number ortviz shows"))
    checks.append(check_library("onnx", needed_for="ORTModule's export and all graphs"))
    switch = check_autograd_switch()
    if switch is not None:
        checks.append(switch)
    checks.extend(check_toolchain(needed=build_needed))
    checks.append(check_cache(needed=build_needed))
    checks.append(check_extensions())
    if probe and missing == () and all(check.status is not Status.ERROR for check in checks):
        checks.append(probe_ortmodule())
    checks.extend(check_jupyter())
    return checks


def compile_extensions(progress: ProgressSink | None = None) -> None:
    """Compile what is missing of ORT's extensions, without importing torch here.

    Args:
        progress: Told about it; None for a bar on a terminal, plain lines elsewhere.

    Raises:
        EnvironmentProblem: What stands in the way, with the command that mends it.
    """
    needs = check_requirements()
    compile_missing(needs.key, needs.plan.extensions, needs.ort_folder, progress)
