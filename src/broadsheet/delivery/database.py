"""The delivery database: its tables, and opening it.

SQLite by default, through SQLAlchemy Core, so that PostgreSQL is only another URL. The schema is
the SQL in schema/ (migrating.py); the tables below say the same to SQLAlchemy, and a test compares
the two. Importing this takes 0.1 s: only commands that need it do.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from broadsheet.delivery.migrating import DIALECTS, migrate, schema_version
from broadsheet.delivery.place import exists, sqlite_file
from broadsheet.delivery.private import create
from broadsheet.errors import ConfigError, DatabaseError, DatabaseLockedError, Problem

PATIENCE: Final = 30.0
"""Seconds to wait for another program to be done with the database."""

_ASK_AGAIN: Final = 0.003  # seconds, while another program writes to an SQLite file

metadata = sql.MetaData()


def _table(name: str, /, **columns: Any) -> sql.Table:
    return sql.Table(name, metadata, *(sql.Column(key, kind) for key, kind in columns.items()))


subscribers = _table(
    "subscribers",
    id=sql.BigInteger,
    address=sql.Text,
    address_key=sql.Text,
    name=sql.Text,
    language=sql.Text,
    topics=sql.Text,
    digests=sql.Text,
    status=sql.Text,
    since=sql.Text,
    cause=sql.Text,
    bounces=sql.Integer,
    bounced_at=sql.Text,
)
changes = _table(
    "changes",
    id=sql.BigInteger,
    subscriber=sql.BigInteger,
    at=sql.Text,
    what=sql.Text,
    before=sql.Text,
    after=sql.Text,
    cause=sql.Text,
)
issues = _table(
    "issues",
    id=sql.BigInteger,
    digest=sql.Text,
    key=sql.Text,
    tick=sql.Text,
    begun=sql.Text,
    total=sql.BigInteger,
    done=sql.Text,
    mail=sql.LargeBinary,
    letters=sql.Text,
    counts=sql.Text,
)
senders = _table("senders", id=sql.BigInteger, name=sql.Text, begun=sql.Text, ended=sql.Text)
deliveries = _table(
    "deliveries",
    id=sql.BigInteger,
    issue=sql.BigInteger,
    subscriber=sql.BigInteger,
    state=sql.Text,
    attempts=sql.Integer,
    first_at=sql.Text,
    changed=sql.Text,
    next_at=sql.Text,
    sender=sql.BigInteger,
    lease=sql.Text,
    code=sql.Integer,
    reply=sql.Text,
)
pace = _table("pace", name=sql.Text, next_at=sql.Double)
erasures = _table("erasures", hash=sql.Text, at=sql.Text)
keys = _table("keys", name=sql.Text, value=sql.Text)

_PACE: Final = sql.select(pace.c.next_at).where(pace.c.name == "all").with_for_update()


def stamp(moment: datetime) -> str:
    """An aware `moment` as the database holds it: UTC, microseconds, of one length for ever."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(stamp: str) -> datetime:
    """The aware moment of a `stamp`."""
    return datetime.fromisoformat(stamp)


