"""Pelican, recognised by its config, which is a program."""

from __future__ import annotations

from broadsheet.importers.generator import Generator

GENERATOR = Generator(100, marks=("pelicanconf.py",), dialect="pelican")
