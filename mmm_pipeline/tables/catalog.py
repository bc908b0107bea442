"""The one schema of every stage's table: columns, types, units, meaning and rules.

The blocking asset checks, the column schemas in the Dagster UI, docs/tables.md and the empty frames of the tests are
all derived from these objects.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from mmm_pipeline.tables.attribution import (
    ATTRIBUTION,
    ATTRIBUTION_BY_MARKET,
    CONTRIBUTION_OVER_TIME,
    CONTRIBUTION_OVER_TIME_BY_MARKET,
    MEDIA_TOTAL,
    RESPONSE_CURVES,
    RESPONSE_CURVES_BY_MARKET,
    RETENTION_DENSITY,
)
from mmm_pipeline.tables.backtest import BACKTEST, BACKTEST_CHANNELS
from mmm_pipeline.tables.budget import BUDGET_PLAN, BUDGET_SUMMARY, REALLOCATION
from mmm_pipeline.tables.campaign import (
    CAMPAIGN_TOTALS,
    EXCLUDED_CHANNELS,
    KPI_ROWS,
    KPI_SERIES,
    MARKET_MATRIX,
    MEDIA_MATRIX,
    MEDIA_ROWS,
    REJECTED_ROWS,
)
from mmm_pipeline.tables.comparison import AVERAGED_ATTRIBUTION, DRIFT, ROLLING_ORIGINS, SPEC_AGREEMENT
from mmm_pipeline.tables.engines import ENGINE_COMPARISON, ENGINE_SCORES
from mmm_pipeline.tables.evaluation import FORECAST, LEADERBOARD, NAIVE_FORECASTS
from mmm_pipeline.tables.frames import frame_of
from mmm_pipeline.tables.model_checks import (
    CHAMPION_FIT,
    PREDICTIVE_DISTRIBUTION,
    PREDICTIVE_PIT,
    PRIOR_CHECK,
    PRIOR_KPI,
    PRIOR_POSTERIOR_DENSITY,
    SENSITIVITY,
    WORST_PARAMETER_DRAWS,
)
from mmm_pipeline.tables.parts import About, about_of

__all__ = ["CONTRACTS", "about", "empty_table", "published_tables", "reported_tables", "violations"]

CONTRACTS: dict[str, pa.DataFrameSchema] = {
    str(schema.name): schema
    for schema in (
        MEDIA_ROWS,
        KPI_ROWS,
        REJECTED_ROWS,
        CAMPAIGN_TOTALS,
        KPI_SERIES,
        MEDIA_MATRIX,
        MARKET_MATRIX,
        EXCLUDED_CHANNELS,
        PRIOR_CHECK,
        PRIOR_KPI,
        LEADERBOARD,
        CHAMPION_FIT,
        NAIVE_FORECASTS,
        ROLLING_ORIGINS,
        FORECAST,
        ATTRIBUTION,
        ATTRIBUTION_BY_MARKET,
        SPEC_AGREEMENT,
        AVERAGED_ATTRIBUTION,
        MEDIA_TOTAL,
        CONTRIBUTION_OVER_TIME,
        CONTRIBUTION_OVER_TIME_BY_MARKET,
        RETENTION_DENSITY,
        PRIOR_POSTERIOR_DENSITY,
        SENSITIVITY,
        PREDICTIVE_PIT,
        PREDICTIVE_DISTRIBUTION,
        WORST_PARAMETER_DRAWS,
        RESPONSE_CURVES,
        RESPONSE_CURVES_BY_MARKET,
        BUDGET_PLAN,
        BUDGET_SUMMARY,
        REALLOCATION,
        DRIFT,
        ENGINE_COMPARISON,
        ENGINE_SCORES,
        BACKTEST,
        BACKTEST_CHANNELS,
    )
}


def about(name: str) -> About:
    """Readers, question, lineage and files of a table."""
    return about_of(CONTRACTS[name])


def reported_tables() -> tuple[str, ...]:
    """Tables that reports are written from."""
    return tuple(name for name in CONTRACTS if about(name).is_reported)


def published_tables() -> tuple[str, ...]:
    """Tables that are written as CSV files into the results."""
    return tuple(name for name in CONTRACTS if about(name).published_as is not None)


def empty_table(name: str) -> pd.DataFrame:
    """A table of the contract's columns and types without rows."""
    return frame_of(CONTRACTS[name], [])


def violations(name: str, table: pd.DataFrame, limit: int = 20) -> pd.DataFrame:
    """Rows of `table` that break the contract, at most `limit`.

    Returns:
        Columns `check`, `column`, `row` (index label) and `value`; empty when the contract holds.
    """
    try:
        CONTRACTS[name].validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        return pd.DataFrame(
            {
                "check": cases["check"].astype(str),
                "column": cases["column"].astype(str),
                "row": cases["index"].astype(str),
                "value": cases["failure_case"].astype(str),
            }
        ).head(limit)
    return pd.DataFrame(columns=["check", "column", "row", "value"])
