"""Our HTML of sample articles beside that of the site generators they are written for."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from broadsheet.markup import LinkIndex, Links, dialect, render
from conformance import generators
from conformance.accepted import DIFFERENCES, reason
from conformance.outline import outline
from conformance.samples import samples

CASES = [(name, sample) for name in generators.names() for sample in samples(name)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """The HTML of every generator: (its name, the file name of the sample) -> the body."""
    found = {}
    for name in generators.names():
        bodies = generators.build(name, samples(name), tmp_path_factory.mktemp(name) / "site")
        found.update({(name, sample): body for sample, body in bodies.items()})
    return found


def _ours(generator: str, sample: str, url: str) -> str:
    links = Links(LinkIndex(generators.SITE), sample, url)
    body = samples(generator)[sample]
    return render(body, links, dialect(generator), mdx=sample.endswith(".mdx")).html


@pytest.mark.parametrize(("generator", "sample"), CASES)
def test_an_article_reads_as_on_its_site(
    built: dict[tuple[str, str], str], generator: str, sample: str
) -> None:
    """Text, structure, code, links and images equal the generator's, except for the accepted
    differences."""
    slug = Path(sample).stem
    url = f"{generators.SITE}{slug}/"
    theirs = outline(built[generator, sample], url)
    ours = outline(_ours(generator, sample, url), url)
    if reason(generator, slug):
        assert ours != theirs, "no difference is left: take the sample out of accepted.py"
    else:
        assert ours == theirs, "\n".join(difflib.unified_diff(theirs, ours, generator, "ours"))


def test_accepted_differences_name_samples_that_exist() -> None:
    """A misspelled sample or generator in the list would accept nothing."""
    known = {(generator, Path(sample).stem) for generator, sample in CASES}
    for each in DIFFERENCES:
        for generator, listed in each.samples.items():
            assert {(generator, sample) for sample in listed.split()} <= known, each.name
