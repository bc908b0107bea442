"""The pictures of single markets: those of all markets together, drawn from one market's rows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.returns import returns_of, stated

if TYPE_CHECKING:
    from mmm_pipeline.reporting.charts.catalog import Chart

__all__ = ["MARKET_CHARTS", "MARKET_TABLES", "draw_market_charts"]

MARKET_TABLES = ("attribution", "contribution_over_time", "response_curves")
"""Tables that come by market, too, under the name `<table>_by_market`."""

MARKET_CHARTS = ("roi", "contribution", "waterfall", "contributions_over_time", "response_curves")


def draw_market_charts(
    tables: ResultTables, by_market: Mapping[str, pd.DataFrame], folder: Path, language: Language
) -> dict[str, list[Chart]]:
    """Draw `MARKET_CHARTS` of every market as `folder/<number>-<market>/<chart>.png`.

    Args:
        tables: of all markets together.
        by_market: the tables `<table>_by_market` under the names in `MARKET_TABLES`.
        folder: where the pictures go.
        language: of their words.

    Returns:
        Market -> its charts; nothing when there are no markets.
    """
    from mmm_pipeline.reporting.charts.catalog import draw_charts

    tables = stated(tables)
    returns = returns_of(tables)
    names = list(dict.fromkeys(by_market["attribution"]["market"]))
    drawn = {}
    for number, market in enumerate(names, start=1):
        own = dataclasses.replace(
            tables,
            attribution=returns.scaled("attribution", _of_market(by_market["attribution"], market)),
            contribution_over_time=_of_market(by_market["contribution_over_time"], market),
            response_curves=_of_market(by_market["response_curves"], market),
        )
        place = folder / f"{number:02d}-{_file_name(market)}"
        drawn[market] = draw_charts(own, place, language, MARKET_CHARTS, label=str(market))
    return drawn


def _of_market(table: pd.DataFrame, market: str) -> pd.DataFrame:
    return table.loc[table["market"] == market].drop(columns="market").reset_index(drop=True)


def _file_name(market: str) -> str:
    """A part of a path that no name can lead out of."""
    return re.sub(r"[^\w]+", "-", market).strip("-")[:40] or "market"
