"""Files: finding sources, reading the config, and writing outputs atomically."""

from typing import Final

CONFIG_NAME: Final = "broadsheet.toml"
PREVIEWS: Final = "previews"
"""The folder of the previews, beside the config."""
