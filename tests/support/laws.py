"""How many examples a law is tried with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., object])


def law(examples: int) -> Callable[[Test], Test]:
    """Return a decorator for a law that is slow to try: the number of examples in `make test`.

    `make test-long` tries it again, with ten times as many (the profile "thorough").
    """
    usual = settings.get_profile("newsroom").max_examples
    chosen = settings(
        max_examples=examples * settings.default.max_examples // usual,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return lambda test: pytest.mark.law(chosen(test))


def long(*values: object) -> list[ParameterSet]:
    """Return values of a parameter that only `make test-long` tries."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]
