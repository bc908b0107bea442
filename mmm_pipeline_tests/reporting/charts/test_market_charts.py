"""Pictures of single markets: the same charts, a folder each, whatever a market is called."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmm_pipeline.reporting.charts.market_charts import MARKET_CHARTS, MARKET_TABLES, draw_market_charts
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results


def by_market(tables: object, *names: str) -> dict[str, pd.DataFrame]:
    return {
        table: pd.concat([getattr(tables, table).assign(market=name) for name in names], ignore_index=True)
        for table in MARKET_TABLES
    }


def test_every_market_has_its_charts_in_a_folder_of_its_own(tmp_path: Path) -> None:
    tables = synthetic_results(channels=3)
    hostile = "../../etc/<b>Ebay</b>"
    drawn = draw_market_charts(tables, by_market(tables, "Amazon", hostile), tmp_path, "en")

    assert list(drawn) == ["Amazon", hostile]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-Amazon", "02-etc-b-Ebay-b"]
    for market, charts in drawn.items():
        assert [chart.name for chart in charts] == list(MARKET_CHARTS)
        assert all(chart.path.read_bytes().startswith(b"\x89PNG") for chart in charts)
        assert all(chart.title.startswith(f"{market}: ") for chart in charts)


def test_the_label_is_in_the_picture_and_nothing_else_changes(tmp_path: Path) -> None:
    tables = synthetic_results(channels=3)
    drawn = draw_market_charts(tables, by_market(tables, "Amazon", "Ebay"), tmp_path, "en")
    first, second = ({chart.name: chart.path.read_bytes() for chart in charts} for charts in drawn.values())
    assert all(first[name] != second[name] for name in MARKET_CHARTS)


def test_without_markets_nothing_is_drawn(tmp_path: Path) -> None:
    tables = synthetic_results(channels=3)
    empty = {name: table.iloc[:0] for name, table in by_market(tables, "Amazon").items()}
    assert draw_market_charts(tables, empty, tmp_path, "en") == {}
