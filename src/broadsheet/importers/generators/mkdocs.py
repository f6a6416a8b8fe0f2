"""MkDocs, recognised by its config."""

from __future__ import annotations

from broadsheet.importers.site import Generator

GENERATOR = Generator(90, marks=("mkdocs.yaml", "mkdocs.yml"), dialect="mkdocs")
