"""Docusaurus, recognised by its config, which is a program."""

from __future__ import annotations

from broadsheet.importers.generator import Generator

GENERATOR = Generator(
    80, marks=("docusaurus.config.js", "docusaurus.config.ts"), dialect="docusaurus"
)
