"""The environment of an engine: where it is, whether it can be used, and how it is made."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmm_pipeline.engines.catalog import Engine
from mmm_pipeline.engines.environment_variables import install_variables
from mmm_pipeline.errors import EngineError
from mmm_pipeline.storage.atomic_files import write_text
from mmm_pipeline.storage.file_locks import holder_of, take_lock

__all__ = ["ENVIRONMENTS_VARIABLE", "Environment", "State", "environment_of"]

ENVIRONMENTS_VARIABLE = "MMM_ENGINES_HOME"
"""Folder of all environments; default: ~/.cache/mmm_pipeline/engines."""

State = Literal["ready", "absent", "incomplete", "outdated", "named"]


@dataclass(frozen=True)
class Environment:
    """Where one engine lives.

    Attributes:
        engine: whose it is.
        folder: of the environment that `install` makes.
        named: an interpreter that MMM_ENGINE_<NAME>_PYTHON names instead.
    """

    engine: Engine
    folder: Path
    named: Path | None = None

    @property
    def variable(self) -> str:
        """The environment variable that may name an interpreter with the engine in it."""
        return f"MMM_ENGINE_{self.engine.name.upper()}_PYTHON"

    @property
    def python(self) -> Path:
        return self.named or self.folder / "bin" / "python"

    def state(self) -> State:
        """`ready`; `named` (by the environment variable); `absent`; `incomplete`; `outdated` (other requirements)."""
        if self.named is not None:
            return "named"
        if not self.folder.exists():
            return "absent"
        if not (self._marker.is_file() and self.python.exists()):
            return "incomplete"
        return "ready" if self._marker.read_text(encoding="utf-8").strip() == self._wanted() else "outdated"

    def interpreter(self) -> Path:
        """The Python to run the engine with.

        Raises:
            EngineError: there is none, or it is not what the requirements ask for.
        """
        state = self.state()
        if state == "named" and not self.python.is_file():
            raise EngineError(f"{self.variable}={self.named}: there is no such interpreter")
        if state in ("ready", "named"):
            return self.python
        why = {
            "absent": "is not installed",
            "incomplete": f"was not installed to the end in {self.folder}",
            "outdated": f"in {self.folder} was installed from other requirements than {self.engine.requirements}",
        }[state]
        raise EngineError(
            f"{self.engine.title} {why}: run `mmm engines install {self.engine.name}` "
            f"({self.engine.size_gb:g} GB, about {self.engine.install_minutes:g} minutes), or name a Python that has "
            f"it in {self.variable}"
        )

    @property
    def lock(self) -> Path:
        """Held while the engine runs or is installed: two at once would take each other's memory, and an install takes
        away what a run is made of.
        """
        return self.folder.with_name(f".{self.folder.name}.lock")

    def install(self, show: Callable[[str], object]) -> None:
        """Make the environment anew; `show` is given pip's lines as they come.

        Raises:
            EngineError: it is in use, no such Python, too little disk space, or pip failed.
        """
        base = _base_python(self.engine)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            with suppress(OSError):  # a file system without locks
                handle = take_lock(self.lock)
                if handle is None:
                    raise EngineError(
                        f"{self.folder}: process {holder_of(self.lock) or 'unknown'} runs or installs "
                        f"{self.engine.title}: wait for it, or stop it, and try again"
                    )
                held.enter_context(handle)
            self._install(base, show)

    def _install(self, base: Path, show: Callable[[str], object]) -> None:
        parent = self.folder.parent
        free = shutil.disk_usage(parent).free / 1e9
        if free < 1.2 * self.engine.size_gb:
            raise EngineError(
                f"{parent} has {free:.1f} GB free, and {self.engine.title} needs {self.engine.size_gb:g} GB and some "
                f"room: free some, or choose another folder with {ENVIRONMENTS_VARIABLE}"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        _run([str(base), "-m", "venv", str(self.folder)], show, self.engine)
        pip = [str(self.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        # With a lock, pip takes nothing whose content is not the one that was recorded.
        locked = self.engine.lock.is_file()
        wanted = ["--require-hashes", "-r", str(self.engine.lock)] if locked else ["-r", str(self.engine.requirements)]
        _run([*pip, "--progress-bar", "off", *wanted], show, self.engine)
        write_text(self._marker, self._wanted() + "\n")

    @property
    def _marker(self) -> Path:
        """Written last, so that an install that was broken off is not taken for a whole one."""
        return self.folder / ".installed"

    def _wanted(self) -> str:
        locked = self.engine.lock.read_bytes() if self.engine.lock.is_file() else b""
        return hashlib.sha256(self.engine.requirements.read_bytes() + locked).hexdigest()


def environment_of(engine: Engine) -> Environment:
    """Where the environment of an engine is, or would be."""
    root = os.environ.get(ENVIRONMENTS_VARIABLE) or "~/.cache/mmm_pipeline/engines"
    there = Environment(engine, Path(root).expanduser().resolve() / engine.name)
    named = os.environ.get(there.variable)
    return Environment(engine, there.folder, Path(named).expanduser()) if named else there


def _base_python(engine: Engine) -> Path:
    """An interpreter of the engine's version: this one where it fits, else `pythonX.Y` of the PATH."""
    candidates = [sys.executable, *filter(None, [shutil.which(f"python{engine.python}")])]
    for candidate in candidates:
        told = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode == 0 and told.stdout.strip() == engine.python:
            return Path(candidate)
    raise EngineError(
        f"{engine.title} needs Python {engine.python}, and there is no python{engine.python} on the PATH: install it "
        "(pyenv, uv python install, or your system's packages) and try again"
    )


def _run(command: list[str], show: Callable[[str], object], engine: Engine) -> None:
    """Run to the end, showing every line; the last lines are in the error when it fails."""
    lines: list[str] = []
    # What belongs to this environment must not lead pip into it, and no secret reach a package's build script.
    foreign = install_variables(os.environ)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=foreign, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            show(lines[-1])
    if process.returncode:
        told = "\n".join(f"    {line}" for line in [line for line in lines if line][-8:])
        raise EngineError(
            f"{engine.title} could not be installed: `{' '.join(command[:4])} ...` ended with status "
            f"{process.returncode}:\n{told}"
        )
