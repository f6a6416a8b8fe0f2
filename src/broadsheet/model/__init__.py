"""The types of a publication and its settings, and their reference documentation."""
