"""Text and URLs: pure functions on strings, used by every other package."""
