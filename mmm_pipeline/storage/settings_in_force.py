"""Which settings and which campaign rows count: one rule for every command, the UI and scheduled runs.

Settings: the file named (`--config`, else MMM_CONFIG), else `pipeline.yaml` of the working directory, else what the
home remembers of its last run. Rows: those the command line names, else those of the settings, else those that the home
was last run on. Nothing falls back to the demo market.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings, load_settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.home import CONFIG_VARIABLE, Home

__all__ = ["SettingsInForce", "effective_settings", "find_config", "require_same_source"]
__all__ += ["settings_in_force", "source_change"]


@dataclass(frozen=True)
class SettingsInForce:
    """Settings, and where they come from.

    Attributes:
        settings: what counts.
        file: the settings file; None: there is none, and all but the source is at its default.
        file_from: what named the file.
        source_from: what named the campaign rows.
    """

    settings: Settings
    file: Path | None
    file_from: str
    source_from: str

    @property
    def line(self) -> str:
        """One line that tells a user which file and which rows are used."""
        file = f"{self.file} ({self.file_from})" if self.file else self.file_from or "built-in defaults"
        named = f" ({self.source_from})" if self.source_from else ""
        return f"settings: {file}; source: {self.settings.source.described}{named}"

    def recognised(self, settings: Settings) -> SettingsInForce:
        """The same with settings that follow from what the rows look like."""
        return replace(self, settings=settings, file_from="recognised from the file")

    def with_source(self, source: SourceSettings, named_by: str) -> SettingsInForce:
        """The same with the rows that a command line names."""
        settings = self.settings.with_source(source, origin=named_by)
        return replace(self, settings=settings, source_from=named_by)


def settings_in_force(home: Home, config: Path | None = None) -> SettingsInForce:
    """The settings that count for a home; `config` is what `--config` names.

    Raises:
        SettingsError: a file that is named does not exist, or the one in force cannot be accepted.
    """
    file, file_from = _named_file(home, config)
    own = _settings_of(home, file)
    settings = _over(home, own, file)
    source_from = "named there"
    if own.source.kind is None:
        source_from = "" if settings.source.kind is None else "what this home was last run on"
    return SettingsInForce(settings, file, file_from, source_from)


def find_config(home: Home, config: Path | None = None) -> Path | None:
    """The settings file in force; None when there is none.

    Raises:
        SettingsError: a file that is named does not exist.
    """
    return _named_file(home, config)[0]


def effective_settings(home: Home, config: Path | None) -> Settings:
    """Settings of a file, or the defaults, over a home: with its source where they name none.

    Raises:
        SettingsError: the file cannot be accepted.
    """
    return _over(home, _settings_of(home, config), config)


def require_same_source(home: Home, source: SourceSettings) -> None:
    """A home keeps its source, unless somebody says otherwise.

    Raises:
        SettingsError: the home has other rows.
    """
    change = source_change(home, source)
    if change is not None:
        raise SettingsError(f"{change}. `mmm run --replace` does so; another --home keeps both")


def source_change(home: Home, source: SourceSettings) -> str | None:
    """What a run on this source would replace in a home; None when the home has no other rows.

    Raises:
        SettingsError: the settings that the home remembers cannot be read.
    """
    held = home.held_source()
    if held is None or held.is_same_as(source):
        return None
    return f"{home.root} holds the results of {held.described}; this would replace them by those of {source.described}"


def _named_file(home: Home, config: Path | None) -> tuple[Path | None, str]:
    variable = os.environ.get(CONFIG_VARIABLE)
    for named, named_by in ((config, "--config"), (Path(variable) if variable else None, CONFIG_VARIABLE)):
        if named is not None:
            if not named.exists():
                raise SettingsError(f"{named_by} {named}: there is no such file")
            return named.resolve(), named_by
    if Path("pipeline.yaml").is_file():
        return Path("pipeline.yaml").resolve(), "this folder's"
    if home.settings_file.is_file():
        return home.settings_file, "this home's last run"
    return None, ""


def _settings_of(home: Home, file: Path | None) -> Settings:
    settings = Settings() if file is None else load_settings(file, earlier_names=file == home.settings_file)
    # Homes of version 0.1 remember a quick look as such.
    return settings.after_quick_look() if file == home.settings_file else settings


def _over(home: Home, settings: Settings, file: Path | None) -> Settings:
    held = home.held_source() if settings.source.kind is None else None
    return settings if held is None else settings.with_source(held, origin=str(file or home.settings_file))
