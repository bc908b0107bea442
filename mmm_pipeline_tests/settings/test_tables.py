"""Sources of several tables in the settings, and settings of version 1 that had other names."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import load_settings, parse_settings
from mmm_pipeline.settings.renamed import with_present_names


def test_a_file_name_alone_is_a_source_in_the_folder_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text("source: ads.csv\nkpi: {source: orders.csv}\ncontrols: {source: {kind: file, path: price.csv}}\n")

    settings = load_settings(path)

    assert settings.source.path == tmp_path / "ads.csv"
    assert settings.own_kpi_source is not None
    assert settings.own_kpi_source.path == tmp_path / "orders.csv"
    assert settings.control_source is not None
    assert settings.control_source.path == tmp_path / "price.csv"


def test_a_wide_table_has_its_kpi_as_a_table_of_its_own_in_the_same_source() -> None:
    settings = parse_settings({"source": "a.csv", "columns": {"patterns": {"spend": "*_S"}}})

    assert settings.own_kpi_source == settings.source


def test_landing_takes_long_rows_with_their_kpi_only() -> None:
    landing = {"source": {"kind": "duckdb", "path": "a.duckdb", "table": "t"}, "landing": {"file": "b.csv"}}
    assert parse_settings(landing).not_landed is None
    with pytest.raises(SettingsError, match=r"landing\.file: .*long tables.*the KPI.*kpi\.source: c\.csv"):
        parse_settings({**landing, "kpi": {"source": "c.csv"}})
    with pytest.raises(SettingsError, match=r"landing\.file: .*long tables.*columns per channel"):
        parse_settings({**landing, "columns": {"patterns": {"spend": "*_S"}}})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"source": "a.csv", "controls": {"source": {"kind": "bigquery", "table": "d.t"}}}, r"controls\.source\.kind"),
        ({"source": {"kind": "bigquery", "table": "d.t"}, "controls": {"columns": ["price"]}}, r"and source\.kind"),
    ],
)
def test_controls_in_bigquery_are_refused_before_anything_is_read(settings: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=rf"controls are not read from BigQuery.*{named}"):
        parse_settings(settings)


def test_the_features_of_version_1_are_the_controls_of_today() -> None:
    held = {"path": "price.csv", "sheet": None, "decimal": "comma", "date": "Day", "columns": ["price"]}
    settings = parse_settings(with_present_names({"features": held}))

    assert settings.controls.source.decimal == "comma"
    assert (settings.controls.date, settings.controls.columns) == ("Day", ("price",))
    with pytest.raises(SettingsError, match=r"features.*controls"):
        parse_settings({"features": held})
