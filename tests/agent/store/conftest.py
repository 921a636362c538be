"""Every test of the store runs against SQLite and against a PostgreSQL server of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine

from agent.store import Store

BINARIES = "/usr/lib/postgresql"  # where Debian puts each version's


def _program(name: str) -> str | None:
    versions = sorted(Path(BINARIES).glob(f"*/bin/{name}"))
    return str(versions[-1]) if versions else shutil.which(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server that is started for this run, listening on a socket in a folder."""
    programs = _program("initdb"), _program("pg_ctl")
    if not all(programs):
        pytest.skip("there is no PostgreSQL here (Debian's package postgresql)")
    initdb, pg_ctl = programs
    # Not among pytest's folders: each run closes those of all runs to other users.
    with TemporaryDirectory(prefix="hearken-postgres-") as name:
        folder = Path(name)
        nobody = _other_than_root(folder)
        books, log = folder / "books", folder / "log"
        _run(nobody, initdb, "-D", str(books), "-A", "trust", "-U", "hearken", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        _run(nobody, pg_ctl, "-D", str(books), "-l", str(log), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://hearken@/postgres?host={folder}"
        finally:
            _run(nobody, pg_ctl, "-D", str(books), "-m", "immediate", "stop")


def _other_than_root(folder: Path) -> dict[str, int]:
    """PostgreSQL refuses to run as root: then another user owns the folder, and is it."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid}


def _run(who: dict[str, int], *command: str) -> None:
    cwd = {"cwd": "/", "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **cwd, **who) \
        if command[-1] != "start" else _started(who, *command)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _started(who: dict[str, int], *command: str) -> subprocess.CompletedProcess[str]:
    """A server keeps its starter's pipes open, so it gets none."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    code = subprocess.run(command, check=False, cwd="/", stdin=subprocess.DEVNULL, **quiet, **who)
    return subprocess.CompletedProcess(command, code.returncode, "", "the server did not start")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> Path | str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return tmp_path / "state" / "hearken.sqlite3"
    url: str = request.getfixturevalue("postgres")
    name = f"test_{abs(hash(request.node.nodeid))}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as books:
        books.exec_driver_sql(f"create database {name}")
    engine.dispose()
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def opened(place) -> Iterator[Callable[[], Store]]:
    """Opens the same database again and again, as a restarted server does."""
    stores: list[Store] = []

    def again() -> Store:
        stores.append(Store(place))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def store(opened) -> Store:
    return opened()