@dataclass(frozen=True, slots=True)
class Database:
    """The open database. shown: what messages call it; never a password.

    file: the SQLite file, None for a server's.
    """

    engine: sql.Engine = field(repr=False)
    shown: str
    file: Path | None

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """One transaction that may write: all of it or nothing. Raises DatabaseError."""
        with self._errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """One transaction that only reads, and holds up no one. Raises DatabaseError."""
        with self._errors(), self.engine.connect() as connection:
            connection = connection.execution_options(broadsheet_reads=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Closes the connections that are held open."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise database_error(error, self.shown) from error


def open_database(url: str, root: Path, patience: float = PATIENCE) -> Database:
    """The database at `url`, made where there is none and brought up to date.

    root: what a relative SQLite path starts from. patience: seconds to wait for other programs.
    Raises ConfigError for a URL that is none, DatabaseError when it cannot be used.
    """
    check_place(url, root)
    database = _open(url, root, patience)
    try:
        migrate(database)
    except DatabaseError:
        database.close()
        raise
    return database


def check_place(url: str, root: Path) -> None:
    """Raise DatabaseError if there is no SQLite file at `url`, and none can be made there."""
    file = sqlite_file(url, root)
    if file is None or file.is_file():
        return
    if file.is_dir():
        what, todo = "it is a folder", "move it away, or correct delivery.database"
    elif not file.parent.is_dir():
        what, todo = "there is no folder for it", "make that folder, or correct delivery.database"
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        what, todo = "it cannot be made: its folder is read-only", "let this user write there"
    else:
        return
    raise DatabaseError(Problem(what, todo, str(file)))


def can_write(database: Database) -> None:
    """Raise DatabaseError if `database` cannot be written now: locked or read-only.

    A write is begun and taken back: SQLite finds out no earlier.
    """
    with database.writing() as connection:
        connection.execute(sql.update(pace).values(next_at=pace.c.next_at))
        connection.rollback()


def open_existing(url: str, root: Path, patience: float = PATIENCE) -> Database | None:
    """The same for who only reads: None where there is no database yet, and then none is made."""
    if not exists(url, root):
        return None
    database = _open(url, root, patience)
    try:
        with database.reading() as connection:
            empty = schema_version(connection) == 0
        if not empty:
            migrate(database)
    except DatabaseError:
        database.close()
        raise
    if empty:
        database.close()
    return None if empty else database


def database_error(error: SQLAlchemyError, shown: str) -> DatabaseError:
    """What is wrong with the database, in words; neither SQL nor a secret is shown."""
    why = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    why = why.strip().partition("\n")[0]
    if "locked" in why or "lock timeout" in why:
        return DatabaseLockedError(
            Problem(
                "another program has it locked",
                "end that program, or wait for it, and run again; nothing is lost",
                shown,
            )
        )
    if "disk is full" in why or "disk I/O" in why:
        return DatabaseError(
            Problem(f"it cannot be written: {why}", "make room and run again", shown)
        )
    return DatabaseError(Problem(f"the database says: {why}", "fix it and run again", shown))


def only_reads(connection: sql.Connection) -> bool:
    """Whether `connection` is in a transaction that `Database.reading` began."""
    return bool(connection.get_execution_options().get("broadsheet_reads"))


def serialise(connection: sql.Connection) -> float:
    """Lets no other run into a transaction like this one; the first free moment of the pace.

    In SQLite the transaction itself does that; elsewhere the lock on this row.
    """
    return float(connection.execute(_PACE).scalar_one())


def relax(connection: sql.Connection) -> None:
    """Lets the commits of `connection` return before the disk has them; see `make_safe`.

    They hold whatever becomes of the process. Only SQLite: a server has ways of its own.
    """
    if connection.dialect.name == "sqlite":
        _pragma(connection, "synchronous = NORMAL")


def hurry(connection: sql.Connection, patience: float) -> None:
    """Lets `connection` wait for other programs no longer than `patience` seconds at a time."""
    if connection.dialect.name == "sqlite":
        _pragma(connection, f"busy_timeout = {round(patience * 1000)}")


def make_safe(connection: sql.Connection) -> None:
    """Brings all commits so far to the disk; `connection` is in no transaction."""
    if connection.dialect.name == "sqlite":
        _pragma(connection, "wal_checkpoint(PASSIVE)")


def _pragma(connection: sql.Connection, text: str) -> None:
    # By the driver's own connection: SQLAlchemy would begin a transaction.
    connection.connection.cursor().execute(f"PRAGMA {text}").close()


def _open(url: str, root: Path, patience: float) -> Database:
    parsed = _url(url)
    file = sqlite_file(url, root)
    if file is not None:
        parsed = parsed.set(database=str(file))
    shown = file.name if file is not None else parsed.render_as_string(hide_password=True)
    options: dict[str, Any] = {"connect_args": {"timeout": patience}}
    if file is None:
        # A server that was started anew has dropped the connections that are held open.
        options = {
            "connect_args": {"connect_timeout": max(2, round(patience))},
            "pool_pre_ping": True,
        }
    try:
        # Parameters are people's addresses: they belong in no message.
        engine = sql.create_engine(parsed, hide_parameters=True, **options)
    except (ImportError, SQLAlchemyError) as error:
        raise ConfigError(
            Problem(
                f"{shown} cannot be used: {error}",
                "install the driver that the URL names, such as psycopg",
                key="delivery.database",
            )
        ) from error
    if file is not None:
        sql.event.listen(engine, "do_connect", partial(_create, file))
        sql.event.listen(engine, "connect", _prepare)
        sql.event.listen(engine, "begin", _begin)
    else:
        sql.event.listen(engine, "connect", partial(_wait_for_locks, patience))
    return Database(engine, shown, file)


def _url(url: str) -> URL:
    try:
        parsed = sql.engine.make_url(url)
    except ArgumentError:
        raise ConfigError(
            Problem(
                "this is not a URL",
                "write one like sqlite:///broadsheet.db",
                key="delivery.database",
            )
        ) from None
    if parsed.password or any("password" in name.casefold() for name in parsed.query):
        raise ConfigError(
            Problem(
                "a password has no place in the config",
                "leave it out; PostgreSQL's own PGPASSWORD or ~/.pgpass gives it",
                key="delivery.database",
            )
        )
    if parsed.get_backend_name() not in DIALECTS:
        raise ConfigError(
            Problem(
                f"{parsed.drivername!r} is not a supported database",
                "write sqlite:///... or postgresql+psycopg://...",
                key="delivery.database",
            )
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigError(
            Problem(
                "it names no file",
                "write one like sqlite:///broadsheet.db",
                key="delivery.database",
            )
        )
    return parsed


def _create(file: Path, *_: object) -> None:
    """Creates the file before SQLite would, with the umask; its companions get the file's mode."""
    with suppress(OSError):  # SQLite says what is wrong
        create(file)


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """What each SQLite connection keeps to."""
    # Else Python's sqlite3 begins transactions of its own, and not IMMEDIATE ones.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")  # readers and the one writer do not wait
    # A commit is on the disk when it returns: what was sent stays known after a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten: an erased address is in no corner of the file.
    connection.execute("PRAGMA secure_delete = ON")


def _wait_for_locks(patience: float, connection: Any, _: object) -> None:
    """PostgreSQL else waits for another program's rows for ever."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {round(patience * 1000)}")
    connection.commit()


def _begin(connection: sql.Connection) -> None:
    # IMMEDIATE: who means to write waits at the start. A transaction that read first and finds
    # another writer when it comes to write could only fail.
    if only_reads(connection):
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_to_write(connection)


def _begin_to_write(connection: sql.Connection) -> None:
    """Wait for other writers, asking often.

    SQLite's own way to wait asks ten times a second, and can miss every moment between the
    batches of an import.
    """
    driver = connection.connection.cursor()
    driver.execute("PRAGMA busy_timeout")
    (patience,) = driver.fetchone() or (0,)  # milliseconds
    end = time.monotonic() + patience / 1000
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < end:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(_ASK_AGAIN)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for an error of SQLAlchemy's
    finally:
        driver.execute(f"PRAGMA busy_timeout = {patience}")
        driver.close()
