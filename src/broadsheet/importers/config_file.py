"""Parse a config file (TOML, YAML, JSON) and find values in it by their keys.

Text that does not parse gives an empty file, and a complaint with the path and the line.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from broadsheet.errors import Problem
from broadsheet.text.toml import error_place


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """A value as the config gives it, and where.

    file: its file, or words such as "Hugo's default". key: its dotted key there; "" for none.
    """

    value: object
    file: str
    key: str = ""

    @property
    def source(self) -> str:
        """Where the value is, in words: "hugo.toml: params.author"."""
        return f"{self.file}: {self.key}" if self.key else self.file


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One config file.

    data: its keys; empty if it could not be read.
    mount: the keys under which its generator mounts it: ("params",) for Hugo's params.toml.
    complaint: why it could not be read; None if it could.
    """

    file: str
    data: Mapping[str, object] = field(default_factory=dict)
    mount: tuple[str, ...] = ()
    complaint: Problem | None = None

    def find(self, *keys: str) -> ConfigValue | None:
        """Return the value under nested `keys`, in any case (Hugo's keys have none).

        None if there is no such key, or it is empty.
        """
        mount = [key.casefold() for key in self.mount]
        if [key.casefold() for key in keys[: len(mount)]] != mount:
            return None
        value: object = self.data or None
        path: list[str] = []
        for wanted in keys[len(mount) :]:
            name = _same_key(value, wanted)
            if name is None or not isinstance(value, Mapping):
                return None
            value = value[name]
            path.append(name)
        return None if value is None else ConfigValue(value, self.file, ".".join(path))


def find(documents: Iterable[ConfigFile], *keys: str) -> ConfigValue | None:
    """Return the value under `keys` in the first of `documents` that has it."""
    return next((hit for document in documents if (hit := document.find(*keys))), None)


def value_of(found: ConfigValue | None) -> object:
    """Return the value found; None if there is none."""
    return found.value if found else None


def items_of(found: ConfigValue | None) -> list[Any]:
    """Return the items of a list or tuple; [] for anything else."""
    value = value_of(found)
    return list(value) if isinstance(value, list | tuple) else []


def table_of(found: ConfigValue | None) -> Mapping[Any, Any]:
    """Return a mapping; an empty one for anything else."""
    value = value_of(found)
    return value if isinstance(value, Mapping) else {}


def nested(value: object, file: str = "") -> ConfigFile:
    """Return a mapping within a config as a file of its own; an empty one for anything else."""
    return ConfigFile(file, value if isinstance(value, Mapping) else {})


def read_config_file(file: str, text: str, mount: tuple[str, ...] = ()) -> ConfigFile:
    """Parse `text` by the file's extension. Raises nothing: see `ConfigFile.complaint`."""
    text = text.removeprefix("\ufeff")
    try:
        data = _parse(PurePosixPath(file).suffix, text)
    except tomllib.TOMLDecodeError as error:
        return unreadable_config(file, error_place(error)[1] or text.count("\n") + 1, error)
    except json.JSONDecodeError as error:
        return unreadable_config(file, error.lineno, error.msg)
    except yaml.YAMLError as error:
        return unreadable_config(file, _yaml_line(error, text), _why(error))
    except (ValueError, RecursionError) as error:
        # PyYAML raises these for a date such as 2024-13-01, and for endless nesting.
        return unreadable_config(file, 1, error)
    if data is None:
        return ConfigFile(file, mount=mount)
    if not isinstance(data, dict):
        return unreadable_config(file, 1, "it has no keys")
    return ConfigFile(file, {str(key): value for key, value in data.items()}, mount)


def unreadable_config(file: str, line: int, why: object) -> ConfigFile:
    """Return a file without keys, and with a complaint that says why."""
    complaint = Problem(
        f"this cannot be read ({' '.join(str(why).split())}), so nothing was taken from it",
        "correct it and run `broadsheet init` again, or write the values by hand",
        file,
        line,
    )
    return ConfigFile(file, complaint=complaint)


def _parse(suffix: str, text: str) -> object:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".json":
        return json.loads(text)
    return yaml.safe_load(text)


def _same_key(value: object, wanted: str) -> str | None:
    """Return the key of a mapping that equals `wanted`, as written or in another case."""
    if not isinstance(value, Mapping):
        return None
    if wanted in value:
        return wanted
    folded = wanted.casefold()
    return next((key for key in value if isinstance(key, str) and key.casefold() == folded), None)


def _yaml_line(error: yaml.YAMLError, text: str) -> int:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return int(error.problem_mark.line) + 1
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1


def _why(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
