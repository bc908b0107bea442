"""What is installed and configured, and what is missing; never the value of a credential."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmm_pipeline.errors import MmmError
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.file_errors import is_writable
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.home_format import missing_sections
from mmm_pipeline.storage.settings_in_force import settings_in_force

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One line of `mmm doctor`.

    Attributes:
        what: the thing looked at.
        state: `ok`, `absent` (optional and not there) or `problem` (something will not work).
        detail: what was found, and what follows from it.
    """

    what: str
    state: Literal["ok", "absent", "problem"]
    detail: str


def examine(home: Home, config: Path | None = None) -> list[Finding]:
    """Look at this machine, this environment, this home folder and the settings in force for it."""
    settings = _effective_settings(home, config)
    return [
        _python(),
        _packages(),
        _jax(),
        _settings(home, config),
        _home(home),
        _warehouse(home, settings),
        _storage(settings),
        _bigquery(settings),
        _gemini(),
        _chart_font(),
    ]


def _python() -> Finding:
    supported = (3, 11) <= tuple(map(int, platform.python_version_tuple()[:2])) <= (3, 12)
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding(
        "Python", "ok" if supported else "problem", detail + ("" if supported else ": 3.11 or 3.12 is needed")
    )


def _packages() -> Finding:
    names = ("mmm_pipeline", "dagster", "duckdb", "jax", "numpyro", "arviz")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return Finding("packages", "ok", ", ".join(versions))


def _jax() -> Finding:
    try:
        import jax

        devices = ", ".join(f"{device.platform}:{device.id}" for device in jax.devices())
    except Exception as error:
        return Finding("JAX device", "problem", f"JAX does not start, so nothing can be fitted: {error}")
    if jax.default_backend() == "cpu":
        return Finding(
            "JAX device", "ok", f"{devices}; no GPU: fits run on the CPU cores, one chain per core at a time"
        )
    return Finding("JAX device", "ok", devices)


def _settings(home: Home, config: Path | None) -> Finding:
    try:
        found = settings_in_force(home, config)
    except MmmError as error:
        return Finding("settings", "problem", str(error))
    detail = found.line.removeprefix("settings: ")
    if found.settings.source.kind is None:
        return Finding("settings", "absent", f"{detail}: `mmm run FILE`, or `mmm run --demo`")
    return Finding("settings", "ok", detail)


def _home(home: Home) -> Finding:
    if not home.root.exists():
        return Finding("home folder", "absent", f"{home.root} does not exist yet; the first run makes it")
    if not is_writable(home.root):
        return Finding("home folder", "problem", f"{home.root} cannot be written")
    results = "has results" if home.latest_results.exists() else "has no results yet"
    try:
        missing = missing_sections(home.dagster_file) if home.dagster_file.exists() else []
    except (MmmError, OSError) as error:
        return Finding("home folder", "problem", str(error))
    if missing:
        left_out = f"{home.dagster_file} has no {', '.join(missing)}: runs whose process is killed may stay `started`"
        return Finding("home folder", "problem", f"{home.root} {results}; {left_out} (docs/running.md)")
    return Finding("home folder", "ok", f"{home.root} {results}")


def _warehouse(home: Home, settings: Settings | None) -> Finding:
    if settings is not None and settings.warehouse.kind == "bigquery":
        return Finding("warehouse", "ok", f"BigQuery dataset {settings.warehouse.dataset} (not asked now)")
    stored = home.stored_refreshes()
    file = stored[-1].warehouse_file if stored else None
    if file is None or not file.exists():
        return Finding("warehouse", "absent", "a DuckDB file for every partition is made by its first run")
    from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

    try:
        tables = DuckDBWarehouse(file).tables()
    except MmmError as error:
        return Finding("warehouse", "problem", str(error))
    return Finding("warehouse", "ok", f"{file} (DuckDB), {len(tables)} tables; {len(stored)} partition(s) in all")


def _storage(settings: Settings | None) -> Finding:
    named = [] if settings is None else [location for _, location in settings.storage if location]
    if not named:
        return Finding("storage", "ok", "artifacts and results are in the home folder")
    libraries = {"gs": "gcsfs", "s3": "s3fs"}
    needed = {libraries[kind] for kind in (location.partition("://")[0] for location in named) if kind in libraries}
    missing = [library for library in sorted(needed) if importlib.util.find_spec(library) is None]
    if missing:
        return Finding("storage", "problem", f"{', '.join(named)}: not installed: {', '.join(missing)}")
    return Finding("storage", "ok", f"{', '.join(named)} (not asked now)")


def _bigquery(settings: Settings | None) -> Finding:
    wanted = settings is not None and "bigquery" in (settings.source.kind, settings.warehouse.kind)
    named = [name for name in ("GCP_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS") if os.environ.get(name)]
    credentials = f"credentials: {' and '.join(named) or 'application default, if any'}"
    try:
        version = importlib.metadata.version("google-cloud-bigquery")
        importlib.metadata.version("dagster-gcp")
    except importlib.metadata.PackageNotFoundError:
        if wanted:
            return Finding(
                "BigQuery", "problem", "asked for by pipeline.yaml, not installed: pip install -e '.[bigquery]'"
            )
        detail = f"not installed, and not needed: source and warehouse are local ({credentials})"
        return Finding("BigQuery", "absent", detail)
    if len(named) == 2:
        return Finding("BigQuery", "problem" if wanted else "absent", f"{version}; {credentials}: unset one of them")
    if not wanted:
        return Finding("BigQuery", "absent", f"client {version}, not used by pipeline.yaml; {credentials}")
    assert settings is not None
    limit, deadline = settings.bigquery.maximum_bytes_billed, settings.bigquery.deadline_seconds
    detail = f"client {version}; {credentials}; at most {limit:,} bytes and {deadline:g} s per job; try it: mmm check"
    return Finding("BigQuery", "ok", detail)


def _effective_settings(home: Home, config: Path | None) -> Settings | None:
    """None when they are mistaken, which is a finding of its own."""
    try:
        return settings_in_force(home, config).settings
    except MmmError:
        return None


def _gemini() -> Finding:
    from mmm_pipeline.orchestration.resources.gemini import KEY_VARIABLE, gemini_is_installed, gemini_key

    key = "present" if gemini_key() else "absent"
    if not gemini_is_installed():
        detail = f"google-genai is not installed: the offline template writes the reports ({KEY_VARIABLE} {key})"
        return Finding("Gemini", "absent", detail)
    if gemini_key() is None:
        return Finding("Gemini", "absent", f"{KEY_VARIABLE} is not set: the offline template writes the reports")
    return Finding(
        "Gemini", "ok", f"{KEY_VARIABLE} present: reports are written from aggregates that are sent to Gemini"
    )


def _chart_font() -> Finding:
    from mmm_pipeline.reporting.charts.drawing.fonts import hangul_font

    font = hangul_font()
    if font is None:
        return Finding("Hangul font", "absent", "Korean charts fall back to English labels; install e.g. fonts-nanum")
    return Finding("Hangul font", "ok", f"{font}: Korean charts can be drawn")
