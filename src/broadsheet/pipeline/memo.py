"""Run pure steps, and only those whose result can have changed.

A step is a function of an item, of its settings, and of whatever else it reads through its
`StepContext`, which records each answer. The stored result holds as long as the key (version, step,
settings and item) is the same and every recorded read still gives the same answer: verifying
traces, as in "Build systems a la carte" (Mokhov, Mitchell and Peyton Jones, section 4.2.2).

Results are addressed by the digest of their content. Whoever holds an address fetches one result
at a time, and a result that comes out as before invalidates nothing that is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final, NamedTuple, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from broadsheet.errors import BroadsheetError, OutputError, Problem
from broadsheet.pipeline.pool import batched, core_count, spread
from broadsheet.pipeline.store import (
    FILE_NAME,
    Digest,
    Store,
    StoreError,
    digest,
    discard,
    state_key,
    version,
)
from broadsheet.storage.outputs import Output, Written, tell

T = TypeVar("T")

Source = Callable[[str], Any]
"""What steps may read: name -> value, None if there is none. It must be cheap and pure."""

Run = tuple[bytes, bytes] | BroadsheetError
"""The outcome of an item: its encoded reads and result, or what is wrong with it."""

Advance = Callable[[int], object]
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""Shows that so many items are being read, rendered or written; what it yields counts them."""


def no_progress(label: str, count: int) -> AbstractContextManager[Advance]:  # noqa: ARG001
    """Show nothing."""
    return nullcontext(lambda number: None)  # noqa: ARG005


_RECENT: Final = 1_000  # values that a context holds; an entry in three formats takes 30 kB
_BATCH: Final = 256  # results in a transaction
_STEP: Final = 4  # bytes
_NO_SOURCES: Final[Mapping[str, Source]] = {}


class Step(Struct, frozen=True):
    """A pure function of an item, settings and a context.

    function: `module:name`. It is imported when it runs, so that a run in which every result holds
    imports no library. settings: all that it needs to know beside the item. chunk: how many items
    are worth sending to another process. label: the verb that a progress bar shows.
    """

    function: str
    settings: Any
    chunk: int = 8
    label: str = ""


class StepContext:
    """What a running step can look at; each answer is recorded.

    root: the project's folder. Items name files in it together with a stamp or a digest.
    """

    def __init__(
        self,
        path: Path,
        root: Path,
        sources: Mapping[str, Source],
        output: Output,
        base: Path | None = None,
    ) -> None:
        self.root = root
        self._store = Store(path, base)
        self._sources = sources
        self._output = output
        self._answers: dict[tuple[str, str], tuple[Any, Digest]] = {}
        self._recent: dict[Any, Any] = {}
        self._ahead: dict[Digest, bytes] = {}
        self._reads: dict[tuple[str, str], Digest] = {}

    def read(self, source: str, name: str) -> Any:
        """Return what `source` has under `name`, and record it."""
        answer = self._answers.get((source, name))
        if answer is None:
            value = self._sources[source](name)
            answer = self._answers[source, name] = value, digest(encode(value))
        self._reads[source, name] = answer[1]
        return answer[0]

    def read_ahead(self, addresses: Sequence[Digest]) -> None:
        """Read the results at `addresses` together, which takes a fifth of the time."""
        self._ahead = dict(zip(addresses, self._store.results(addresses), strict=True))

    def result(self, address: Digest, kind: type[T]) -> T:
        """Return the result at an address. The item holds the address, so nothing is recorded."""
        return decode(self._ahead.get(address) or self._store.result(address), kind)

    def recent(self, key: Any, make: Callable[[], T]) -> T:
        """Return `make()`, or what it returned for `key` a short while ago; it reads the same."""
        if key not in self._recent:
            before, self._reads = self._reads, {}
            value = make()
            if len(self._recent) >= _RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[key] = value, self._reads
            self._reads = before
        found: T
        found, reads = self._recent[key]
        self._reads.update(reads)
        return found

    def write(self, paths: Sequence[str], pieces: Iterable[Sequence[bytes]]) -> list[Written]:
        """Leave files in the output folder. pieces: the next of each file at a time.

        The trace then holds as long as they have these bytes.
        """
        written = self._output(paths, pieces)
        for each in written:
            self._reads["output", each.path] = digest(encode(each.digest))
        return written

    def run(self, step: Step, items: Sequence[Any]) -> list[Run]:
        """Return the outcome of each item."""
        function = resolve_name(step.function)
        # A step whose item is an address will ask for the result there.
        self.read_ahead([item for item in items if isinstance(item, bytes)])
        done: list[Run] = []
        for item in items:
            self._reads = {}
            try:
                value = encode(function(item, step.settings, self))
            except BroadsheetError as error:
                done.append(error)
            else:
                reads = [(source, name, seen) for (source, name), seen in self._reads.items()]
                done.append((encode(reads), value))
        return done

    def close(self) -> None:
        """Close the store."""
        self._store.close()


