"""The home folder: where everything of one pipeline is kept. Deleting it resets everything."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import zoneinfo
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from mmm_pipeline.errors import SettingsError, StoredResultError
from mmm_pipeline.settings.pipeline import Settings, load_settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.settings.yaml_file import read_yaml
from mmm_pipeline.storage.atomic_files import write_text
from mmm_pipeline.storage.file_errors import file_error, is_writable
from mmm_pipeline.storage.home_format import bring_up_to_date
from mmm_pipeline.text_safety.printable import printable

__all__ = ["CONFIG_VARIABLE", "HOME_VARIABLE", "Home", "RefreshFolder", "home_from_environment"]

HOME_VARIABLE = "MMM_HOME"
CONFIG_VARIABLE = "MMM_CONFIG"
logger = logging.getLogger(__name__)

_REFRESHES = "refreshes"
_KEY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_KEPT = re.compile(r"(\d{8}T\d{12}Z)")
_URL_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")

_REMEMBERED = """\
# The settings of the last run that read campaign rows; rewritten when others are used.
# They are in force where neither --config nor MMM_CONFIG is given and no pipeline.yaml is in the working directory.
"""
_OF_THIS_RUN = "# The settings of the `mmm run` at work, with what its command line says.\n"


@dataclass(frozen=True)
class Home:
    """Paths inside the home folder; also the DAGSTER_HOME."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def latest_results(self) -> Path:
        return self.results / "latest"

    @property
    def compilation_cache(self) -> Path:
        """Compiled programs; shared by all homes where JAX's own variable names a folder."""
        return Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or self.root / "cache" / "jax")

    @property
    def gemini_cache(self) -> Path:
        """Answers of Gemini, and what a run has spent."""
        return self.root / "cache" / "gemini"

    @property
    def run_locks(self) -> Path:
        """A file per run, held by the run's process for as long as it lives."""
        return self.root / "locks" / "runs"

    @property
    def engine_files(self) -> Path:
        """What other engines printed and drew, by engine and spec."""
        return self.root / "engines"

    @property
    def workspace_file(self) -> Path:
        """Names the code location as the project's own workspace.yaml does, so that both see the same schedules."""
        return self.root / "workspace.yaml"

    @property
    def settings_file(self) -> Path:
        """The settings of the last run that read campaign rows; in force where no other file is."""
        return self.root / "pipeline.yaml"

    @property
    def dagster_file(self) -> Path:
        """Dagster's settings of this home."""
        return self.root / "dagster.yaml"

    @property
    def refreshes(self) -> Path:
        """One folder per partition, named by its key."""
        return self.root / _REFRESHES

    def refresh(self, key: str) -> RefreshFolder:
        """The folder of one partition, which need not exist yet.

        Raises:
            StoredResultError: the key, which may come from a run's tags, would lead elsewhere.
        """
        if not _KEY.match(key):
            raise StoredResultError(f"{key[:40]!r} names no partition: they are named by their first day, YYYY-MM-DD")
        return RefreshFolder(self, key)

    def stored_refreshes(self) -> list[RefreshFolder]:
        """Partitions that have a folder on this machine, oldest first."""
        if not self.refreshes.is_dir():
            return []
        names = sorted(path.name for path in self.refreshes.iterdir() if path.is_dir() and _KEY.match(path.name))
        return [RefreshFolder(self, name) for name in names]

    def first_known(self) -> dt.date | None:
        """First day that is worth a partition, as far as this home has learned."""
        try:
            return dt.date.fromisoformat(json.loads(self._calendar.read_text(encoding="utf-8"))["first"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def know_first(self, day: dt.date) -> None:
        """Offer partitions from this day on, unless earlier ones are offered already."""
        known = self.first_known()
        if known is None or day < known:
            write_text(self._calendar, json.dumps({"first": day.isoformat()}) + "\n")

    @property
    def _calendar(self) -> Path:
        return self.refreshes / "calendar.json"

    def prepare(self) -> None:
        """Create the folder and Dagster's own files when they are missing, and bring a home of an earlier format up to
        date; nothing is written when all is there.

        Raises:
            SettingsError: the folder cannot be created, read or written, one of these files is damaged, or a newer
                program wrote the home.
        """
        _require_usable(self.root)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            bring_up_to_date(self.root)
            _into_partitions(self)
        except OSError as error:
            raise SettingsError(
                f"home folder {self.root}: cannot be used: {file_error(error, error.filename)}. Choose another with "
                "--home"
            ) from error

    def held_source(self) -> SourceSettings | None:
        """Where the rows in this home came from.

        Raises:
            SettingsError: the settings that the home remembers cannot be read.
        """
        source = _source_of(self.settings_file) if self.settings_file.is_file() else None
        return source if source is not None and source.kind is not None else None

    def remember_settings(self, settings: Settings) -> Path:
        """Write the settings of a run whose rows were read, which later runs may go by; returns the file."""
        settings = settings.after_quick_look()
        if not self.settings_file.is_file() or not _holds(self.settings_file, settings):
            _write(self.settings_file, _REMEMBERED, settings)
        return self.settings_file


@dataclass(frozen=True)
class RefreshFolder:
    """What one partition holds: its tables, arrays, fits, pictures and texts.

    Attributes:
        home: which it belongs to.
        key: of the partition.
    """

    home: Home
    key: str

    @property
    def root(self) -> Path:
        return self.home.refreshes / self.key

    @property
    def warehouse_file(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def run_lock(self) -> Path:
        """Held by a refresh of this partition while it runs."""
        return self.root / ".run.lock"

    def fit_lock(self, name: str, key: str | None) -> Path:
        """Held while a fit is drawn, so that nobody draws the same one beside it."""
        return self.root / "locks" / f"{name}{'' if key is None else '-' + key.replace('|', '-')}.lock"

    @property
    def run_settings_file(self) -> Path:
        """The settings of the `mmm run` at work, with what its command line says."""
        return self.root / ".run-settings.yaml"

    def write_run_settings(self, settings: Settings) -> Path:
        """Write the settings of the run that begins; returns the file."""
        return _write(self.run_settings_file, _OF_THIS_RUN, settings)


def _into_partitions(home: Home) -> None:
    """Give the results of a home of version 1, which had no partitions, to the week in which they were made.

    Earlier champions become those of their weeks. The homes of earlier days, below `as-of/`, stay as they are.
    """
    old, warehouse = home.root / "artifacts", home.root / "warehouse.duckdb"
    made = next((path for path in (old / "champion_model.nc", warehouse, old) if path.exists()), None)
    if made is None or not is_writable(home.root):
        return
    calendar = (load_settings(home.settings_file) if home.settings_file.is_file() else Settings()).calendar
    zone = zoneinfo.ZoneInfo(calendar.timezone)
    key = calendar.present(dt.datetime.fromtimestamp(made.stat().st_mtime, zone).date()).key
    folder = home.refresh(key)
    if folder.root.exists():
        return
    for champion in sorted((old / "champions").glob("*.nc")):
        if found := _KEPT.search(champion.stem):
            kept = dt.datetime.strptime(found[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=dt.UTC).astimezone(zone)
            week = home.refresh(calendar.present(kept.date()).key)
            if week.key < key:
                week.artifacts.mkdir(parents=True, exist_ok=True)
                champion.replace(week.artifacts / "champion_model.nc")
    if (old / "gemini").is_dir() and not home.gemini_cache.exists():
        home.gemini_cache.parent.mkdir(parents=True, exist_ok=True)
        (old / "gemini").rename(home.gemini_cache)
    folder.root.mkdir(parents=True)
    for path in (warehouse, warehouse.with_name(f"{warehouse.name}.wal"), old):
        if path.exists():
            path.rename(folder.root / path.name)
    latest = home.latest_results
    if latest.is_symlink() and not (home.results / key).exists():
        (home.results / key).symlink_to(latest.readlink(), target_is_directory=True)
    logger.warning("%s: its results were of no week yet; they are those of partition %s now", home.root, key)


def _require_usable(root: Path) -> None:
    """Refuse what SQLite, which is told of the home by a URL, would take for another path."""
    path = str(root)
    wrong = {
        "? (in a URL, the path ends there)": "?" in path,
        "% before two hexadecimal digits (in a URL, they name one character)": _URL_ESCAPE.search(path) is not None,
        "a character without a glyph": printable(path).replace("\n", "").replace("\t", "") != path,
    }
    for what, there in wrong.items():
        if there:
            raise SettingsError(
                f"home folder {path}: Dagster's run history cannot be kept below a path with {what}: choose another "
                "with --home"
            )


def home_from_environment() -> Home:
    """`MMM_HOME`, or `.mmm` in the working directory."""
    return Home(Path(os.environ.get(HOME_VARIABLE) or ".mmm").resolve())


def _write(path: Path, header: str, settings: Settings) -> Path:
    text = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return write_text(path, header + text)


def _holds(path: Path, settings: Settings) -> bool:
    """Whether a file says the same; one that somebody edited keeps its comments then."""
    try:
        return load_settings(path) == settings
    except SettingsError:
        return False


def _source_of(path: Path) -> SourceSettings:
    """The section `source` alone: other sections may be of another version."""
    content = read_yaml(path).content
    section = content.get("source") if isinstance(content, dict) else None
    try:
        return SourceSettings.model_validate(section or {})
    except ValidationError as error:
        raise SettingsError(
            f"{path}: the source that this home remembers cannot be read: correct the section `source`, or delete the "
            "file"
        ) from error
