"""The order in which findings are read."""

from __future__ import annotations

from ortviz.record import Finding, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def finding(severity: Severity, step: int | None, *, origin: bool = False) -> Finding:
    return Finding("k", "d", severity, "t", "e", "x", "r", first_step=step, origin=origin)


def test_severity_then_step_then_where_it_begins() -> None:
    in_order = [
        finding(ERROR, None),
        finding(ERROR, 0),
        finding(ERROR, 4, origin=True),
        finding(ERROR, 4),
        finding(WARNING, 0, origin=True),
        finding(WARNING, 0),
        finding(INFO, None),
    ]
    ranks = [each.rank for each in in_order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
