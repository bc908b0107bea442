"""With `split.as_of`, a later row is not there: not accepted, not refused, in no total and no matrix."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from mmm_pipeline.errors import CampaignDataError, StoredResultError
from mmm_pipeline.ingestion.matrix import build_media_matrix
from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.settings.schedule import RefreshCalendar
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.storage.workspace import Workspace, seen_until
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


def test_a_past_partition_lands_nothing_and_sees_no_later_row() -> None:
    live = parse_settings(
        {"source": {"kind": "duckdb", "path": "c.duckdb", "table": "t"}, "landing": {"file": "x.csv"}}
    )
    week = RefreshCalendar().named("2021-12-20")
    then = seen_until(live, week, today=dt.date(2022, 1, 1))
    assert (then.split.as_of, then.landing.file, then.source) == (dt.date(2021, 12, 26), None, live.source)
    assert seen_until(live, week, today=dt.date(2021, 12, 27)) == live, "the week is the present one"
    limited = live.model_copy(update={"split": live.split.model_copy(update={"as_of": dt.date(2021, 12, 24)})})
    assert seen_until(limited, week, today=dt.date(2022, 1, 1)).split.as_of == dt.date(2021, 12, 24)


def test_every_partition_has_a_folder_of_its_own(tmp_path: Path) -> None:
    workspaces = [Workspace(root=str(tmp_path), partition=key) for key in ("2021-12-13", "2021-12-20")]
    roots = [workspace.folder().root for workspace in workspaces]
    assert roots == [tmp_path / "refreshes" / "2021-12-13", tmp_path / "refreshes" / "2021-12-20"]
    assert [workspace.artifacts().root for workspace in workspaces] == [root / "artifacts" for root in roots]
    assert [workspace.warehouse().place for workspace in workspaces] == [
        str(root / "warehouse.duckdb") for root in roots
    ]


@pytest.mark.parametrize("key", ["../..", "/etc", "2021-12-20/..", "2021-12-20\n", ""])
def test_a_key_from_a_run_s_tags_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    with pytest.raises(StoredResultError, match="names no partition"):
        Home(tmp_path).refresh(key)
