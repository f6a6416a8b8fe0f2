"""Files: finding sources, reading the config, and writing outputs atomically."""

from typing import Final

CONFIG_NAME: Final = "broadsheet.toml"
