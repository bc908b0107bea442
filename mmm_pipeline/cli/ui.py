"""`mmm ui`."""

from __future__ import annotations

import errno
import os
import shlex
import socket
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mmm_pipeline.cli.command_line import ConfigOption, HomeOption, ReadableErrors, in_force
from mmm_pipeline.cli.output import print_text
from mmm_pipeline.errors import SettingsError
from mmm_pipeline.storage.file_errors import is_writable
from mmm_pipeline.storage.home import CONFIG_VARIABLE, HOME_VARIABLE, Home
from mmm_pipeline.storage.scratch import scratch_folder
from mmm_pipeline.storage.settings_in_force import source_change

__all__ = ["ui"]

_ADDRESS = "127.0.0.1"
_PORTS_TRIED = 100


def ui(
    config: ConfigOption = None,
    home: HomeOption = Path(".mmm"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help=f"Port on {_ADDRESS}.")] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="To look only: nothing can be launched or changed, no schedule runs.")
    ] = False,
) -> None:
    """Open the Dagster UI on the home, at 127.0.0.1 only: it has no login."""
    folder = Home(home.resolve())
    with ReadableErrors(), ExitStack() as stack:
        _require_free(port, ["mmm", "ui", "--home", str(home), *(["--read-only"] if read_only else [])])
        found = in_force(folder, config)
        folder.prepare()
        change = source_change(folder, found.settings.source) if found.settings.source.kind else None
        dagster_home = _opened(folder, read_only, stack)
        environment = {**os.environ, HOME_VARIABLE: str(folder.root), "DAGSTER_HOME": str(dagster_home)}
        if found.file is not None:
            environment[CONFIG_VARIABLE] = str(found.file)
        if change is not None:
            print_text(f"note: {change}. Runs that read rows are refused until `mmm run --replace`", stderr=True)
        from mmm_pipeline.orchestration.ui.services import serve

        with suppress(KeyboardInterrupt):
            serve(
                port,
                environment,
                read_only=read_only,
                is_open=lambda: print_text(f"open http://{_ADDRESS}:{port} (Ctrl-C ends it)"),
                told=partial(print_text, stderr=True),
            )


def _require_free(port: int, command: list[str]) -> None:
    """Told at once: Dagster starts for half a minute before it finds out.

    Raises:
        SettingsError: the port is taken, or this user may not open it.
    """
    problem = _problem(port)
    if problem is None:
        return
    others = range(port + 1, min(port + _PORTS_TRIED, 65_536)) if port >= 1024 else range(3000, 3000 + _PORTS_TRIED)
    free = next((other for other in others if _problem(other) is None), None)
    hint = f": try {shlex.join([*command, '--port', str(free)])}" if free else ": choose another by --port"
    raise SettingsError(f"port {port} on {_ADDRESS} {problem}{hint}")


def _problem(port: int) -> str | None:
    """Why nothing can listen on a port; None when it is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is in use by another program, perhaps by another `mmm ui`"
            return f"cannot be opened ({error.strerror})"
    return None


def _opened(home: Home, read_only: bool, stack: ExitStack) -> Path:
    """The folder with Dagster's databases, tried once, so that the server does not answer with a traceback."""
    import dagster as dg

    from mmm_pipeline.orchestration.dagster_storage import copy_to_look_at, readable_storage_errors
    from mmm_pipeline.orchestration.runs.coordination import know_pools

    folder = home.root
    if read_only and not is_writable(home.root):
        folder = stack.enter_context(scratch_folder("look")) / "home"
        copy_to_look_at(home, folder)
    with readable_storage_errors(Home(folder)), dg.DagsterInstance.from_config(str(folder)) as instance:
        if not read_only:
            know_pools(instance)
    return folder
