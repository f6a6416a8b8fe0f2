"""Recognise Obsidian by the folder of its settings."""

from __future__ import annotations

from broadsheet.importers.generator import Generator

GENERATOR = Generator(60, marks=(".obsidian",), dialect="obsidian")
