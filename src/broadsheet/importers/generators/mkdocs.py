"""MkDocs, recognised by its config."""

from __future__ import annotations

from broadsheet.importers.generator import Generator

GENERATOR = Generator(90, marks=("mkdocs.yaml", "mkdocs.yml"), dialect="mkdocs")
