"""VuePress and VitePress, recognised by the folder of their config, which is a program."""

from __future__ import annotations

from broadsheet.importers.generator import Generator

GENERATOR = Generator(70, marks=(".vitepress", ".vuepress"), dialect="vuepress")
