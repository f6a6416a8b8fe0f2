"""What the fuzzers start from: the sample articles, the attack strings, and hostile articles.

python tests/fuzz/corpus.py CORPUS
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from test_attacks import ATTACKS  # noqa: E402
from test_hostile import ALL, DEEP, HEAD  # noqa: E402

LONGEST = 4096  # bytes; more only makes the fuzzers slow


def texts() -> set[bytes]:
    """All that they start from. Of what is long, the beginning does as well."""
    seeds = {file.read_bytes() for file in (HERE.parents[1] / "seeds").rglob("*.md")}
    hostile = {bad.data for bad in ALL if isinstance(bad.data, bytes)}
    attacks = {f"{HEAD}\nText {attack} text.\n\n{attack}\n".encode() for attack in ATTACKS}
    bodies = {body[:200].encode() for body in (*DEEP.values(), *ATTACKS)}
    return {text[:LONGEST] for text in seeds | hostile | attacks | bodies}


def main(folder: Path) -> None:
    """Writes each into a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for text in texts():
        (folder / sha256(text).hexdigest()[:16]).write_bytes(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
