"""What ``print(step.compare())`` says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.record import (
    Direction,
    ErrorOrigin,
    Site,
    SiteComparison,
    StepComparison,
    Verdict,
)
from ortviz.session.comparison import Comparison

F, B = Direction.FORWARD, Direction.BACKWARD


def site(name: str, direction: Direction = F, **more: object) -> SiteComparison:
    one = SiteComparison(
        Site(direction, name, "out0"), Verdict.ROUNDING, "", 1e-6, 1e-6, 1e-7, (0,), 1.0, 1.0, 0,
        1e-4, 8.0, 1 - 1e-13, 0.0, tolerance_reason="rounding of float32",
    )  # fmt: skip
    return replace(one, **more)


def divergent(name: str, direction: Direction = F, **more: object) -> SiteComparison:
    settings = {
        "verdict": Verdict.DIVERGENT,
        "max_abs_error": 0.5,
        "max_rel_error": 0.25,
        "max_ulp_error": 2097152.0,
        "cosine": 0.75,
        "mismatched_fraction": 0.125,
        **more,
    }
    return site(name, direction, **settings)


def shown(*sites: SiteComparison, first=(), own=()) -> Comparison:
    named = ({one.direction: one for one in given} for given in (first, own))
    return Comparison.of(StepComparison(40, sites, *named))


def test_agreement_is_two_lines_and_names_the_closest_call() -> None:
    text = repr(
        shown(
            site("a"),
            site("b", max_rel_error=2e-5),
            SiteComparison(Site(F, "c", "out0"), Verdict.NOT_COMPARABLE),
        )
    )
    assert text == (
        "Step 40, 3 sites: 2 rounding, 1 not comparable.\n"
        "ORT and eager PyTorch agree within rounding; closest to its tolerance, at 20 % of it, "
        "is forward/b#out0."
    )


def test_exact_agreement_and_nothing_to_compare() -> None:
    same = site("a", verdict=Verdict.EQUAL, max_rel_error=0.0)
    assert "agree exactly" in shown(same).conclusion()
    nothing = SiteComparison(Site(F, "a", "out0"), Verdict.NOT_COMPARABLE, "Fused away.")
    assert shown(nothing).conclusion() == "Nothing could be compared. Fused away."
    alike = site("b", verdict=Verdict.EQUAL, max_rel_error=None, max_abs_error=None)
    assert "agree exactly" in shown(alike, nothing).conclusion(), "NaN on both sides"
    assert shown().conclusion() == "Nothing could be compared."


def test_values_inside_modules_are_counted_apart() -> None:
    inner = SiteComparison(Site(F, "a", "Log_output_0"), Verdict.NOT_COMPARABLE)
    fused = SiteComparison(Site(F, "b", "out0"), Verdict.NOT_COMPARABLE)
    assert shown(site("a"), inner, fused).counts() == (
        "3 sites: 1 rounding, 2 not comparable (1 of them inside modules)"
    )


def test_what_is_not_comparable_is_not_the_closest_call() -> None:
    drawn = site("d", verdict=Verdict.NOT_COMPARABLE, max_rel_error=0.9, reason="They draw.")
    close = shown(site("b", max_rel_error=2e-5), drawn).conclusion()
    assert close.endswith("is forward/b#out0. They draw.")
    same = site("a", verdict=Verdict.EQUAL, max_rel_error=0.0)
    assert shown(same, drawn).conclusion() == (
        "Where they can be compared, ORT and eager PyTorch agree exactly. They draw."
    )


def test_a_divergence_is_a_row_of_a_table() -> None:
    one = divergent("fc1")
    text = repr(shown(site("a"), one, first=[one.site]))
    assert "ORT and eager PyTorch first part at forward/fc1#out0." in text
    heading, row = text.splitlines()[3:]
    assert heading.split("  ")[0] == "site"
    for word in ("max abs", "max rel", "allowed", "max ulp", "cosine", "elements off"):
        assert word in heading
    # Nothing was measured for these.
    for word in ("noise floors", "own error", "origin"):
        assert word not in heading
    assert row.split() == [
        "forward/fc1#out0", "0.5", "0.25", "0.0001", "12", "%", "2.10e+06", "0.75",
    ]  # fmt: skip


def test_deep_steps_add_floors_and_origins_and_name_where_it_was_born() -> None:
    came = divergent(
        "a", noise_floor=0.05, origin=ErrorOrigin.INHERITED, local_rel_error=1e-7, cosine=0.99999
    )
    born = divergent("b", origin=ErrorOrigin.HERE, local_rel_error=0.2)
    found = shown(came, born, first=[came.site], own=[born.site])
    assert found.conclusion() == "A difference is born at forward/b#out0."
    text = repr(found)
    assert "10 ×" in text
    assert "came in" in text
    assert "1 − 1.0e-05" in text
    # What is named comes first.
    assert text.index("forward/b#out0  ") < text.index("forward/a#out0  ")


def test_an_own_error_that_does_not_show_in_the_whole_is_listed() -> None:
    hidden = site("b", origin=ErrorOrigin.HERE, local_rel_error=0.2)
    found = shown(hidden, own=[hidden.site])
    assert found.divergent == (hidden,)
    assert "born here" in repr(found).splitlines()[-1]


def test_long_lists_are_cut_and_counted() -> None:
    many = [divergent(f"blocks.{index}") for index in range(40)]
    text = repr(shown(*many, first=[many[0].site]))
    assert text.splitlines()[-1] == "… and 28 more divergent sites"
    assert len(text.splitlines()) == 17


@pytest.mark.parametrize("direction", [F, B])
def test_html_is_a_table_with_everything_escaped(direction: Direction) -> None:
    one = divergent("<b>", direction)
    html = shown(one, first=[one.site])._repr_html_()
    assert f"{direction.value}/&lt;b&gt;#out0" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 2


def test_it_is_still_the_comparison() -> None:
    one = divergent("fc1")
    found = shown(one, first=[one.site])
    assert found["forward/fc1#out0"] == one
    assert isinstance(found, StepComparison)
