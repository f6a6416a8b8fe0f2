"""Rules over all that is published: what is wrong, where, and what to do about it."""

from __future__ import annotations

# Importing the rules is what registers them.
from broadsheet.checks import of_articles, of_bodies, of_outputs
from broadsheet.checks.material import Material, Published
from broadsheet.checks.rule import RULES, Finding, findings

__all__ = [
    "RULES",
    "Finding",
    "Material",
    "Published",
    "findings",
    "of_articles",
    "of_bodies",
    "of_outputs",
]
