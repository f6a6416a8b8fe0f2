"""Read the plain values of a config that is a Python program, such as Pelican's; run nothing."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from typing import cast

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
    try:
        return ast.literal_eval(_Resolved(known).visit(deepcopy(node)))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Code(ast.unparse(node))


class _Resolved(ast.NodeTransformer):
    """Replaces the known names in an expression by their values, and adds texts."""

    def __init__(self, known: Mapping[str, object]) -> None:
        """known: the values by name, as a Python literal has them, or `Code`."""
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._known.get(node.id)
        known = node.id in self._known and not isinstance(value, Code)
        return _constant(value) if known else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.BinOp(ast.Constant(str(left)), ast.Add(), ast.Constant(str(right))):
                return _constant(left + right)
        return node


def _constant(value: object) -> ast.Constant:
    return ast.Constant(cast("str", value))  # literal_eval returns any value as it is
