"""A private PostgreSQL server in a temporary folder, as Debian packages it; never as root, which it refuses."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "fake-postgres-password"
_DEADLINE_SECONDS = 60.0
_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Server:
    """A running server with the database `dagster`, owned by the user `dagster`."""

    binaries: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables that deploy/dagster.yaml reads."""
        return {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(self.port),
            "DAGSTER_PG_DB": "dagster",
            "DAGSTER_PG_USERNAME": "dagster",
            "DAGSTER_PG_PASSWORD": PASSWORD,
        }

    def dump(self) -> str:
        """Everything in the database, as SQL."""
        command = [str(self.binaries / "pg_dump"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "dagster", "dagster"]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are: in PATH, or where Debian puts them, the newest version first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return folders[-1].parent if folders else None


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Make a database, start the server on a free port of 127.0.0.1, and remove both at the end."""
    folder_of_binaries = binaries()
    if folder_of_binaries is None:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    # Not pytest's folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="mmm-postgres-"))
    other = {"user": _UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, _UNPRIVILEGED)
    try:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        make = [folder_of_binaries / "initdb", "--pgdata", folder / "data", "--username", "dagster", "--no-sync",
                "--auth", "scram-sha-256", "--pwfile", folder / "password", "--encoding", "UTF8"]  # fmt: skip
        subprocess.run(make, cwd=folder, check=True, capture_output=True, **other)
        start = [folder_of_binaries / "postgres", "-D", folder / "data", "-F", "-h", "127.0.0.1", "-p", str(port),
                 "-k", folder]  # fmt: skip
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(start, cwd=folder, stdout=log, stderr=log, **other) as own,
        ):
            try:
                server = Server(folder_of_binaries, port)
                _make_database(server, own, folder / "log")
                yield server
            finally:
                own.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_database(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    command = [str(server.binaries / "createdb"), "-h", "127.0.0.1", "-p", str(server.port), "-U", "dagster", "dagster"]
    until = time.monotonic() + _DEADLINE_SECONDS
    environment = {**os.environ, "PGPASSWORD": PASSWORD}
    while subprocess.run(command, env=environment, capture_output=True).returncode:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
