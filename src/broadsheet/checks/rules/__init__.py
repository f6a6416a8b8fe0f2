"""The rules of `broadsheet check`, one topic a module; every module here is found by itself."""
