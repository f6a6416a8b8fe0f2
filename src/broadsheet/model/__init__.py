"""The frozen nouns of a publication, its settings, and their reference."""
