"""With `split.as_of`, a later row is not there: not accepted, not refused, in no total and no matrix."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError, SettingsError
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.storage.workspace import Workspace
from mmm_pipeline_tests.ingestion.conftest import Load, rows, settings_for

_AS_OF = {"as_of": "2021-10-18"}


def test_later_rows_are_neither_accepted_nor_refused_but_counted(load: Load) -> None:
    loaded = load(
        rows(
            "2021-10-17,A,1,1,1",
            '"Oct 18, 2021",A,2,2,2',
            "10/19/2021,A,3,3,3",
            "2021-10-20,A,-4,broken,4",  # a later row is not judged
            "2021-10-20,B,5,5,5",
            "2021-10-20,B,5,5,5",
            "never,A,6,6,6",  # without a date, nobody can say when it came
        ),
        split=_AS_OF,
    )

    assert loaded.accepted["media_units"].tolist() == [1, 2]
    assert list(zip(loaded.rejected["line_number"], loaded.rejected["reason"], strict=True)) == [
        (8, "unparseable_date")
    ]
    assert (loaded.summary.accepted, loaded.summary.rejected, loaded.summary.later) == (2, 1, 4)


def test_what_is_seen_on_a_day_does_not_depend_on_what_came_later(load: Load, warehouse: DuckDBWarehouse) -> None:
    then = load(rows("2021-10-17,A,1,1,1", "2021-10-18,A,2,2,2"), split=_AS_OF)
    totals = warehouse.read_table("campaign_totals")
    now = load(rows("2021-10-17,A,1,1,1", "2021-10-18,A,2,2,2", "2021-10-19,C,9,9,9"), split=_AS_OF)

    assert now.summary.fingerprint == then.summary.fingerprint
    pd.testing.assert_frame_equal(warehouse.read_table("campaign_totals"), totals)
    pd.testing.assert_frame_equal(now.accepted, then.accepted)


def test_the_matrix_ends_on_the_day(tmp_path: Path, small_days: Path) -> None:
    settings = settings_for(small_days, split={"as_of": "2021-12-20"})
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    load_campaigns(warehouse, settings)
    assert build_media_matrix(warehouse, settings)["date"].max() == pd.Timestamp("2021-12-20")


@pytest.fixture
def small_days(tmp_path: Path) -> Path:
    """80 days from 2021-10-17 on."""
    path = tmp_path / "campaigns.csv"
    days = pd.date_range("2021-10-17", periods=80)
    path.write_text(rows(*(f"{day:%Y-%m-%d},A,{1 + day.day},1,{9 + day.day}" for day in days)), encoding="utf-8")
    return path


def test_a_day_before_all_rows_is_one_message(load: Load) -> None:
    with pytest.raises(CampaignDataError, match=r"all 1 rows are dated after split\.as_of"):
        load(rows("2021-10-19,A,1,1,1"), split=_AS_OF)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"warehouse": {"kind": "bigquery", "dataset": "d"}}, "accepted with it is 'duckdb'"),
        (
            {"source": {"kind": "duckdb", "path": "x.duckdb", "table": "t"}, "landing": {"file": "x.csv"}},
            "landing.file changes the campaign table",
        ),
        ({"storage": {"artifacts": "gs://bucket/mmm"}}, "storage names another place"),
        ({"split": {"as_of": "20.12.2021"}}, "split.as_of"),
    ],
)
def test_what_would_change_the_present_is_refused(sections: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings({"split": _AS_OF, **sections})


def test_an_earlier_day_of_any_settings_keeps_its_tables_to_itself() -> None:
    live = parse_settings(
        {
            "source": {"kind": "bigquery", "table": "d.t"},
            "warehouse": {"kind": "bigquery", "dataset": "d"},
            "landing": {"file": "x.csv"},
            "storage": {"artifacts": "gs://bucket/mmm", "results": "gs://bucket/results"},
        }
    )
    then = live.as_of(dt.date(2021, 12, 20))
    assert then == parse_settings(then.model_dump(mode="json"))
    assert (then.warehouse.kind, then.landing.file, then.source) == ("duckdb", None, live.source)
    assert (then.storage.artifacts, then.storage.results) == (None, None)


def test_assets_work_on_a_home_below_the_present_one_even_when_the_setting_came_later(tmp_path: Path) -> None:
    config = tmp_path / "pipeline.yaml"
    config.write_text("{}")
    workspace = Workspace(root=str(tmp_path / "home"), config=str(config))
    present = workspace.artifacts().root
    config.write_text("split: {as_of: 2021-12-20}")

    there = tmp_path / "home" / "as-of" / "2021-12-20"
    assert workspace.folder().root == there
    assert workspace.artifacts().root == there / "artifacts" != present
    assert workspace.warehouse().place == str(there / "warehouse.duckdb")


def test_the_home_of_a_day_is_opened_as_it_is() -> None:
    day = dt.date(2021, 12, 20)
    there = Home(Path("/home")).as_of(day)
    assert there.as_of(day) == there
    assert there.compilation_cache == Home(Path("/home")).compilation_cache
