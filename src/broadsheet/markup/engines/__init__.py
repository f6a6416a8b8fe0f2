"""The Markdown libraries: one module each, with the same function `to_html(text, dialect)`."""
