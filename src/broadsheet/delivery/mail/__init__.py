"""The mail of an issue: its variants, each reader's own parts, and the DKIM signature."""
