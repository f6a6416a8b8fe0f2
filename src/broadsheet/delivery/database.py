"""The delivery database: its tables, and how it is opened.

SQLite by default; through SQLAlchemy Core, a PostgreSQL server only needs another URL.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.types import TypeEngine

from broadsheet.delivery.files import create, exists, sqlite_file
from broadsheet.errors import ConfigError, DatabaseError, DatabaseLockedError, Problem

LOCK_TIMEOUT_S: Final = 30.0
"""How long to wait for another program that has the database locked."""

SCHEMA_VERSION: Final = 5

_DRIVERS: Final = ("sqlite", "postgresql")
_POLL_S: Final = 0.003  # between attempts while another program writes to an SQLite file
_CREATE_LOCK: Final = 0x62726F61  # "broa": the PostgreSQL lock for creating the schema

metadata = sql.MetaData()


def _id() -> sql.Column[int]:
    # AUTOINCREMENT: ids are in links, so the id of a deleted row must not be used again.
    return sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True)


def _text(name: str, default: str | None = None, *, null: bool = False) -> sql.Column[str]:
    return sql.Column(name, sql.Text, nullable=null, server_default=default)


def _reference(name: str, table: str, *, null: bool = False) -> sql.Column[int]:
    return sql.Column(name, sql.BigInteger, sql.ForeignKey(f"{table}.id"), nullable=null)


def _table(name: str, *items: sql.schema.SchemaItem) -> sql.Table:
    return sql.Table(name, metadata, *items, sqlite_autoincrement=True)


# Times are text in UTC, such as 2025-06-30T01:00:00.000000Z: sortable and readable.
subscribers = _table(
    "subscribers",
    _id(),
    _text("address"),  # as mail is sent to it: ASCII, domain in IDNA form
    sql.Column("address_key", sql.Text, nullable=False, unique=True),  # common to all spellings
    _text("name", ""),
    _text("language", ""),  # a language tag; "" for the digest's own
    _text("topics", "[]"),  # the topics wanted, JSON; [] for all
    _text("digests", "[]"),  # the digests wanted, JSON; [] for all
    sql.Column(
        "status",
        sql.Text,
        sql.CheckConstraint(
            "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')"
        ),
        nullable=False,
        index=True,
    ),
    _text("since"),  # when the status last changed
    _text("cause"),  # and why
    sql.Column("bounces", sql.Integer, nullable=False, server_default="0"),  # temporary ones
    _text("bounced_at", null=True),  # the last of these
)
changes = _table(  # of subscribers; rows are only ever added
    "changes",
    _id(),
    _reference("subscriber", "subscribers"),
    _text("at"),
    _text("what"),  # status, name, language, topics, digests
    _text("before"),
    _text("after"),
    _text("cause"),
    sql.Index("changes_by_subscriber", "subscriber"),
)
issues = _table(  # whose delivery has begun, with everything that their mail is made from
    "issues",
    _id(),
    _text("digest"),
    _text("key"),
    _text("tick"),  # when the issue was due
    _text("begun"),  # when its rows were created; the Date of its mail
    sql.Column("total", sql.BigInteger, nullable=False),  # number of rows
    _text("done", null=True),  # when its last row became final
    sql.Column("mail", sql.LargeBinary, nullable=False),  # message.eml as issued
    _text("contexts"),  # what variants are laid out from, JSON
    _text("counts", null=True),  # rows in each state when it was done, JSON
    sql.UniqueConstraint("digest", "key"),
)
senders = _table(  # runs that send; on SQLite, each holds a lock while it lives (locks.py)
    "senders",
    _id(),
    _text("name"),  # host and process
    _text("begun"),
    _text("ended", null=True),
)
deliveries = _table(  # the ledger: one row for each issue and subscriber
    "deliveries",
    _id(),
    _reference("issue", "issues"),
    _reference("subscriber", "subscribers", null=True),  # NULL: erased; the row is only counted
    sql.Column(
        "state",
        sql.Text,
        sql.CheckConstraint(
            "state IN ('pending', 'claimed', 'retry', 'in_doubt', 'sent', 'failed', 'skipped')"
        ),
        nullable=False,
    ),
    sql.Column("attempts", sql.Integer, nullable=False, server_default="0"),
    _text("first_at", null=True),  # the first attempt
    _text("changed"),
    _text("next_at", null=True),  # retry, in_doubt: not before this time
    _reference("sender", "senders", null=True),  # the run that claims it, or claimed it last
    _text("lease", null=True),  # claimed: until when
    sql.Column("code", sql.Integer),  # of the server's last reply
    _text("reply", ""),  # its text, or the reason for the state
    sql.UniqueConstraint("issue", "subscriber"),
    sql.Index("deliveries_by_state", "issue", "state", "next_at", "id"),
    sql.Index("deliveries_by_subscriber", "subscriber"),
)
pace = sql.Table(  # when the next message may be sent; shared by all runs
    "pace",
    metadata,
    sql.Column("domain", sql.Text, primary_key=True),  # with its own limit; "" for all mail
    sql.Column("next_at", sql.Double, nullable=False, server_default="0"),  # seconds since 1970
    _text("day", ""),  # such as 2025-06-30
    sql.Column("booked", sql.BigInteger, nullable=False, server_default="0"),  # messages, that day
)
reminders = sql.Table(  # that were sent of drafts that wait for approval
    "reminders",
    metadata,
    sql.Column("digest", sql.Text, primary_key=True),
    sql.Column("key", sql.Text, primary_key=True),
    sql.Column("day", sql.Text, primary_key=True),  # such as 2025-06-30
)
# The last migration that was applied to the tables of the queue (jobs.py); PostgreSQL only.
queue_schema = sql.Table("queue_schema", metadata, _text("migration"))
# Addresses that were erased: HMAC-SHA-256 of address_key, with the key `erasures`.
erasures = sql.Table(
    "erasures", metadata, sql.Column("hash", sql.Text, primary_key=True), _text("at")
)
# Random keys of this database, hexadecimal.
keys = sql.Table("keys", metadata, sql.Column("name", sql.Text, primary_key=True), _text("value"))

_versions = sql.Table("schema_versions", sql.MetaData(), sql.Column("version", sql.Integer))
IDLE_TRANSACTION_S = 10.0
"""How long a process that is stopped may hold up others by a transaction that it has begun."""

_LEDGER_LOCK: Final = sql.select(_versions.c.version).with_for_update()
_KEEPALIVE: Final = {"idle": 10, "interval": 5, "count": 4}
_UNACKNOWLEDGED_MS: Final = 30_000
CONNECTION: Final = {
    "client_encoding": "UTF8",  # a database without an encoding (SQL_ASCII) would return bytes
    "tcp_user_timeout": _UNACKNOWLEDGED_MS,
    **{f"keepalives_{name}": number for name, number in _KEEPALIVE.items()},
}
"""Parameters of libpq. With them, both sides notice in half a minute that the other is gone."""


def stamp(moment: datetime) -> str:
    """Return an aware `moment` as it is stored: UTC with microseconds, always 27 characters."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(stamp: str) -> datetime:
    """Return the aware moment of a `stamp`."""
    return datetime.fromisoformat(stamp)


