"""A GitHub Actions workflow."""

from __future__ import annotations

import shlex

from broadsheet.importers.place import Place, commit, note

POSITION = 3


def snippet(place: Place) -> str:
    """Return the text to install."""
    call = shlex.join(place.call("broadsheet"))
    return f"""\
# .github/workflows/broadsheet.yml
# {note(place)}
name: broadsheet
on:
  push:
    branches: [main]
  schedule:
    - cron: "7 * * * *"  # GitHub's clock is UTC; an hourly run needs no conversion
  workflow_dispatch:
permissions:
  contents: write
concurrency: broadsheet
env:
  # Or a wheel or clone in this repository, or git+https://...
  BROADSHEET: broadsheet
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "$BROADSHEET"
      - run: {call} build --quiet
      - run: {call} digest --quiet
        if: ${{{{ !cancelled() }}}}  # a problem in one article must not hold up the digest
      - name: commit
        if: ${{{{ !cancelled() }}}}
        run: |
          git config user.name "broadsheet"
          git config user.email "broadsheet@users.noreply.github.com"
          {commit(place)}
"""
