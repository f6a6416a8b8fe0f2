"""From a project to its published files."""
