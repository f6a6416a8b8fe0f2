"""A GitLab CI job, to be run by a pipeline schedule."""

from __future__ import annotations

import shlex

from broadsheet.importers.place import Place, commit, note

POSITION = 4


def snippet(place: Place) -> str:
    """Return the text to install."""
    call = shlex.join(place.call("broadsheet"))
    return f"""\
# .gitlab-ci.yml
# {note(place)}
# Add a pipeline schedule (Build > Pipeline schedules) that runs hourly, and a project access
# token with write_repository as the variable BROADSHEET_TOKEN.
broadsheet:
  image: python:3.12
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule" || $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  resource_group: broadsheet
  variables:
    # Or a wheel or clone in this repository, or git+https://...
    BROADSHEET: broadsheet
  script:
    - pip install "$BROADSHEET"
    - {call} build --quiet || BAD=1
    - {call} digest --quiet || BAD=1
    - git config user.name broadsheet
    - git config user.email broadsheet@noreply.invalid
    - git remote set-url origin "https://token:$BROADSHEET_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git"
    - git checkout -B "$CI_COMMIT_BRANCH"
    - |
      {commit(place, "-o ci.skip origin HEAD")}
    - test -z "$BAD"
"""
