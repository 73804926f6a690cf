"""Writes TypeScript's types from the messages in Python, the one definition of the wire.

Run as ``python -m ortviz.protocol.typescript [--check] [path]``.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ortviz.errors import ProtocolError

_FILES = ("wire.py", "graph_messages.py", "messages.py")
DEFAULT_TARGET = Path("extension/src/protocol/messages.gen.ts")
_WIDTH = 100
_SCALARS = {
    "int": "number",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "object": "unknown",
}
_HEADER = """\
// Generated from the messages in ortviz/protocol by `python -m ortviz.protocol.typescript`.
// Change it there and generate again; a test fails when the two differ.
"""


def generate(*sources: str) -> str:
    """TypeScript for modules of type aliases and TypedDicts, in the order of the modules.

    Args:
        sources: Python text; what one module imports from another is defined in one before it.

    Raises:
        ProtocolError: An annotation has no counterpart in TypeScript; the message has its line.
    """
    modules = [ast.parse(source) for source in sources]
    docs = "\n".join(_jsdoc(ast.get_docstring(module), "") for module in modules)
    blocks = [_HEADER + docs.rstrip("\n")]
    for node in (node for module in modules for node in module.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            blocks.append(_alias(node.targets[0].id, _members(node.value)))
        elif isinstance(node, ast.ClassDef):
            blocks.append(_interface(node))
    return "\n\n".join(blocks) + "\n"


def _alias(name: str, members: list[str]) -> str:
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= _WIDTH:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";"


def _interface(node: ast.ClassDef) -> str:
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    doc = _jsdoc(ast.get_docstring(node), "")
    parents = [ast.unparse(base) for base in node.bases if ast.unparse(base) != "TypedDict"]
    if not fields:
        same = " & ".join(parents) or "Record<string, never>"
        return f"{doc}export type {node.name} = {same};"
    extends = f" extends {', '.join(parents)}" if parents else ""
    optional = "?" if _is_partial(node) else ""
    lines = [line for field in fields for line in _field(field, optional)]
    return f"{doc}export interface {node.name}{extends} {{\n" + "\n".join(lines) + "\n}"


def _is_partial(node: ast.ClassDef) -> bool:
    return any(
        keyword.arg == "total"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
        for keyword in node.keywords
    )


def _field(field: ast.AnnAssign, optional: str) -> Iterator[str]:
    members = _members(field.annotation)
    head = f"  {ast.unparse(field.target)}{optional}:"
    line = f"{head} {' | '.join(members)};"
    if len(line) <= _WIDTH:
        yield line
        return
    yield head
    yield from (f"    | {member}" for member in members[:-1])
    yield f"    | {members[-1]};"


def _members(node: ast.expr) -> list[str]:
    """The alternatives of a type; one for anything but a union."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _members(node.left) + _members(node.right)
    if isinstance(node, ast.Constant) and node.value is None:
        return ["null"]
    if isinstance(node, ast.Name):
        return [_SCALARS.get(node.id, node.id)]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if node.value.id == "Union":
            return [member for item in items for member in _members(item)]
        if node.value.id == "Literal":
            return [_literal(item) for item in items]
        if node.value.id == "list":
            return [_array(_members(items[0]))]
        if node.value.id == "dict" and ast.unparse(items[0]) == "str":
            return [f"Record<string, {' | '.join(_members(items[1]))}>"]
    raise ProtocolError(
        f"Line {node.lineno} of the messages has the type {ast.unparse(node)}.",
        "Use str, int, float, bool, object, None, list, dict[str, …], Literal, Union or a name.",
    )


def _array(members: list[str]) -> str:
    return f"{members[0]}[]" if len(members) == 1 else f"({' | '.join(members)})[]"


def _literal(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (bool, int)):
        return str(value).lower()
    raise ProtocolError(f"Line {node.lineno} has the literal {ast.unparse(node)}.", "Use text.")


def _jsdoc(text: str | None, indent: str) -> str:
    if not text:
        return ""
    markdown = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    lines = markdown.replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it is up to date.

    Returns:
        0, or 1 when ``--check`` found that the file differs or does not exist.
    """
    parser = argparse.ArgumentParser(prog="python -m ortviz.protocol.typescript")
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT_TARGET)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on drift")
    options = parser.parse_args(arguments)
    here = Path(__file__).parent
    text = generate(*((here / name).read_text(encoding="utf-8") for name in _FILES))
    if not options.check:
        options.path.parent.mkdir(parents=True, exist_ok=True)
        options.path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    present = options.path.read_text(encoding="utf-8") if options.path.exists() else None
    if present == text:
        return 0
    sys.stderr.write(
        f"{options.path} is not what the messages in ortviz/protocol say. "
        "Run: python -m ortviz.protocol.typescript\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
