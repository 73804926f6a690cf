"""One self-contained HTML file from a run: the same five views, with no server and no network."""

from ortviz.report.write import write_report

__all__ = ["write_report"]
