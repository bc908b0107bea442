"""Which columns a table's columns are made of, for the tables where that can be said column by column."""

from __future__ import annotations

import dagster as dg

__all__ = ["column_lineage"]

# Per table: its columns = table.column, ... ; several columns before the = share what comes after it.
_LINES = {
    "campaign_totals": """
        channel = raw_campaigns.channel
        brand = raw_campaigns.brand
        marketplace = raw_campaigns.marketplace
        media_units = raw_campaigns.media_units
        spend = raw_campaigns.spend
        kpi = raw_campaigns.kpi
        reason = rejected_rows.reason
        row_count = raw_campaigns.line_number, rejected_rows.line_number
    """,
    "media_matrix": """
        date = raw_campaigns.date
        channel = raw_campaigns.channel
        media_units = raw_campaigns.media_units
        spend = raw_campaigns.spend
        kpi = raw_campaigns.kpi
    """,
    "market_matrix": """
        market = raw_campaigns.market
        date = raw_campaigns.date
        channel = raw_campaigns.channel
        media_units = raw_campaigns.media_units
        spend = raw_campaigns.spend
        kpi = raw_campaigns.kpi
    """,
    "excluded_channels": """
        channel = media_matrix.channel
        reason = media_matrix.media_units, media_matrix.spend
    """,
    "naive_forecasts": "mape wape rmse crps is_best = media_matrix.kpi",
    "leaderboard": """
        mape wape rmse crps coverage_50 coverage_90 = media_matrix.kpi, media_matrix.media_units
        skill = naive_forecasts.mape, naive_forecasts.wape, naive_forecasts.rmse, naive_forecasts.crps
    """,
    "champion_fit": """
        adstock = leaderboard.adstock
        degrees = leaderboard.degrees
        rank = leaderboard.rank
    """,
    "rolling_origins": "mape wape rmse crps coverage_50 coverage_90 = media_matrix.kpi, media_matrix.media_units",
    "forecast": """
        date = media_matrix.date
        observed = media_matrix.kpi
        mean low high low_50 high_50 = media_matrix.kpi, media_matrix.media_units
    """,
    "attribution": """
        channel = media_matrix.channel
        spend = media_matrix.spend
        media_units = media_matrix.media_units
        contribution contribution_low contribution_high = media_matrix.kpi, media_matrix.media_units
        share share_low share_high = media_matrix.kpi, media_matrix.media_units
        roi roi_low roi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
        marginal_roi marginal_roi_low marginal_roi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
        cost_per_kpi cost_per_kpi_low cost_per_kpi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
    """,
    "contribution_over_time": """
        date = media_matrix.date
        mean low high = media_matrix.kpi, media_matrix.media_units
    """,
    "response_curves": """
        channel = media_matrix.channel
        spend = media_matrix.spend
        media_units = media_matrix.media_units
        kpi low high = media_matrix.kpi, media_matrix.media_units
    """,
    "budget_plan": """
        channel = media_matrix.channel
        current_spend = media_matrix.spend
        price = media_matrix.spend, media_matrix.media_units
    """,
    "budget_summary": """
        total = budget_plan.optimal_spend
        expected_kpi_current = budget_plan.current_kpi
        expected_kpi_optimal = budget_plan.optimal_kpi
        uplift = budget_plan.current_kpi, budget_plan.optimal_kpi
    """,
    "reallocation": """
        from_channel to_channel = budget_plan.channel
        amount = budget_plan.change
        from_marginal_roi_current to_marginal_roi_current = budget_plan.marginal_roi_current
        from_marginal_roi_optimal to_marginal_roi_optimal = budget_plan.marginal_roi_optimal
    """,
}


def column_lineage(table: str) -> dg.TableColumnLineage | None:
    """As Dagster stores it; None for a table whose columns come from a posterior as a whole."""
    if table not in _LINES:
        return None
    made_of: dict[str, list[dg.TableColumnDep]] = {}
    for line in _LINES[table].strip().splitlines():
        columns, _, sources = line.partition(" = ")
        pairs = [source.strip().split(".") for source in sources.split(",")]
        for column in columns.split():
            made_of[column] = [dg.TableColumnDep(asset_key=asset, column_name=name) for asset, name in pairs]
    return dg.TableColumnLineage(deps_by_column=made_of)
