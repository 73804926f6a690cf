"""The generator of TypeScript's types."""

from __future__ import annotations

import pytest

from ortviz.errors import ProtocolError
from ortviz.protocol.typescript import generate, main

SOURCE = '''
"""The module."""
from typing import Literal, TypedDict, Union

Wire = Union[float, Literal["NaN"], None]
Long = Literal["aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc", "ddddddddd"]


class Row(TypedDict):
    """Of ``x``, see :data:`Wire`.

    Ends a comment: */
    """

    name: str
    sizes: list[int] | None
    cells: list[Wire | str]
    both: Wire | Literal["a"]
    bag: dict[str, object]
    on: bool


class Maybe(TypedDict, total=False):
    """Optional."""

    row: Row


class Nothing(TypedDict):
    """Empty."""
'''

EXPECTED = """\
/** The module. */

export type Wire = number | "NaN" | null;

export type Long =
  | "aaaaaaaaaaaaaaaaaaaa"
  | "bbbbbbbbbbbbbbbbbbbb"
  | "cccccccccccccccccccc"
  | "ddddddddd";

/**
 * Of `x`, see `Wire`.
 *
 * Ends a comment: *\\/
 */
export interface Row {
  name: string;
  sizes: number[] | null;
  cells: (Wire | string)[];
  both: Wire | "a";
  bag: Record<string, unknown>;
  on: boolean;
}

/** Optional. */
export interface Maybe {
  row?: Row;
}

/** Empty. */
export type Nothing = Record<string, never>;
"""


def test_generate():
    text = generate(SOURCE)
    head, _, rest = text.partition("\n/**")
    assert head.startswith("// Generated from the messages in ortviz/protocol")
    assert "/**" + rest == EXPECTED


def test_a_type_that_extends_another():
    source = '''
class Ranked(TypedDict, total=False):
    rank: int


class Step(Ranked):
    step: int


class Nothing(Ranked):
    """Nothing more."""
'''
    text = generate(source)
    assert "export interface Step extends Ranked {\n  step: number;\n}" in text
    assert "/** Nothing more. */\nexport type Nothing = Ranked;" in text


@pytest.mark.parametrize("annotation", ["tuple[int, ...]", "dict[int, str]", "Literal[1.5]"])
def test_types_without_counterpart_are_refused(annotation):
    source = f"class Row(TypedDict):\n    field: {annotation}\n"
    with pytest.raises(ProtocolError, match="Line 2"):
        generate(source)


def test_check_finds_drift(tmp_path, capsys):
    target = tmp_path / "messages.gen.ts"
    assert main(["--check", str(target)]) == 1
    assert main([str(target)]) == 0
    assert main(["--check", str(target)]) == 0
    target.write_text(target.read_text().replace("RunView", "RunVue"))
    assert main(["--check", str(target)]) == 1
    assert "Run: python -m ortviz.protocol.typescript" in capsys.readouterr().err
