"""How many examples a law is tried with."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def law(examples: int) -> settings:
    """Return the settings of a law that is slow to try: the number of examples in `make test`.

    `make test-long` loads the profile "thorough", which tries ten times as many.
    """
    usual = settings.get_profile("newsroom").max_examples
    return settings(
        max_examples=examples * settings.default.max_examples // usual,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
