"""The processes of `mmm ui`: started in order, their lines passed on, and ended together, however this one ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import yaml

from mmm_pipeline.engines import attendant
from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.ui import webserver
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.text_safety.printable import printable

__all__ = ["ADDRESS", "serve"]

ADDRESS = "127.0.0.1"
_MODULE = "mmm_pipeline.definitions"
_LOCATION = "mmm_pipeline"
_POLL_SECONDS = 0.2
_START_SECONDS = 300.0
_GRACE_SECONDS = 15.0
"""For the steps at work: they end at their next report."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def serve(
    port: int,
    environment: Mapping[str, str],
    *,
    read_only: bool,
    is_open: Callable[[], object],
    told: Callable[[str], object],
) -> None:
    """Run code server, webserver and daemon until a signal ends this process, or one of them ends.

    Args:
        port: on 127.0.0.1.
        environment: of the processes; names the home.
        read_only: without the daemon, and with a webserver that changes nothing.
        is_open: called once the UI answers.
        told: given every line that the processes print, fit for a terminal; called from several threads.

    Raises:
        SettingsError: one of them ended by itself, or did not start.
        KeyboardInterrupt: Ctrl-C, or a signal that the caller has made one of.
    """
    with scratch_folder("ui") as folder, ExitStack() as running:
        at = folder / "code.sock"
        workspace = folder / "workspace.yaml"
        server = {"grpc_server": {"socket": str(at), "location_name": _LOCATION}}
        workspace.write_text(yaml.safe_dump({"load_from": [server]}), encoding="utf-8")

        def start(name: str, *command: str) -> _Service:
            service = _Service(name, command, environment, told)
            running.callback(service.end)
            return service

        code = start(
            "code server",
            *(sys.executable, "-m", "dagster", "code-server", "start", "--socket", str(at)),
            *("--module-name", _MODULE, "--location-name", _LOCATION),
            *("--use-python-environment-entry-point", "--log-level", "warning"),
        )
        services = [code]
        _wait(services, lambda: _is_listening(at))
        services.append(
            start(
                "webserver",
                *(sys.executable, "-m", webserver.__name__, "-w", str(workspace), "-h", ADDRESS, "-p", str(port)),
                *(["--read-only"] if read_only else []),
            )
        )
        if not read_only:
            services.append(start("daemon", _program("dagster-daemon"), "run", "-w", str(workspace)))
        _wait(services, lambda: _answer(port) is not None)
        if _answer(port, f"refused.invalid:{port}") != 403:
            raise SettingsError(
                "this release of Dagster serves its UI past the guard against other sites: install 1.13"
            )
        is_open()
        _wait(services, lambda: False, seconds=None)


class _Service:
    """A process with an attendant that ends it, and all it started, when this process is gone."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], told: Callable[[str], object]
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(attendant.__file__), *command],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=_pass_on, args=(self._process.stdout, told), daemon=True)
        self._reader.start()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def status(self) -> int | None:
        return self._process.returncode

    def end(self) -> None:
        """Ask the whole group to end, and kill what does not."""
        for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._reader.join(timeout=1)


def _pass_on(lines: IO[bytes] | None, told: Callable[[str], object]) -> None:
    """Dagster colours its lines and escapes nothing in them; names and messages in them come from data."""
    for line in lines or ():
        told(printable(_COLOURS.sub("", line.decode("utf-8", errors="replace")).rstrip("\r\n")))


def _wait(services: Sequence[_Service], is_so: Callable[[], bool], *, seconds: float | None = _START_SECONDS) -> None:
    until = None if seconds is None else time.monotonic() + seconds
    while not is_so():
        for service in services:
            if service.has_ended():
                raise SettingsError(
                    f"Dagster's {service.name} ended by itself with status {service.status}: see its last lines above"
                )
        if until is not None and time.monotonic() > until:
            raise SettingsError(f"Dagster's {services[-1].name} did not start within {seconds:g} s")
        time.sleep(_POLL_SECONDS)


def _is_listening(at: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(at)) == 0


def _answer(port: int, host: str | None = None) -> int | None:
    """The status of an answer, asked for under a name; None while nobody answers."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=10)
    try:
        connection.request("GET", "/server_info", headers={"Host": host} if host else {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _program(name: str) -> str:
    """A program of this environment, on the PATH or not."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name
