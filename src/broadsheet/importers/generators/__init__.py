"""The generators: a module for each, with its `GENERATOR`; they are found by being here."""