@dataclass(frozen=True, slots=True)
class Database:
    """An open database.

    shown: its name in messages, without a password. file: of SQLite; None for a server.
    """

    engine: sql.Engine = field(repr=False)
    shown: str
    file: Path | None

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """Open a transaction that may write, and commit it at the end. Raises DatabaseError."""
        with self._errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """Open a transaction that only reads and blocks no other. Raises DatabaseError."""
        with self._errors(), self.engine.connect() as connection:
            connection = connection.execution_options(broadsheet_reads=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise database_error(error, self.shown) from error


def open_database(url: str, root: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Database:
    """Open the database at `url`, and create it if it does not exist.

    root: the folder that a relative SQLite path starts from. timeout_s: how long to wait for other
    programs. Raises ConfigError for an invalid URL, DatabaseError if it cannot be used.
    """
    check_location(url, root)
    if file := sqlite_file(url, root):
        with suppress(OSError):  # SQLite reports the reason
            create(file)
    database = _connect(url, root, timeout_s)
    try:
        if not _has_schema(database):
            _create_schema(database)
    except DatabaseError:
        database.close()
        raise
    return database


def open_existing(url: str, root: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Database | None:
    """Like `open_database`, but create nothing: return None if it does not exist yet."""
    if not exists(url, root):
        return None
    database = _connect(url, root, timeout_s)
    has_schema = False
    try:
        has_schema = _has_schema(database)
    finally:
        if not has_schema:
            database.close()
    return database if has_schema else None


def empty_database() -> Database:
    """Return an empty database in memory, for a dry run before there is a real one."""
    database = Database(_sqlite_engine(sql.engine.make_url("sqlite://")), "memory", None)
    _create_schema(database)
    return database


def check_location(url: str, root: Path) -> None:
    """Raise DatabaseError if the SQLite file at `url` does not exist and cannot be created."""
    file = sqlite_file(url, root)
    if file is None or file.is_file():
        return
    if file.is_dir():
        what, todo = "it is a folder", "move it away, or correct delivery.database"
    elif not file.parent.is_dir():
        what, todo = "its folder does not exist", "create it, or correct delivery.database"
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        what, todo = "it cannot be created: its folder is read-only", "let this user write there"
    else:
        return
    raise DatabaseError(Problem(what, todo, str(file)))


def check_writable(database: Database) -> None:
    """Raise DatabaseError if `database` cannot be written now: locked or read-only.

    Writes something and rolls it back: SQLite reports such errors only when something is written.
    """
    with database.writing() as connection:
        connection.execute(sql.update(pace).values(next_at=pace.c.next_at))
        connection.rollback()


def database_error(error: SQLAlchemyError, shown: str) -> DatabaseError:
    """Return the error to report for `error`, without SQL and secrets."""
    why = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    why = why.strip().partition("\n")[0]
    if "locked" in why or "lock timeout" in why:
        todo = "end that program or wait for it, and run again; nothing is lost"
        return DatabaseLockedError(Problem("another program has it locked", todo, shown))
    if any(each in why for each in ("disk is full", "disk I/O", "No space left")):
        problem = Problem(f"it cannot be written: {why}", "free some space and run again", shown)
        return DatabaseError(problem)
    is_file = isinstance(getattr(error, "orig", None), sqlite3.Error)
    todo = f"check {'the file' if is_file else 'the server, PGPASSWORD'} and delivery.database"
    return DatabaseError(Problem(f"the database says: {why}", f"{todo}, and run again", shown))


def only_reads(connection: sql.Connection) -> bool:
    """Whether `connection` is in a transaction that `Database.reading` began."""
    return bool(connection.get_execution_options().get("broadsheet_reads"))


def lock_ledger(connection: sql.Connection) -> None:
    """Exclude others from beginning an issue or erasing a subscriber until the transaction ends.

    In SQLite, the transaction itself excludes other writers. A server ends the transaction of a
    process that is stopped in it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sql.text(f"SET LOCAL {idle_timeout()}"))
    connection.execute(_LEDGER_LOCK)


def run_on_sqlite(connection: sql.Connection, statement: str) -> None:
    """Run an SQLite statement outside of any transaction; do nothing on a server."""
    if connection.dialect.name == "sqlite":
        # Through the driver: SQLAlchemy would begin a transaction.
        connection.connection.cursor().execute(statement).close()


def end_idle_transactions(connection: sql.Connection) -> None:
    """Let a server end a transaction of `connection` in which nothing happens (PostgreSQL only).

    A run that is stopped in the middle of one then blocks no other; it connects again.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sql.text(f"SET {idle_timeout()}"))
        connection.commit()


class RowsUpdate:
    """An UPDATE of several rows of the ledger, with values of their own: one statement on a server.

    Sent one by one, the statements would be a pipeline, and the server does not end the transaction
    of a process that is stopped in the middle of one: `idle_in_transaction_session_timeout` counts
    only between pipelines. Its rows would be locked until that process ends.
    """

    def __init__(
        self,
        make: Callable[[Mapping[str, sql.ColumnElement[Any]]], sql.Update],
        **columns: TypeEngine[Any],
    ) -> None:
        """make: returns the statement, given the values of each row, of which `row` is the id.
        columns: their types."""
        self._each = make(
            {name: sql.bindparam(name, type_=type_) for name, type_ in columns.items()}
        )
        sent = sql.func.json_to_recordset(sql.bindparam("rows", type_=sql.JSON))
        named = (sql.column(name, type_) for name, type_ in columns.items())
        every = sent.table_valued(*named).render_derived(with_types=True)
        # Without the ids, PostgreSQL may read the whole table.
        ids = sql.any_(sql.bindparam("ids", type_=sql.ARRAY(sql.BigInteger)))
        self._at_once = make({name: every.c[name] for name in columns}).where(
            deliveries.c.id == ids
        )

    def execute(
        self,
        connection: sql.Connection,
        rows: Sequence[Mapping[str, Any]],
        common: Mapping[str, Any],
    ) -> None:
        """Update `rows`. common: the values that all of them share."""
        if connection.dialect.name == "postgresql":
            ids = [row["row"] for row in rows]
            connection.execute(self._at_once, {"rows": rows, "ids": ids, **common})
        else:
            statement, fixed, values = self._on_sqlite
            shared = {**fixed, **common}
            connection.exec_driver_sql(statement, [values({**shared, **row}) for row in rows])

    @cached_property
    def _on_sqlite(self) -> tuple[str, Mapping[str, Any], Callable[[Any], Any]]:
        """The statement for each row, its own values, and what puts all of its values in order.

        SQLAlchemy would take as long to do this for each row as SQLite takes to update it.
        """
        compiled = self._each.compile(dialect=sqlite.dialect())
        return str(compiled), compiled.params, itemgetter(*(compiled.positiontup or ()))


def session_settings(*more: str) -> str:
    """Return the statement with which a server gives up a client that is gone.

    Not the `options` of libpq, which poolers such as PgBouncer refuse. more: further settings.
    """
    keepalives = (f"tcp_keepalives_{name} = {number}" for name, number in _KEEPALIVE.items())
    ours = (f"tcp_user_timeout = {_UNACKNOWLEDGED_MS}", *keepalives, *more)
    return "; ".join(f"SET {each}" for each in ours)


def idle_timeout() -> str:
    """Return the setting for how long a transaction may do nothing before a server ends it."""
    return f"idle_in_transaction_session_timeout = {round(IDLE_TRANSACTION_S * 1000)}"


def epoch(connection: sql.Connection) -> sql.ColumnElement[float]:
    """The seconds since 1970 by the server's clock; by this machine's for SQLite."""
    if connection.dialect.name == "sqlite":
        return sql.literal(time.time())
    return sql.cast(sql.extract("epoch", sql.func.clock_timestamp()), sql.Double)


def set_lock_timeout(connection: sql.Connection, seconds: float) -> None:
    """Set how long `connection` waits for other programs (SQLite only)."""
    run_on_sqlite(connection, f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _has_schema(database: Database) -> bool:
    """Whether there are tables. Raises DatabaseError if they are of another version."""
    with database.reading() as connection:
        return _check_schema(connection, database.shown)


def _check_schema(connection: sql.Connection, shown: str) -> bool:
    if not sql.inspect(connection).has_table("schema_versions"):
        return False
    version = connection.execute(sql.select(sql.func.max(_versions.c.version))).scalar() or 0
    if version == SCHEMA_VERSION:
        return True
    what = f"its schema has version {version}; this Broadsheet needs version {SCHEMA_VERSION}"
    todo = (
        "use the Broadsheet that wrote it; to move to this one, export the subscribers with "
        "that one and import them into a new database"
    )
    raise DatabaseError(Problem(what, todo, shown))


def _create_schema(database: Database) -> None:
    """Create all tables in one transaction; another process may be doing the same."""
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_CREATE_LOCK)))
        if _check_schema(connection, database.shown):
            return
        metadata.create_all(connection)
        _versions.create(connection)
        connection.execute(sql.insert(pace).values(domain=""))
        connection.execute(sql.insert(_versions).values(version=SCHEMA_VERSION))


