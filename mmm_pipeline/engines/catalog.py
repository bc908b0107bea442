"""Which engines there are: one folder each, with `engine.toml`, `requirements.txt` and the runner `run.py`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.errors import EngineError

__all__ = ["Engine", "catalog", "engine_named", "shipped_engines"]

_CHECKOUT = Path(__file__).resolve().parents[2] / "engines"
_PACKAGED = Path(__file__).resolve().parents[1] / "engine_folders"


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes:
        name: that of its folder.
        title: as reports write it.
        about: one line on what it is and does.
        package, version: distribution and pinned version; a result of another version is refused.
        python: version its environment needs, e.g. `3.11`.
        size_gb: of the environment on disk, GB.
        install_minutes, run_minutes: about how long an install takes, and a fit of 90 days and 20 channels on 2 cores.
        grid: whether it fits the pipeline's own specs, so that it is partitioned like `fitted_model`.
        folder: where its files are.
        variables: environment variables that it needs besides those that every engine is given.
    """

    name: str
    title: str
    about: str
    package: str
    version: str
    python: str
    size_gb: float
    install_minutes: float
    run_minutes: float
    grid: bool
    folder: Path
    variables: tuple[str, ...] = ()

    @property
    def requirements(self) -> Path:
        return self.folder / "requirements.txt"

    @property
    def lock(self) -> Path:
        """Every package of the environment with its version and SHA-256 sums; an engine may be without."""
        return self.folder / "requirements.lock"

    @property
    def runner(self) -> Path:
        return self.folder / "run.py"

    @property
    def asset(self) -> str:
        """Name of its Dagster asset, and of its stored results."""
        return f"engine_{self.name}"


def shipped_engines() -> Path:
    """The folder of the engines that come with the pipeline: in the wheel, or beside the package in a checkout."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


def catalog(own: Path | None = None) -> dict[str, Engine]:
    """Every engine by name, in order; those of the folder `own` come on top, and replace one of the same name.

    Raises:
        EngineError: a folder is not there, or an `engine.toml` is not as it should be.
    """
    found: dict[str, Engine] = {}
    for root in (shipped_engines(), *([own] if own else [])):
        if not root.is_dir():
            raise EngineError(f"{root}: there is no such folder of engines: check engines.folder in pipeline.yaml")
        for description in sorted(root.glob("*/engine.toml")):
            found[description.parent.name] = _read(description)
    return found


def engine_named(name: str, own: Path | None = None) -> Engine:
    """One engine; raises EngineError, with the names there are, when there is none."""
    engines = catalog(own)
    if name not in engines:
        raise EngineError(f"there is no engine {name!r}: accepted are {', '.join(engines)}")
    return engines[name]


def _read(path: Path) -> Engine:
    kinds: dict[str, type | tuple[type, ...]] = {
        **dict.fromkeys(("title", "about", "package", "version", "python"), str),
        **dict.fromkeys(("size_gb", "install_minutes", "run_minutes"), (int, float)),
        "grid": bool,
    }
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: cannot be read: {error}") from error
    wrong = [key for key, kind in kinds.items() if not isinstance(content.get(key), kind)]
    variables = content.pop("variables", [])
    if not (isinstance(variables, list) and all(isinstance(name, str) for name in variables)):
        wrong.append("variables")
    wrong += [key for key in content if key not in kinds]
    if wrong:
        raise EngineError(f"{path}: missing, unknown or of the wrong type: {', '.join(wrong)} (engines/README.md)")
    return Engine(name=path.parent.name, folder=path.parent, variables=tuple(variables), **content)
