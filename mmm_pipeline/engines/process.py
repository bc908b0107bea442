"""Run an engine: a subprocess of its own group, watched, with an end to its time, under Dagster Pipes or without."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmm_pipeline.engines.attendant import NOT_STARTED
from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.environment_variables import engine_variables
from mmm_pipeline.engines.result import EngineResult, read_result
from mmm_pipeline.errors import EngineError

__all__ = ["run_engine"]

_LINES_SHOWN = 6
_GRACE_SECONDS = 10.0
_ATTENDANT = Path(__file__).with_name("attendant.py")


def run_engine(
    engine: Engine,
    python: Path,
    request: Mapping[str, Any],
    folder: Path,
    *,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
) -> EngineResult:
    """Ask an engine and judge its answer.

    What it prints goes to `output.log` of the folder. It and all it started are ended when its time is up, when this
    process is interrupted, and when this process is gone (`attendant.py`). Of the environment it sees what
    `engine_variables` lets through.

    Args:
        engine: who is asked.
        python: the interpreter of its environment.
        request: of `build_request`.
        folder: an empty one; `request.json`, `result.json`, `output.log` and `files/` are in it afterwards.
        timeout_seconds: wall time it has.
        environment: variables on top, such as those of Dagster Pipes.

    Raises:
        EngineError: it did not start, crashed, was killed, took too long, or its answer is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(request, allow_nan=False), encoding="utf-8")
    log = folder / "output.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                # -I -S: the attendant needs nothing but Python itself, and starts in milliseconds.
                [sys.executable, "-I", "-S", str(_ATTENDANT), str(python), str(engine.runner), str(folder)],
                cwd=folder,
                env={**engine_variables(os.environ, engine.variables), **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{engine.title} could not be started: {error}") from error
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise EngineError(
                f"{engine.title} was ended after {timeout_seconds / 60:.3g} minutes (engines.timeout_minutes); it last "
                f"said:\n{_last_lines(log)}"
            ) from error
        finally:
            _end(process)
    if status == NOT_STARTED:
        raise EngineError(f"{engine.title} could not be started with {python}:\n{_last_lines(log)}")
    if status < 0:
        name = signal.Signals(-status).name
        more = "; the machine may have run out of memory" if status == -signal.SIGKILL else ""
        raise EngineError(f"{engine.title} was killed by {name}{more}; it last said:\n{_last_lines(log)}")
    if status:
        raise EngineError(f"{engine.title} failed with status {status}; it last said:\n{_last_lines(log)}")
    return read_result(folder / "result.json", engine, request)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the engine and of everything it started; they share the attendant's process group."""
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        alive = process.poll() is None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if not alive:
            continue
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    if process.stdin is not None:
        process.stdin.close()


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    told = [line.strip()[:300] for line in lines if line.strip()][-_LINES_SHOWN:]
    return "\n".join(f"    {line}" for line in told) or "    (nothing)"
