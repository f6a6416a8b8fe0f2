"""One file for each generator, with its `GENERATOR`; each is found by itself."""
