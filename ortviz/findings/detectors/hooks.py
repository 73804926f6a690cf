"""Hooks that the user registered and that ORTModule will not run."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.words import listed, many
from ortviz.record import Finding, Severity


class SilentHooks(Detector):
    """One finding that lists them all."""

    name = "silent_hooks"

    def on_started(self) -> Iterable[Finding]:
        """Looks at the hooks the model had when it was wrapped."""
        hooked = [module for module in self.info.modules if module.hooks]
        if not hooked or self.info.engine == "eager":
            return
        count = sum(len(module.hooks) for module in hooked)
        sources = [
            f"{source} on {self.label(module.name)}"
            for module in hooked
            for source in (module.hook_sources or module.hooks)
        ]
        yield self.finding(
            Severity.WARNING,
            f"{many(count, 'hook')} on {listed([self.label(m.name) for m in hooked], 2)} will "
            "not run",
            evidence=f"{listed(sources, 8)}.",
            explanation=(
                "ORTModule runs the Python code of a model only while it exports it, within the "
                "first step. What a hook computes with tensors then is baked into the graph; its "
                "Python (printing, counting, saving, changing gradients later) never runs again. "
                "Hooks registered after the export never run at all."
            ),
            remedy=(
                "Hooks on the wrapped model itself run at every step. ortviz shows every module's "
                "outputs and gradients without hooks; for anything else return the tensor from "
                "forward, or hook tensors outside the model."
            ),
            module=hooked[0].name,
        )
