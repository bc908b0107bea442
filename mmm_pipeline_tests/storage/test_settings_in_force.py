"""One rule says which settings and which campaign rows count; a home keeps its rows and forgets a quick look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings, load_settings, parse_settings
from mmm_pipeline.settings.sources import SourceSettings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.settings_in_force import require_same_source, settings_in_force


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that is empty, and a working directory without pipeline.yaml."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("MMM_CONFIG", raising=False)
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def settings_on(path: Path | str, **sections: object) -> Settings:
    return parse_settings({"source": {"kind": "file", "path": str(path)}, **sections})


def write(path: Path, currency: str, source: str = "") -> Path:
    path.write_text(f"report: {{currency: {currency}}}\n{source}", encoding="utf-8")
    return path


def test_the_file_named_beats_the_environment_the_folder_and_the_home(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def currency() -> str:
        return settings_in_force(home).settings.report.currency

    assert settings_in_force(home).file is None
    home.remember_settings(settings_on(tmp_path / "rows.csv", report={"currency": "KRW"}))
    assert currency() == "KRW"
    write(Path("pipeline.yaml"), "EUR")
    assert currency() == "EUR"
    monkeypatch.setenv("MMM_CONFIG", str(write(tmp_path / "environment.yaml", "CHF")))
    assert currency() == "CHF"
    named = write(tmp_path / "named.yaml", "GBP")
    assert settings_in_force(home, named).settings.report.currency == "GBP"


def test_settings_without_a_source_take_that_of_the_home(home: Home, tmp_path: Path) -> None:
    home.remember_settings(settings_on(tmp_path / "rows.csv", report={"currency": "KRW"}))
    write(Path("pipeline.yaml"), "EUR")

    found = settings_in_force(home)

    assert found.settings.source.path == tmp_path / "rows.csv"
    assert found.settings.report.currency == "EUR"
    assert found.line == (
        f"settings: {Path.cwd() / 'pipeline.yaml'} (this folder's); "
        f"source: {tmp_path / 'rows.csv'} (what this home was last run on)"
    )


def test_the_source_of_the_settings_beats_that_of_the_home(home: Home, tmp_path: Path) -> None:
    home.remember_settings(settings_on(tmp_path / "old.csv"))
    write(Path("pipeline.yaml"), "EUR", "source: {kind: file, path: new.csv}\n")
    found = settings_in_force(home)
    assert found.settings.source.path == Path.cwd() / "new.csv"
    assert found.line.endswith(f"source: {Path.cwd() / 'new.csv'} (named there)")


def test_without_any_source_there_is_none_and_no_demo(home: Home) -> None:
    found = settings_in_force(home)
    assert found.settings.source.kind is None
    assert found.line == "settings: built-in defaults; source: none"


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_file_that_is_named_and_does_not_exist_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    absent = tmp_path / "absent.yaml"
    if by_variable:
        monkeypatch.setenv("MMM_CONFIG", str(absent))
    with pytest.raises(SettingsError, match=re.escape(f"{absent}: there is no such file")) as caught:
        settings_in_force(home, None if by_variable else absent)
    assert str(caught.value).startswith("MMM_CONFIG" if by_variable else "--config")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "source: {path: rows.csv}",
            "source.path is given without source.kind: accepted are file, duckdb and bigquery",
        ),
        ("source: {table: rows}", "source.table is given without source.kind"),
        ("source: {since: 2025-01-01}", "source.since is given without source.kind"),
    ],
)
def test_half_a_source_is_refused(tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "pipeline.yaml").write_text(section)
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_settings(tmp_path / "pipeline.yaml")


def test_another_source_is_refused_with_both_names(home: Home, tmp_path: Path) -> None:
    home.remember_settings(settings_on(tmp_path / "plain.csv"))
    with pytest.raises(SettingsError) as caught:
        require_same_source(home, SourceSettings(kind="demo"))
    assert str(caught.value).startswith(
        f"{home.root} holds the results of {tmp_path / 'plain.csv'}; this would replace them by those of the demo "
    )
    assert "--replace" in str(caught.value)


def test_the_same_rows_are_no_other_source(home: Home, tmp_path: Path) -> None:
    (tmp_path / "week.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "week.csv")
    home.remember_settings(settings_on(tmp_path / "week.csv"))
    for spelling in (tmp_path / "week.csv", tmp_path / "here" / ".." / "week.csv", tmp_path / "link.csv"):
        require_same_source(home, SourceSettings(kind="file", path=spelling))


@pytest.mark.parametrize(
    ("held", "other", "same"),
    [
        ({"kind": "demo"}, {"kind": "demo", "demo_seed": 6}, False),
        ({"kind": "file", "path": "/a.csv"}, {"kind": "file", "path": "/b.csv"}, False),
        (
            {"kind": "duckdb", "path": "/a.duckdb", "table": "x"},
            {"kind": "duckdb", "path": "/a.duckdb", "table": "y"},
            False,
        ),
        (
            {"kind": "bigquery", "table": "d.t", "since": "2024-01-01"},
            {"kind": "bigquery", "table": "d.t", "since": "2025-01-01"},
            True,
        ),
    ],
)
def test_what_makes_two_sources_the_same(held: dict, other: dict, same: bool) -> None:
    assert SourceSettings.model_validate(held).is_same_as(SourceSettings.model_validate(other)) is same


def test_a_link_stays_the_same_source_when_it_points_at_a_newer_export(home: Home, tmp_path: Path) -> None:
    for week in ("week_1.csv", "week_2.csv"):
        (tmp_path / week).touch()
    link = tmp_path / "latest.csv"
    link.symlink_to("week_1.csv")
    write(Path("pipeline.yaml"), "EUR", f"source: {{kind: file, path: {link}}}\n")
    home.remember_settings(settings_in_force(home).settings)

    link.unlink()
    link.symlink_to("week_2.csv")

    require_same_source(home, settings_in_force(home).settings.source)


def test_a_quick_look_is_not_remembered(home: Home, tmp_path: Path) -> None:
    settings = settings_on(tmp_path / "rows.csv")
    home.remember_settings(settings.for_quick_look())
    assert load_settings(home.settings_file) == settings


def test_a_quick_look_that_an_earlier_version_remembered_is_forgotten(home: Home, tmp_path: Path) -> None:
    import yaml

    quick = settings_on(tmp_path / "rows.csv", sampler={"chains": 2}).for_quick_look()
    home.settings_file.write_text(yaml.safe_dump(quick.model_dump(mode="json")))

    settings = settings_in_force(home).settings

    assert not settings.quick
    assert (settings.sampler.draws, settings.sampler.warmup, settings.sampler.chains) == (1000, 1000, 2)
    assert settings.convergence == Settings().convergence
    assert settings.source.path == tmp_path / "rows.csv"


def test_remembering_the_same_settings_leaves_an_edited_file_alone(home: Home, tmp_path: Path) -> None:
    settings = settings_on(tmp_path / "rows.csv")
    home.remember_settings(settings)
    edited = home.settings_file.read_text() + "# mine\n"
    home.settings_file.write_text(edited)
    home.remember_settings(settings)
    assert home.settings_file.read_text() == edited


def test_what_the_home_remembers_and_cannot_be_read_is_named(home: Home) -> None:
    home.settings_file.write_text("source: {kind: fax}\n")
    with pytest.raises(SettingsError, match=re.escape(f"{home.settings_file}: the source that this home remembers")):
        require_same_source(home, SourceSettings(kind="demo"))


def test_a_file_to_land_does_not_go_with_a_file_named_by_the_command_line(home: Home, tmp_path: Path) -> None:
    Path("pipeline.yaml").write_text("source: {kind: duckdb, path: c.duckdb, table: c}\nlanding: {file: week.csv}\n")
    found = settings_in_force(home)
    with pytest.raises(SettingsError, match=r"landing\.file lands in the table of source, and source\.kind is 'file'"):
        found.with_source(SourceSettings(kind="file", path=tmp_path / "rows.csv"), "command line")