def _connect(url: str, root: Path, timeout_s: float) -> Database:
    parsed = _parsed(url)
    file = sqlite_file(url, root)
    if file is not None:
        # Never created by a connection: a missing one may only have been moved away for a moment.
        name = f"file:{quote(str(file))}"
        parsed = parsed.set(database=name, query={**parsed.query, "mode": "rw", "uri": "true"})
    shown = file.name if file is not None else parsed.render_as_string(hide_password=True)
    try:
        if file is not None:
            engine = _sqlite_engine(parsed, timeout=timeout_s)
        else:
            engine = _server_engine(parsed, timeout_s)
    except (ImportError, SQLAlchemyError) as error:
        what = f"{shown} cannot be used: {error}"
        todo = "install the driver that the URL names, such as psycopg"
        raise ConfigError(Problem(what, todo, key="delivery.database")) from error
    return Database(engine, shown, file)


def _sqlite_engine(url: URL, **arguments: Any) -> sql.Engine:
    # Parameters include addresses, which must not appear in a message.
    engine = sql.create_engine(url, hide_parameters=True, connect_args=arguments)
    sql.event.listen(engine, "connect", _prepare)
    sql.event.listen(engine, "begin", _begin)
    return engine


def _server_engine(url: URL, timeout_s: float) -> sql.Engine:
    engine = sql.create_engine(
        url,
        hide_parameters=True,
        connect_args={"connect_timeout": max(2, round(timeout_s)), **CONNECTION},
        pool_pre_ping=True,  # a restart of the server closes the connections
    )
    settings = session_settings(f"lock_timeout = {round(timeout_s * 1000)}")
    sql.event.listen(engine, "connect", partial(_set_up_session, settings))
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = sql.engine.make_url(url)
    except ArgumentError:
        raise _invalid("this is not a URL", "write one like sqlite:///broadsheet.db") from None
    if parsed.password or any("password" in name.casefold() for name in parsed.query):
        raise _invalid(
            "a password does not belong in the config",
            "remove it, and set PGPASSWORD or use ~/.pgpass",
        )
    if parsed.get_backend_name() not in _DRIVERS:
        raise _invalid(
            f"{parsed.drivername!r} is not a supported database",
            "write sqlite:///... or postgresql+psycopg://...",
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise _invalid("it names no file", "write one like sqlite:///broadsheet.db")
    return parsed


def _invalid(what: str, todo: str) -> ConfigError:
    return ConfigError(Problem(what, todo, key="delivery.database"))


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """Configure a new SQLite connection."""
    # Otherwise Python's sqlite3 begins its own transactions, and not IMMEDIATE ones.
    connection.isolation_level = None
    # So that readers do not block the writer. SQLite does not wait to set it while another process
    # writes, as one that is creating the same file.
    if not _succeeds(connection.cursor(), "PRAGMA journal_mode = WAL", _busy_timeout(connection)):
        connection.execute("PRAGMA journal_mode = WAL")
    # A commit is on the disk when it returns, so it survives a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Deleted data is overwritten, so an erased address is nowhere in the file.
    connection.execute("PRAGMA secure_delete = ON")


def _set_up_session(settings: str, connection: Any, _: object) -> None:
    """Execute `settings` on a new connection to a server, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(settings)
    connection.commit()


def _begin(connection: sql.Connection) -> None:
    # IMMEDIATE: a writer waits at the start. A transaction that has read and then finds another
    # writer could only fail.
    if only_reads(connection):
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_immediate(connection)


def _begin_immediate(connection: sql.Connection) -> None:
    """Wait for other writers, and try often.

    SQLite itself tries ten times a second, and can miss every moment between the batches of an
    import.
    """
    driver = connection.connection.cursor()
    timeout_ms = _busy_timeout(driver)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        if not _succeeds(driver, "BEGIN IMMEDIATE", timeout_ms):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # so that SQLAlchemy raises its own error
    finally:
        driver.execute(f"PRAGMA busy_timeout = {timeout_ms}")
        driver.close()


def _busy_timeout(driver: Any) -> int:
    """Return how long a connection or its cursor waits for other programs, in ms."""
    return int(driver.execute("PRAGMA busy_timeout").fetchone()[0])


def _succeeds(driver: Any, statement: str, timeout_ms: int) -> bool:
    """Try to execute `statement` while the database is locked; return whether that succeeded."""
    end = time.monotonic() + timeout_ms / 1000
    while time.monotonic() < end:
        try:
            driver.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
            time.sleep(_POLL_S)
        else:
            return True
    return False
