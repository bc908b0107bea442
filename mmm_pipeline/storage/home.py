"""The home folder: where everything of one pipeline is kept. Deleting it resets everything."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings, load_settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.settings.yaml_file import read_yaml
from mmm_pipeline.storage.atomic_files import write_text
from mmm_pipeline.storage.file_errors import file_error
from mmm_pipeline.storage.home_format import bring_up_to_date
from mmm_pipeline.text_safety.printable import printable

__all__ = ["AS_OF_FOLDER", "CONFIG_VARIABLE", "HOME_VARIABLE", "Home", "home_from_environment"]

HOME_VARIABLE = "MMM_HOME"
CONFIG_VARIABLE = "MMM_CONFIG"
AS_OF_FOLDER = "as-of"
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
    def warehouse_file(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def latest_results(self) -> Path:
        return self.results / "latest"

    @property
    def compilation_cache(self) -> Path:
        """Compiled programs, shared with all days rebuilt below; by all homes where JAX's own variable names a folder.

        A later day's train window can be as long as an earlier day's whole.
        """
        root = self.root.parents[1] if self.root.parent.name == AS_OF_FOLDER else self.root
        return Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or root / "cache" / "jax")

    @property
    def run_lock(self) -> Path:
        """Held by `mmm run` while it runs."""
        return self.root / ".run.lock"

    def fit_lock(self, name: str, key: str | None) -> Path:
        """Held while a fit is drawn, so that nobody draws the same one beside it."""
        return self.root / "locks" / f"{name}{'' if key is None else '-' + key.replace('|', '-')}.lock"

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
    def run_settings_file(self) -> Path:
        """The settings of the `mmm run` at work, with what its command line says."""
        return self.root / ".run-settings.yaml"

    @property
    def day(self) -> dt.date | None:
        """The day as of which everything in this home is rebuilt; None in the home of the present."""
        try:
            return dt.date.fromisoformat(self.root.name) if self.root.parent.name == AS_OF_FOLDER else None
        except ValueError:
            return None

    @property
    def present(self) -> Home:
        """The home of the present that a rebuilt day belongs to; this home itself where it is no rebuilt day."""
        return self if self.day is None else Home(self.root.parents[1])

    def as_of(self, day: dt.date | None) -> Home:
        """The home of what is rebuilt as of a day, `as-of/2021-12-20` below this one; this home itself without a day.

        The home of the same day is its own, so that it can be opened like any other.
        """
        if day is None or (self.root.parent.name, self.root.name) == (AS_OF_FOLDER, day.isoformat()):
            return self
        return Home(self.root / AS_OF_FOLDER / day.isoformat())

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
        except OSError as error:
            raise SettingsError(
                f"home folder {self.root}: cannot be used: {file_error(error, error.filename)}. Choose another with "
                "--home"
            ) from error

    def held_source(self) -> SourceSettings | None:
        """Where the rows in this home came from; a rebuilt day has the source of the home it belongs to.

        Raises:
            SettingsError: the settings that the home remembers cannot be read.
        """
        for home in dict.fromkeys((self.present, self)):
            if home.settings_file.is_file():
                source = _source_of(home.settings_file)
                if source.kind is not None:
                    return source
        return None

    def remember_settings(self, settings: Settings) -> Path:
        """Write the settings of a run whose rows were read, which later runs may go by; returns the file."""
        settings = settings.after_quick_look()
        if not self.settings_file.is_file() or not _holds(self.settings_file, settings):
            _write(self.settings_file, _REMEMBERED, settings)
        return self.settings_file

    def write_run_settings(self, settings: Settings) -> Path:
        """Write the settings of the run that begins; returns the file."""
        return _write(self.run_settings_file, _OF_THIS_RUN, settings)


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
