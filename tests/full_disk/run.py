"""Refuse each request of a run for disk space in turn, and check what the run makes of it.

    LD_PRELOAD=layer.so python tests/full_disk/run.py FOLDER build 0

The layer must be loaded when the process starts, so test_full_disk.py starts it. The
last argument: whether the disk stays full (1) or has space again at once (0).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from newsroom import Ran
from undisturbed import Scenario, scenario

LAYER = ctypes.CDLL(None)
PATIENCE = 10.0  # seconds


def attempt(made: Scenario, number: int, *, for_good: bool) -> tuple[Ran, int]:
    """Return the result of a run whose `number`th request is refused, and how many it made.

    0: none is refused. The run is in a process of its own: it leaves nothing in this one.
    """
    made.begin()
    (command,) = made.commands
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        LAYER.layer_begin(os.fsencode(made.newsroom.folder) + b"/", number, int(for_good))
        try:
            ran = made.newsroom.run(command, "--quiet")
        except BaseException as error:
            ran = Ran(99, "", repr(error))
        asked = LAYER.layer_asked()
        LAYER.layer_begin(b"", 0, 0)
        os.write(writing, json.dumps([ran.code, ran.out, ran.err, asked]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, out, err, asked = json.loads(pipe.read())
    os.waitpid(child, 0)
    return Ran(code, out, err), asked


def check(made: Scenario, number: int, *, for_good: bool) -> bool:
    """Check a run whose `number`th request is refused; return whether it reported the full disk."""
    began = time.monotonic()
    ran, asked = attempt(made, number, for_good=for_good)
    assert time.monotonic() - began < PATIENCE
    # How much is stored depends on the clock, so the last requests may not be made.
    assert asked >= number or ran.code == 0
    assert ran.code in {0, 1}, ran.err
    assert "Traceback" not in ran.err
    assert "should not have happened" not in ran.err, ran.err
    made.check_whole()
    if ran.code:
        assert "No space left on device" in ran.err, ran.err
        assert "run again" in ran.err, ran.err
    else:
        # The cache may lack space; published files must not.
        assert ran.err == ""
        made.check_in_order()
    made.run()
    made.check_in_order()
    return bool(ran.code)


def main(folder: str, command: str, for_good: str) -> None:
    """Refuse every request in turn; fail with the number of the first that goes wrong."""
    made = scenario(Path(folder), (command,), given="build" if command == "digest" else "")
    ran, count = attempt(made, 0, for_good=False)
    assert ran == Ran(0, "", "")
    assert count > 30, "the layer is not there"
    told = 0
    for number in range(1, count + 1):
        try:
            told += check(made, number, for_good=bool(int(for_good)))
        except AssertionError as error:
            error.add_note(f"request {number} of {count}")
            raise
    new = [path for path, data in made.new.items() if made.old.get(path) != data]
    assert told >= len(new), "each file that is published needs room"
    print(f"{count} requests refused, {told} told")


if __name__ == "__main__":
    main(*sys.argv[1:])
