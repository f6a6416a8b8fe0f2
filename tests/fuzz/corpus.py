"""The inputs a fuzzer starts from: sample articles, and attack strings or hostile files.

python tests/fuzz/corpus.py markup CORPUS
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from attacks import ATTACKS  # noqa: E402
from hostile import BROKEN, DEEP, ODD, PLACES  # noqa: E402

LONGEST = 1000  # bytes; the beginning of a long text is enough, and more makes fuzzers slow


def texts(part: str) -> set[bytes]:
    """Yield everything that the fuzzer of `part` starts from."""
    samples = {file.read_bytes() for file in (HERE.parents[1] / "seeds").rglob("*.md")}
    if part == "parse":
        hostile = (*BROKEN, *ODD, *PLACES)
        own = {bad.data for bad in hostile if isinstance(bad.data, bytes)}
    else:
        own = {text[:200].encode() for text in (*DEEP.values(), *ATTACKS)}
    return {text[:LONGEST] for text in samples | own}


def main(part: str, folder: Path) -> None:
    """Write each into a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for text in texts(part):
        (folder / sha256(text).hexdigest()[:16]).write_bytes(text)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
