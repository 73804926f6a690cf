"""Every notebook runs, and what its text claims is what its run shows."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CELL_SECS = 400

# Asked after the last cell; NaN is told as null.
PROBES = {
    "01_sunspots": """
def told(table):
    return json.loads(table.to_json(orient="index", double_precision=15))

facts = {
    "bad_step": bad_step,
    "bad_year": bad_year,
    "element": list(element.position),
    "timeline": told(timeline),
    "agreement": told(agreement),
    "scores": told(scores),
    "difference": difference,
    "epochs": EPOCHS,
    "steps": STEPS,
    "windows": len(windows),
    "windows_with_zero": int((windows[:, LOOKBACK:] == 0).any(1).sum()),
    "nan_weights": {
        "mape-safe": sum(int(p.isnan().sum()) for p in mape_model.parameters()),
        "smape": sum(int(p.isnan().sum()) for p in smape_model.parameters()),
    },
    "unwrapped": type(model) is Forecaster,
}
""",
}


@dataclass(frozen=True)
class Executed:
    """A notebook that ran: its text, its outputs and what it knew in the end."""

    notebook: Any
    runs: dict[str, Any]
    facts: dict[str, Any]

    @property
    def prose(self) -> str:
        cells = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        return re.sub(r"\s+", " ", " ".join(cells))

    def outputs(self, cell_id: str) -> list[Any]:
        (cell,) = [cell for cell in self.notebook.cells if cell.id == cell_id]
        return list(cell.outputs)

    def printed(self, cell_id: str) -> str:
        outputs = self.outputs(cell_id)
        return "".join(output.text for output in outputs if output.output_type == "stream")

    def shown(self, cell_id: str, mime: str) -> list[Any]:
        return [
            output.data[mime]
            for output in self.outputs(cell_id)
            if mime in getattr(output, "data", {})
        ]


def execute(path: Path, folder: Path) -> Executed:
    """Run a notebook in a kernel of its own, its run files in ``folder``."""
    nbclient = pytest.importorskip("nbclient")
    import ortviz

    notebook = nbformat.read(path, as_version=4)
    probe = PROBES.get(path.stem, "facts = {}")
    ask = nbformat.v4.new_code_cell(f"import json\n{probe}\nprint(json.dumps(facts))", id="probe")
    notebook.cells.append(ask)
    env = dict(os.environ, ORTVIZ_RUNS=str(folder), PYTHONPATH=str(ROOT))
    # A user's own IPython profile must not play a part.
    env["IPYTHONDIR"] = str(folder / ".ipython")
    # Under pytest ipykernel gives the cell's output no file descriptor, which ORTModule needs.
    env.pop("PYTEST_CURRENT_TEST", None)
    resources = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(notebook, timeout=CELL_SECS, resources=resources)
    client.execute(env=env)
    runs = {run.name: run for run in map(ortviz.load, sorted(folder.glob("*.ortviz")))}
    executed = Executed(notebook, runs, {})
    return Executed(notebook, runs, json.loads(executed.printed("probe")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stored_clean(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert not cell.metadata, f"{cell.id} carries metadata"
        if cell.cell_type == "code":
            assert cell.outputs == [], f"{cell.id} is stored with outputs"
            assert cell.execution_count is None
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


@pytest.fixture(scope="module")
def sunspots(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return execute(FOLDER / "01_sunspots.ipynb", tmp_path_factory.mktemp("sunspots"))


@pytest.mark.engine
class TestSunspots:
    def test_ran_on_onnx_runtime_without_trouble(self, sunspots: Executed) -> None:
        assert set(sunspots.runs) == {"mape", "mape-safe", "smape"}
        for run in sunspots.runs.values():
            assert run.info.engine == "ortmodule"
            assert run.status == "ended"
            assert run.problems == ()
            assert not {event.kind.value for event in run.events} - {"export"}
        assert sunspots.facts["unwrapped"]
        for cell in sunspots.notebook.cells:
            for output in cell.get("outputs", []):
                assert output.output_type != "error", cell.id
                assert output.get("name") != "stderr", f"{cell.id}: {output.text}"

    def test_every_training_cell_shows_the_debugger(self, sunspots: Executed) -> None:
        for cell_id in ("mape-train", "safe-train", "smape-train"):
            assert len(sunspots.shown(cell_id, "application/vnd.jupyter.widget-view+json")) == 1
        for cell_id in ("data", "figure", "forecast"):
            assert len(sunspots.shown(cell_id, "application/vnd.plotly.v1+json")) == 1

    def test_data_is_what_the_text_says(self, sunspots: Executed) -> None:
        assert sunspots.printed("data") == (
            "309 years, 1700 to 2008; exactly 0 in 1711 1712 1810\n"
        )
        assert sunspots.facts["windows_with_zero"] == 11
        assert sunspots.printed("windows") == (
            "266 windows; 11 zeros to predict, all of them in 1810\n"
        )

    def test_mape_comes_down_then_reads_a_perfect_zero(self, sunspots: Executed) -> None:
        bad = sunspots.facts["bad_step"]
        assert bad == 14
        values = sunspots.runs["mape"].losses.arrays().user
        assert all(math.isfinite(value) and value > 0 for value in values[: bad + 1])
        assert values[bad - 4 : bad].mean() < values[:4].mean() * 0.8
        assert (values[bad + 1 :] == 0.0).all()
        assert len(values) == sunspots.facts["windows"] // 8
        assert "comes down for fourteen steps, and from step 15 on it is 0.0" in sunspots.prose

    def test_findings_name_step_element_and_remedy(self, sunspots: Executed) -> None:
        run, bad = sunspots.runs["mape"], sunspots.facts["bad_step"]
        steps = {finding.detector: finding.first_step for finding in run.findings}
        assert steps["nonfinite_gradient"] == bad
        (masked,) = [one for one in run.findings if one.title == "MAPE leaves elements out"]
        assert masked.first_step == bad
        for detector in ("nonfinite_weights", "nonfinite_predictions", "zero_loss"):
            assert steps[detector] == bad + 1
        first = run.findings[0]
        assert first.detector == "nonfinite_gradient"
        assert first.severity == "error"
        assert str(sunspots.facts["element"]) in first.title
        assert "target is exactly 0" in first.title
        assert "MapeLoss(safe_grad=True)" in first.remedy
        (told,) = sunspots.shown("finding", "text/markdown")
        assert told.startswith(f"**{first.title}**")
        (html,) = sunspots.shown("findings", "text/html")
        assert all(finding.title.split(",")[0] in html for finding in run.findings)

    def test_the_element_is_the_year_1810(self, sunspots: Executed) -> None:
        losses = sunspots.runs["mape"].losses.at(sunspots.facts["bad_step"])
        (masked,) = [element for element in losses.masked if element.loss == "mape"]
        assert list(masked.position) == sunspots.facts["element"]
        assert masked.target == 0.0
        assert masked.gradient is not None
        assert math.isnan(masked.gradient)
        assert sunspots.facts["bad_year"] == 1810
        assert "the year 1810." in sunspots.printed("year")

    def test_one_nan_in_the_gradient_then_nan_in_the_weights(self, sunspots: Executed) -> None:
        bad, rows = sunspots.facts["bad_step"], sunspots.facts["timeline"]
        assert sorted(map(int, rows)) == list(range(bad - 2, bad + 3))
        for step in (bad - 2, bad - 1):
            assert rows[str(step)]["elements masked"] == 0
            assert rows[str(step)]["NaN in the loss's gradient"] == 0
        assert rows[str(bad)]["elements masked"] == 1
        assert rows[str(bad)]["of"] == 88
        assert rows[str(bad)]["NaN in the loss's gradient"] == 1
        assert rows[str(bad)]["NaN in the weights"] == 0
        assert rows[str(bad)]["MAE"] > 0
        for step in (bad + 1, bad + 2):
            assert rows[str(step)]["NaN in the weights"] > 1000
            assert rows[str(step)]["elements masked"] == rows[str(step)]["of"] == 88
            assert rows[str(step)]["MAE"] is None
            assert rows[str(step)]["MAPE"] == 0.0
        assert f"At step {bad} one target of 88 is zero" in sunspots.prose
        assert f"At step {bad + 1} weights are NaN" in sunspots.prose

    def test_both_sides_make_the_same_nan(self, sunspots: Executed) -> None:
        printed = sunspots.printed("blame")
        assert "eager PyTorch: NaN in the gradients of 22 of 22 parameters" in printed
        assert "ONNX Runtime: NaN in the gradients of 22 of 22 parameters" in printed
        comparison = sunspots.runs["mape"].steps[sunspots.facts["bad_step"]].compare()
        assert not comparison.first_divergence
        left_out = [site for site in comparison.sites if site.verdict == "not_comparable"]
        assert left_out
        for site in left_out:
            assert site.site.module.startswith("blocks.2")
            assert site.site.id in sunspots.printed("left-out")
            assert site.reason in sunspots.printed("left-out")

    @pytest.mark.parametrize("name", ["mape-safe", "smape"])
    def test_the_other_runs_train(self, sunspots: Executed, name: str) -> None:
        run, steps = sunspots.runs[name], sunspots.facts["steps"]
        assert run.state.total_steps == run.state.step_count == steps == 330
        assert list(run.steps) == list(range(0, steps, 10))
        values = run.losses.arrays().user.reshape(sunspots.facts["epochs"], -1)
        assert values.min() > 0
        assert values[-1].mean() < 0.7 * values[0].mean()
        assert sunspots.facts["nan_weights"][name] == 0
        assert {finding.severity for finding in run.findings} == {"info"}
        assert {finding.detector for finding in run.findings} == {"masked_elements"}

    def test_onnx_runtime_agrees_with_eager(self, sunspots: Executed) -> None:
        for name in ("mape-safe", "smape"):
            row = sunspots.facts["agreement"][name]
            assert row["steps compared"] == 33
            assert row["divergent"] == 0
            assert row["equal"] + row["rounding"] > 2000
            assert row["worst error"] < 1e-5
            comparisons = [step.compare() for step in sunspots.runs[name].steps.values()]
            errors = [site.max_abs_error or 0.0 for one in comparisons for site in one.sites]
            assert max(errors) == pytest.approx(row["worst error"], rel=1e-6)

    def test_forecasts_are_as_the_text_judges_them(self, sunspots: Executed) -> None:
        errors = {
            name: (row["mean absolute error, spots"], row["mean error, spots"])
            for name, row in sunspots.facts["scores"].items()
        }
        naive, mape, smape = (
            errors[name] for name in ("eleven years before", "MAPE, safe_grad", "sMAPE")
        )
        assert naive[0] == pytest.approx(20.0, abs=0.05)
        assert mape[1] < -10
        assert mape[0] > naive[0] > smape[0]
        assert mape[1] < smape[1]
        assert abs(smape[1]) < abs(mape[1])
        assert sunspots.facts["difference"] < 0.01

    def test_graphs_of_both_modes_are_there(self, sunspots: Executed) -> None:
        graphs = sunspots.runs["smape"].graphs
        assert ("inference", "execution_model") in graphs
        assert len([key for key in graphs if key[0] == "training"]) == 5
        assert "inference" in sunspots.printed("smape-look")
