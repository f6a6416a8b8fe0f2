#!/usr/bin/env bash
# Make a release: check everything, build the wheel and the sdist into dist/, and tag the commit.
# `packaging/release.sh 0.1.0`; with --no-tag, everything but the tag. It pushes and uploads nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'release: %s\n' "$*" >&2; exit 1; }

version=${1:-}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "name the version, such as 0.1.0"
tag=v$version

[[ -z $(git status --porcelain) ]] || fail "the tree has changes; commit or remove them"
git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null && fail "the tag $tag exists already"
grep -qxF "__version__ = \"$version\"" src/broadsheet/__init__.py ||
  fail "src/broadsheet/__init__.py has another version; set __version__ = \"$version\""
grep -qE "^## \[$version\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
  fail "CHANGELOG.md has no line '## [$version] - YYYY-MM-DD'"
! grep -qE 'https://[a-z.]*\.example[/"]' <(sed -n '/^\[project.urls\]/,/^$/p' pyproject.toml) ||
  fail "pyproject.toml names an example address; docs/releasing.md says how to set your own"

python=${PYTHON:-python3}
rm -rf dist
"$python" -m venv dist/.venv
dist/.venv/bin/python -m pip --disable-pip-version-check -q install build twine
dist/.venv/bin/python -m build --outdir dist .
dist/.venv/bin/twine check --strict dist/*.whl dist/*.tar.gz

# The wheel, as someone gets it who has nothing of ours.
"$python" -m venv dist/.trial
dist/.trial/bin/python -m pip --disable-pip-version-check -q install --constraint constraints.txt dist/*.whl
[[ $(dist/.trial/bin/broadsheet --version) == "Broadsheet $version" ]] || fail "the wheel has another version"
dist/.trial/bin/broadsheet -C dist demo trial --no-serve --quiet
rm -rf dist/.venv dist/.trial dist/trial

if [[ ${2:-} == --no-tag ]]; then
  echo "dist/ has the wheel and the sdist of $version; nothing was tagged"
else
  git tag --annotate "$tag" --message "Broadsheet $version"
  echo "dist/ has the wheel and the sdist; push the tag to publish them: git push origin $tag"
fi
