"""Rolling origins and averaging, really run through the graph, up to what the specs say together."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.homes import present
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, run_some, small_settings

_UNTIL = (*UP_TO_THE_CHAMPION, "champion_fit", "spec_agreement", "averaged_attribution")
_TABLES = ("leaderboard", "naive_forecasts", "rolling_origins", "spec_agreement", "averaged_attribution")


def _run(home: Home, source: Path) -> dg.ExecuteInProcessResult:
    settings = small_settings(
        source,
        model={"adstocks": ["adstock"], "degrees": [1, 2]},
        split={"holdout": 14, "rolling_origins": 2},
        ranking={"error": "wape", "averaging": "stacking"},
    )
    return run_some(home, settings, _UNTIL)


@pytest.fixture(scope="module")
def home(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("rolling"))
    assert _run(home, small_campaign).success
    return home


@pytest.fixture(scope="module")
def tables(home: Home) -> dict[str, pd.DataFrame]:
    warehouse = DuckDBWarehouse(present(home).warehouse_file)
    return {name: warehouse.read_table(name, coerce=False) for name in _TABLES}


def test_every_table_keeps_its_contract(tables: dict[str, pd.DataFrame]) -> None:
    assert {name: violations(name, table).to_dict("records") for name, table in tables.items()} == {
        name: [] for name in _TABLES
    }


def test_the_board_ranks_by_the_errors_of_all_windows(tables: dict[str, pd.DataFrame]) -> None:
    rolling = tables["rolling_origins"]
    assert rolling.groupby("degrees")["is_pooled"].apply(list).tolist() == [[False, False, True]] * 2
    pooled = rolling[rolling["is_pooled"]].set_index("degrees")
    board = tables["leaderboard"].set_index("degrees")
    for error in ("mape", "wape", "rmse", "crps"):
        assert board[error].to_dict() == pytest.approx(pooled[error].to_dict())
    best = tables["naive_forecasts"]["wape"].min()
    assert board["skill"].to_dict() == pytest.approx((1 - board["wape"] / best).to_dict())


def test_specs_are_weighted_and_averaged(tables: dict[str, pd.DataFrame]) -> None:
    assert tables["leaderboard"]["weight"].sum() == pytest.approx(1.0)
    assert len(tables["averaged_attribution"]) == len(tables["spec_agreement"]) == 3


def test_a_run_that_was_killed_goes_on_with_the_windows_it_has(home: Home, small_campaign: Path) -> None:
    fits = {path: path.stat().st_mtime_ns for path in (present(home).artifacts / "rolling_fits").glob("*.nc")}
    assert len(fits) == 2
    lost, kept = sorted(fits)
    lost.unlink()
    (present(home).artifacts / "rolling_fits" / "adstock-1-1999-01-01.nc").write_bytes(b"a window that is over")

    assert _run(home, small_campaign).success

    assert sorted((present(home).artifacts / "rolling_fits").glob("*.nc")) == [lost, kept]
    assert kept.stat().st_mtime_ns == fits[kept]
