"""An example of a plugin for Broadsheet: one module for each kind of extension."""
