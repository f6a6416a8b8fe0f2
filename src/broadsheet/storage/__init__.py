"""Files: finding sources, reading the config, and writing outputs atomically."""