class _Result(NamedTuple):
    """The result of an item. data: its encoding; empty unless it was just made."""

    key: Digest
    address: Digest
    data: bytes = b""


class Memo:
    """Results of steps, kept from run to run. The caller must hold the project's lock.

    root: the project's folder. base: see `Store`. is_lasting: whether the next run finds the
    results. workers: how many processes may run steps; None: one for each core.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        *,
        base: Path | None = None,
        is_lasting: bool = True,
        workers: int | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.is_lasting = is_lasting
        self._path = folder / FILE_NAME
        self._root = root
        self._workers = workers or core_count()
        self._progress = progress
        self._used: set[Digest] = set()
        self._base = base
        self._store = Store(self._path, base)

    def __enter__(self) -> Memo:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def map(
        self,
        step: Step,
        items: Sequence[Any],
        sources: Mapping[str, Source] = _NO_SOURCES,
        output: Output = tell,
    ) -> list[Digest]:
        """Return the address of the result of `step` for each item; see `attempt`.

        Raises the BroadsheetError that the step raises for an item.
        """
        outcomes = self.attempt(step, items, sources, output)
        for outcome in outcomes:
            if isinstance(outcome, BroadsheetError):
                raise outcome
        return cast("list[Digest]", outcomes)

    def attempt(
        self,
        step: Step,
        items: Sequence[Any],
        sources: Mapping[str, Source] = _NO_SOURCES,
        output: Output = tell,
    ) -> list[Digest | BroadsheetError]:
        """Return the address of the result of `step` for each item; run only what does not hold.

        An item for which it raises a BroadsheetError has that in its place, and is run again next
        time. sources: what the step may read, by the name of the source. output: writes its files,
        by default none. `sources["output"]` gives the digest of the file at a path; without it, a
        result holds whether its files exist or not.
        """
        outcomes = self._outcomes(step, items, sources, output)
        return [each if isinstance(each, BroadsheetError) else each.address for each in outcomes]

    def attempt_groups(
        self, step: Step, groups: Sequence[Sequence[Any]], kind: Any
    ) -> Generator[tuple[Digest, Any] | BroadsheetError, None, None]:
        """Yield address and result of `step` for each item of all groups, as `attempt` does.

        The results of a group are also stored together, since many are then read in a tenth of the
        time. step: one that reads no source. kind: the type of its results. Close the generator:
        others may still be made when it yields.
        """
        keys = self._keys(f"group of {step.function}", step.settings, groups)
        traces = self._store.traces(keys)
        missing = [group for key, group in zip(keys, groups, strict=True) if key not in traces]
        items = [*chain.from_iterable(missing)]
        with closing(self._outcomes(step, items, _NO_SOURCES, tell)) as outcomes:
            for key, group in zip(keys, groups, strict=True):
                if trace := traces.get(key):
                    form: Any = tuple[list[Digest], list[tuple[Digest, kind]]]
                    of_items, members = self.value(trace[0], form)
                    self._used.update(of_items)
                    yield from members
                    continue
                made = [self._with_data(each) for each in islice(outcomes, len(group))]
                self._store_together(key, made)
                for each in made:
                    if isinstance(each, BroadsheetError):
                        yield each
                    else:
                        yield each.address, decode(each.data, kind)

    def values(self, addresses: Iterable[Digest], kind: type[T]) -> Iterator[T]:
        """Yield the results at `addresses`; a batch at a time is read."""
        for batch in batched(addresses, _BATCH):
            for data in self._store.results(batch):
                yield decode(data, kind)

    def value(self, address: Digest, kind: type[T]) -> T:
        """Return the result at `address`."""
        return decode(self._store.result(address), kind)

    def state(self, name: str, kind: type[T]) -> T | None:
        """Return what an earlier run left under `name`."""
        key = state_key(name)
        self._used.add(key)
        found = self._store.trace(key)
        return self.value(found[0], kind) if found else None

    def leave(self, name: str, value: Any) -> None:
        """Store `value` under `name` for the next run; lose it if it cannot be stored."""
        key = state_key(name)
        self._used.add(key)
        with suppress(StoreError):
            data = encode(value)
            self._store.add([(key, digest(data), _NO_READS, data)])

    def sweep(self) -> None:
        """Drop the results that this run did not use, once they are the larger part."""
        with suppress(StoreError):
            if self._store.count() > 2 * len(self._used):
                self._store.keep_only(self._used)

    def _outcomes(
        self, step: Step, items: Sequence[Any], sources: Mapping[str, Source], output: Output
    ) -> Generator[_Result | BroadsheetError, None, None]:
        """Yield the result of each item once it is stored, or its error, in the order of items."""
        keys = self._keys(step.function, step.settings, items)
        checked: dict[tuple[str, str], Digest] = {}
        traces = self._store.traces(keys)
        held = [self._held(traces.get(key), sources, checked) for key in keys]
        missing = [item for item, address in zip(items, held, strict=True) if address is None]
        with closing(self._run(step, missing, sources, output)) as runs:
            for batch in batched(zip(keys, held, strict=True), _BATCH):
                outcomes: list[_Result | BroadsheetError] = []
                rows = []
                for key, address in batch:
                    if address:
                        outcomes.append(_Result(key, address))
                    elif isinstance(run := next(runs), BroadsheetError):
                        outcomes.append(run)
                    else:
                        reads, data = run
                        outcomes.append(made := _Result(key, digest(data), data))
                        rows.append((key, made.address, reads, data))
                if rows:
                    self._store.add(rows)
                yield from outcomes

    def _with_data(self, outcome: _Result | BroadsheetError) -> _Result | BroadsheetError:
        if isinstance(outcome, BroadsheetError) or outcome.data:
            return outcome
        return outcome._replace(data=self._store.result(outcome.address))

    def _store_together(self, key: Digest, made: Sequence[_Result | BroadsheetError]) -> None:
        """Store the results of a group under `key`, unless something is wrong with one."""
        results = [each for each in made if isinstance(each, _Result)]
        if len(results) == len(made):
            members = [(each.address, msgspec.Raw(each.data)) for each in results]
            value = encode(([each.key for each in results], members))
            self._store.add([(key, digest(value), _NO_READS, value)])

    def _keys(self, function: str, settings: Any, items: Iterable[Any]) -> list[Digest]:
        """Return the key of each item, and keep its result from `sweep`.

        The keys of a step begin alike, so that they are stored together.
        """
        prefix = encode((version(), function, settings))
        step = digest(prefix)[:_STEP]
        keys = [step + digest(prefix + encode(item))[_STEP:] for item in items]
        self._used.update(keys)
        return keys

    def _held(
        self,
        found: tuple[Digest, bytes] | None,
        sources: Mapping[str, Source],
        checked: dict[tuple[str, str], Digest],
    ) -> Digest | None:
        """Return the address of a stored result if its trace still holds.

        found: the address and the reads; None without a trace.
        """
        if found is None:
            return None
        reads = () if found[1] == _NO_READS else decode(found[1], _READS)  # decoding takes longer
        for source, name, seen in reads:
            if source == "output" and source not in sources:
                continue  # the files do not matter to this run
            now = checked.get((source, name))
            if now is None:
                now = checked[source, name] = digest(encode(sources[source](name)))
            if now != seen:
                return None
        return found[0]

    def _run(
        self,
        step: Step,
        items: Sequence[Any],
        sources: Mapping[str, Source],
        output: Output,
    ) -> Generator[Run, None, None]:
        """Yield the outcome of each item, in order: from a pool if there is enough to do."""
        if not items:
            return
        given = self._path, self._root, sources, output, self._base
        context = StepContext(*given)
        here = partial(context.run, step)
        with self._progress(step.label, len(items)) as advance:
            try:
                # The first one here: what it imports and prepares, each process then has.
                yield from here(items[:1])
                advance(1)
                chunks = batched(items[1:], step.chunk)
                runs: Iterable[list[Run]]
                if self._workers == 1 or len(items) <= 2 * step.chunk + 1:
                    runs = map(here, chunks)
                else:
                    runs = spread(partial(_work, step), chunks, self._workers, _begin, given, here)
                for run in runs:
                    yield from run
                    advance(len(run))
            finally:
                context.close()


def _work(step: Step, items: Sequence[Any]) -> list[Run]:
    """Run a step over a chunk of items, in a process of the pool."""
    return _context.run(step, items)


def _begin(*given: Any) -> None:
    global _context
    _context = StepContext(*given)


_context: StepContext
"""The context of this process of the pool."""


def with_memo(
    state: Path,
    root: Path,
    work: Callable[[Memo], T],
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
    is_writable: bool = True,
) -> T:
    """Return what `work` returns with the memo in the folder `state`, or without one.

    A damaged store is deleted, and the work done again. One that cannot be written (the disk is
    full, another process has it) is left alone, and a temporary one used. So `work` must be
    repeatable until it publishes. Raises OutputError without room for that either.

    is_writable: if not, nothing is written in `state`, but what is stored there is used.
    """
    for _ in range(2 if is_writable else 0):
        try:
            with Memo(state, root, workers=workers, progress=progress) as memo:
                return work(memo)
        except StoreError as error:
            if error.is_in_use:
                break
            discard(state)
    from tempfile import TemporaryDirectory  # slow to import, and rarely needed

    temporary = partial(Memo, root=root, is_lasting=False, workers=workers, progress=progress)
    for base in (None,) if is_writable else (state / FILE_NAME, None):
        try:
            with TemporaryDirectory() as folder, temporary(Path(folder), base=base) as memo:
                return work(memo)
        except StoreError as error:
            what = f"temporary files cannot be written: {error}"
    raise OutputError(Problem(what, "free some space and run again"))


def encode(value: Any) -> bytes:
    """Return `value` as it is stored and as digests are made of it."""
    return _ENCODER.encode(value)


def decode(data: bytes, kind: type[T]) -> T:
    """Return the value of type `kind` that `data` is the encoding of. Raises StoreError."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        value: T = decoder.decode(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(str(error)) from error
    return value


def _text(value: object) -> str:
    """Return a text of a type of its own, such as a language, or a time zone, as JSON has it."""
    if isinstance(value, str | ZoneInfo):
        return str(value)
    raise NotImplementedError


_ENCODER = msgspec.json.Encoder(enc_hook=_text, order="deterministic")
_DECODERS: dict[Any, Any] = {}
_READS: Any = list[tuple[str, str, Digest]]
_NO_READS: Final = b"[]"
