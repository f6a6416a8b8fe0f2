"""The core is pure. `lint-imports` (see pyproject.toml) checks which package may import which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import broadsheet

PACKAGE = Path(broadsheet.__file__).parent
CORE = {
    *("text", "model", "i18n", "markup", "articles", "pages", "feeds", "digests", "checks"),
    *("importers", "errors"),
}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text("utf-8"))


def part(module: str) -> str:
    """Return the first name of a module's path: `feeds/plan.py` -> feeds."""
    return module.partition("/")[0].removesuffix(".py")


def imports(module: str) -> Iterator[str]:
    """Return the full name of everything that a module imports, anywhere in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IN_CORE = [module for module in MODULES if part(module) in CORE]


def test_the_core_packages_exist() -> None:
    """A package that is renamed must be renamed here."""
    assert set(map(part, IN_CORE)) == CORE


@pytest.mark.parametrize(
    ("library", "users"),
    [
        (
            "feedgen",
            {
                "feeds/formats/feedgen_extensions.py",
                "feeds/formats/feedgen_feeds.py",
                "feeds/formats/podcast_feed.py",
            },
        ),
        ("frontmatter", {"articles/front_matter.py"}),
    ],
)
def test_a_library_has_few_users(library: str, users: set[str]) -> None:
    """What has traps is used only where they are known."""
    found = {
        module for module in MODULES for name in imports(module) if name.split(".")[0] == library
    }
    assert found == users


# What opens files, asks the machine, or says something by itself.
_EFFECTS = {
    *("os", "io", "pathlib.Path", "sys", "time", "tempfile", "shutil", "glob", "socket", "locale"),
    *("subprocess", "logging", "random", "secrets", "urllib.request", "http", "sqlite3"),
    *(
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid.getnode",
        "platform",
        "getpass",
        "threading",
        "multiprocessing",
        "concurrent",
        "click",
        "requests",
    ),
}
_EXCEPTIONS = {
    ("i18n/__init__.py", "io"),  # memory, in which a catalogue is compiled
    ("i18n/__init__.py", "pathlib.Path"),  # of its own catalogues
    ("digests/html_mail.py", "logging"),  # a level, to silence a library that prints
    ("digests/templates.py", "pathlib.Path"),  # of its own file: an editable install's templates
}
_CALLS = {"open", "print", "input", "breakpoint"}
_CLOCKS = {"now", "utcnow", "today"}
_READS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir"}


@pytest.mark.parametrize("module", IN_CORE)
def test_the_core_is_pure(module: str) -> None:
    """It opens no file except its own package's, and reads neither clock nor environment."""
    names = set(imports(module))
    for effect in _EFFECTS:
        if (module, effect) not in _EXCEPTIONS:
            assert not [name for name in names if f"{name}.".startswith(f"{effect}.")]
    own_files = "importlib.resources.files" in names
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in _CALLS, f"{module}:{node.lineno}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in _CLOCKS, f"{module}:{node.lineno}"
            assert own_files or node.func.attr not in _READS, f"{module}:{node.lineno}"
