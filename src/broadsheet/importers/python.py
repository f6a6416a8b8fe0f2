"""Read the plain values of a config that is a Python program, such as Pelican's; run nothing."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from broadsheet.importers.config_file import ConfigFile, unreadable_config
from broadsheet.importers.javascript import Code


def read_python_config(file: str, text: str) -> ConfigFile:
    """Return the assignments at the top level of `text`; anything but a literal becomes `Code`.

    Names that were assigned before are resolved, and texts added. Raises nothing: text that is not
    Python becomes a file with a complaint.
    """
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return unreadable_config(file, getattr(error, "lineno", None) or 1, error)
    values: dict[str, object] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _value(value, values)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name] = _value(value, values)
    return ConfigFile(file, values)


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    match node:
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = _value(left, known), _value(right, known)
            if isinstance(parts[0], str) and isinstance(parts[1], str):
                return parts[0] + parts[1]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Code(ast.unparse(node))
