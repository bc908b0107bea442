"""Run an engine: a subprocess of its own group, watched, with an end to its time, under Dagster Pipes or without."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.result import EngineResult, read_result
from mmm_pipeline.errors import EngineError

__all__ = ["run_engine"]

_LINES_SHOWN = 6
_GRACE_SECONDS = 10.0
# What would lead the engine into this environment, and what is no business of a foreign package.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "JAX_PLATFORMS", "XLA_FLAGS", "JAX_ENABLE_X64")
_SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS", "WEBHOOK")


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

    What it prints goes to `output.log` of the folder. It and all it started are ended when its time is up, or when this
    process is interrupted.

    Args:
        engine: who is asked.
        python: the interpreter of its environment.
        request: of `build_request`.
        folder: an empty one; `request.json`, `result.json`, `output.log` and `files/` are in it afterwards.
        timeout_seconds: wall time it has.
        environment: variables on top of those of this process, such as those of Dagster Pipes.

    Raises:
        EngineError: it did not start, crashed, was killed, took too long, or its answer is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(request, allow_nan=False), encoding="utf-8")
    log = folder / "output.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [str(python), str(engine.runner), str(folder)],
                cwd=folder,
                env={**_passed_on(os.environ), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{engine.title} could not be started with {python}: {error}") from error
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise EngineError(
                f"{engine.title} was ended after {timeout_seconds / 60:.3g} minutes (engines.timeout_minutes); it last "
                f"said:\n{_last_lines(log)}"
            ) from error
        finally:
            _end(process)
    if status < 0:
        name = signal.Signals(-status).name
        more = "; the machine may have run out of memory" if status == -signal.SIGKILL else ""
        raise EngineError(f"{engine.title} was killed by {name}{more}; it last said:\n{_last_lines(log)}")
    if status:
        raise EngineError(f"{engine.title} failed with status {status}; it last said:\n{_last_lines(log)}")
    return read_result(folder / "result.json", engine, request)


def _passed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without what is not the engine's: no secret reaches a third party's code."""
    return {
        name: value
        for name, value in variables.items()
        if name not in _NOT_PASSED_ON and not any(word in name.upper() for word in _SECRETS)
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the engine and of everything it started."""
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        alive = process.poll() is None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if not alive:
            continue
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    told = [line.strip()[:300] for line in lines if line.strip()][-_LINES_SHOWN:]
    return "\n".join(f"    {line}" for line in told) or "    (nothing)"
