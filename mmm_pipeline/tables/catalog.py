"""The one schema of every stage's table: columns, types, units, meaning and rules.

The blocking asset checks, the column schemas in the Dagster UI, docs/tables.md and the empty frames of the tests are
all derived from these objects.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from mmm_pipeline.tables.backtest import REPLAY, REPLAY_CHANNELS
from mmm_pipeline.tables.campaign import (
    CAMPAIGN_TOTALS,
    MARKET_MATRIX,
    MEDIA_MATRIX,
    RAW_CAMPAIGNS,
    REJECTED_ROWS,
)
from mmm_pipeline.tables.comparison import AVERAGED_ATTRIBUTION, DRIFT, ROLLING_ORIGINS, SPEC_AGREEMENT
from mmm_pipeline.tables.engines import ENGINE_COMPARISON, ENGINE_SCORES
from mmm_pipeline.tables.markets import by_market as _by_market
from mmm_pipeline.tables.model_checks import (
    CHAMPION_FIT,
    PREDICTIVE_DISTRIBUTION,
    PREDICTIVE_PIT,
    PRIOR_POSTERIOR_DENSITY,
    WORST_PARAMETER_DRAWS,
)
from mmm_pipeline.tables.parts import AT_LEAST_0 as _AT_LEAST_0
from mmm_pipeline.tables.parts import CURRENCY_PER_DAY as _CURRENCY_PER_DAY
from mmm_pipeline.tables.parts import DATE as _DATE
from mmm_pipeline.tables.parts import KPI as _KPI
from mmm_pipeline.tables.parts import column as _column
from mmm_pipeline.tables.parts import interval as _interval
from mmm_pipeline.tables.parts import ordered as _ordered
from mmm_pipeline.tables.parts import table as _table

__all__ = ["CONTRACTS", "empty_table", "violations"]


LEADERBOARD = _table(
    "leaderboard",
    "All specs, best first. A spec that did not converge cannot win.",
    {
        "rank": _column("Int64", "place; empty for a spec that cannot win", pa.Check.ge(1), nullable=True),
        "adstock": _column(str, "media transform"),
        "degrees": _column("int64", "Fourier pairs of the yearly seasonality", pa.Check.ge(0)),
        "status": _column(
            str,
            "converged, not_converged, failed, missing (never fitted) or stale (fitted on other inputs)",
            pa.Check.isin(["converged", "not_converged", "failed", "missing", "stale"]),
        ),
        "reason": _column(str, "which thresholds were missed, or why there is no fit", nullable=True),
        "is_champion": _column(
            bool,
            "first place, with at least ranking.least_converged_specs converged; champion_fit has the spec that "
            "decisions use, and in the results this column marks that one",
        ),
        "is_rival": _column(bool, "converged, and its error is within two standard errors of the smallest one"),
        "mape": _column(float, "mean absolute percentage error on the holdout, as a share", nullable=True),
        "wape": _column(float, "sum of absolute errors over sum of KPI on the holdout", nullable=True),
        "rmse": _column(float, "root mean squared error on the holdout", unit=_KPI, nullable=True),
        "crps": _column(float, "continuous ranked probability score on the holdout", unit=_KPI, nullable=True),
        "coverage_50": _column(float, "share of holdout days inside the central 50 % interval", nullable=True),
        "coverage_90": _column(float, "share of holdout days inside the central 90 % interval", nullable=True),
        "skill": _column(
            float,
            "1 - error / error of the best naive forecast, by the error that ranks; above 0 beats it",
            nullable=True,
        ),
        "elpd_loo": _column(
            float,
            "PSIS-LOO expected log predictive density of the train days; believe it only where loo_status says so",
            nullable=True,
        ),
        "elpd_loo_se": _column(float, "standard error of elpd_loo", nullable=True),
        "pareto_k_max": _column(float, "worst Pareto k of a train day", nullable=True),
        "pareto_k_above": _column("Int64", "train days whose Pareto k exceeds 0.7", nullable=True),
        "loo_status": _column(
            str,
            "reliable; unreliable (some Pareto k above 0.7); refused (not converged, or the likelihood is not finite)",
            pa.Check.isin(["reliable", "unreliable", "refused"]),
            nullable=True,
        ),
        "weight": _column(
            float,
            "stacking weight in the averaged attribution; empty when specs are not averaged",
            pa.Check.in_range(0, 1),
            nullable=True,
        ),
        "rhat_max": _column(float, "largest rank-normalised R-hat of any parameter", nullable=True),
        "ess_bulk_min": _column(float, "smallest bulk effective sample size", nullable=True),
        "ess_tail_min": _column(float, "smallest tail effective sample size", nullable=True),
        "divergences": _column("Int64", "divergent transitions after warm-up", nullable=True),
        "attempts": _column("Int64", "sampler runs it took, escalations included", nullable=True),
        "seconds": _column(float, "wall time of the fit, compilation included", unit="seconds", nullable=True),
    },
    unique=["adstock", "degrees"],
)

NAIVE_FORECASTS = _table(
    "naive_forecasts",
    "Forecasts without a model, scored on the same holdout; a spec has to beat the best of them.",
    {
        "forecast": _column(
            str, "mean, median, weekday_mean, last_day, last_week, seasonal_naive (train window of 52 weeks and more)"
        ),
        "mape": _column(float, "mean absolute percentage error on the holdout, as a share"),
        "wape": _column(float, "sum of absolute errors over sum of KPI on the holdout"),
        "rmse": _column(float, "root mean squared error on the holdout", unit=_KPI),
        "crps": _column(float, "mean absolute error: the CRPS of a forecast without uncertainty", unit=_KPI),
        "is_best": _column(bool, "whether it has the smallest of the errors that rank"),
    },
    unique=["forecast"],
)

FORECAST = _table(
    "forecast",
    "Observed KPI beside the champion spec's posterior predictive: fit on the train days, forecast on the holdout.",
    {
        "date": _column(_DATE, "day"),
        "is_holdout": _column(bool, "whether the day was kept from the fit"),
        "observed": _column(float, "observed KPI", unit=_KPI),
        "mean": _column(float, "posterior predictive mean", unit=_KPI),
        "low": _column(float, "lower end of the predictive interval", unit=_KPI),
        "high": _column(float, "upper end of the predictive interval", unit=_KPI),
        "low_50": _column(float, "lower end of the central 50 % predictive interval", unit=_KPI),
        "high_50": _column(float, "upper end of the central 50 % predictive interval", unit=_KPI),
    },
    checks=[_ordered("low", "high")],
)

ATTRIBUTION = _table(
    "attribution",
    "What each channel is worth over the whole window, by the champion refitted on all days.",
    {
        "channel": _column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "spend": _column(float, "spend over the window", _AT_LEAST_0, unit="currency"),
        "media_units": _column(float, "media over the window", _AT_LEAST_0, unit="media units"),
        "contribution": _column(float, "posterior mean KPI caused inside the window", unit=_KPI),
        **_interval("contribution", _KPI),
        "share": _column(float, "contribution over the fitted KPI of the window"),
        **_interval("share"),
        "roi": _column(
            float, "contribution per unit of spend, carried-over effect inside the window included", nullable=True
        ),
        **_interval("roi"),
        "probability_roi_above_1": _column(float, "posterior probability that ROI exceeds 1", nullable=True),
        "marginal_roi": _column(float, "KPI of the next unit of currency at today's daily spend", nullable=True),
        **_interval("marginal_roi"),
        "cost_per_kpi": _column(float, "spend per KPI unit caused", unit="currency per KPI unit", nullable=True),
        **_interval("cost_per_kpi", "currency per KPI unit"),
        "prior_width_ratio": _column(
            float,
            "posterior width of the contribution over its prior width; near 1: the data says nothing",
            nullable=True,
        ),
    },
    unique=["channel"],
    checks=[
        _ordered(f"{quantity}_low", f"{quantity}_high")
        for quantity in ("contribution", "share", "roi", "marginal_roi", "cost_per_kpi")
    ],
)

CONTRIBUTION_OVER_TIME = _table(
    "contribution_over_time",
    "Posterior mean contribution per day; the components of a day add up to the fitted mean exactly.",
    {
        "date": _column(_DATE, "day"),
        "component": _column(str, "baseline, or the name of a channel"),
        "is_baseline": _column(bool, "whether the component is everything but media"),
        "mean": _column(float, "posterior mean", unit=_KPI),
        "low": _column(float, "lower end of the credible interval", unit=_KPI),
        "high": _column(float, "upper end of the credible interval", unit=_KPI),
    },
    unique=["date", "component"],
)

_WITHOUT_MARKETS = "empty unless columns.market names a column."
ATTRIBUTION_BY_MARKET = _by_market(
    ATTRIBUTION, "attribution_by_market", f"The attribution of every market by itself; {_WITHOUT_MARKETS}"
)
CONTRIBUTION_OVER_TIME_BY_MARKET = _by_market(
    CONTRIBUTION_OVER_TIME,
    "contribution_over_time_by_market",
    f"Contribution per day in every market by itself; {_WITHOUT_MARKETS}",
)

RETENTION_DENSITY = _table(
    "retention_density",
    "Prior and posterior density of each channel's retention (share of the effect carried to the next day).",
    {
        "channel": _column(str, "name of the channel"),
        "source": _column(str, "prior or posterior", pa.Check.isin(["prior", "posterior"])),
        "retention": _column(float, "retention rate", pa.Check.in_range(0, 1)),
        "density": _column(float, "probability density", _AT_LEAST_0),
    },
)

RESPONSE_CURVES = _table(
    "response_curves",
    "Expected KPI per day at a constant daily spend, carry-over in steady state, per channel.",
    {
        "channel": _column(str, "name of the channel"),
        "spend": _column(float, "constant spend", _AT_LEAST_0, unit=_CURRENCY_PER_DAY),
        "media_units": _column(
            float, "media bought at the channel's mean price", _AT_LEAST_0, unit="media units per day"
        ),
        "kpi": _column(float, "posterior mean KPI per day", unit="KPI units per day"),
        "low": _column(float, "lower end of the credible interval", unit="KPI units per day"),
        "high": _column(float, "upper end of the credible interval", unit="KPI units per day"),
        "ceiling_share": _column(
            float,
            "expected KPI over the most that a Hill curve can bring; empty for power curves, which have no ceiling",
            nullable=True,
        ),
        "is_half_saturation": _column(
            bool, "the spend that brings half of the ceiling; none where it is beyond the range, or there is no ceiling"
        ),
        "is_current": _column(bool, "today's point: the mean daily spend of the last horizon"),
        "is_extrapolated": _column(bool, "spend beyond the largest observed on a day"),
    },
    unique=["channel", "spend"],
)

RESPONSE_CURVES_BY_MARKET = _by_market(
    RESPONSE_CURVES,
    "response_curves_by_market",
    f"Response curves of every market by itself; {_WITHOUT_MARKETS}",
)

BUDGET_PLAN = _table(
    "budget_plan",
    "Current and optimal spend per channel over the horizon.",
    {
        "channel": _column(str, "name of the channel"),
        "current_spend": _column(float, "spend of the last horizon, scaled to the total", _AT_LEAST_0, unit="currency"),
        "optimal_spend": _column(float, "spend of the plan", _AT_LEAST_0, unit="currency"),
        "change": _column(float, "optimal minus current", unit="currency"),
        "low": _column(float, "lower bound", _AT_LEAST_0, unit="currency"),
        "high": _column(float, "upper bound", _AT_LEAST_0, unit="currency"),
        "is_locked": _column(bool, "whether the channel had to stay as it is"),
        "price": _column(float, "spend per media unit", _AT_LEAST_0, unit="currency per media unit"),
        "current_kpi": _column(float, "expected KPI of the current spend", unit=_KPI),
        "optimal_kpi": _column(float, "expected KPI of the plan", unit=_KPI),
        "marginal_roi_current": _column(float, "KPI of the next unit of currency at the current spend"),
        "marginal_roi_optimal": _column(float, "KPI of the next unit of currency at the plan"),
    },
    unique=["channel"],
    checks=[_ordered("low", "high")],
)

BUDGET_SUMMARY = _table(
    "budget_summary",
    "One row: what the plan promises, how sure that is, and how far it can be from the optimum.",
    {
        "objective": _column(
            str,
            "most_kpi (at the total), smallest_total (that reaches the KPI target) or worthwhile_spend (until marginal "
            "ROI falls to its target)",
            pa.Check.isin(["most_kpi", "smallest_total", "worthwhile_spend"]),
        ),
        "total": _column(float, "budget over the horizon", _AT_LEAST_0, unit="currency"),
        "total_today": _column(float, "what the last horizon cost", _AT_LEAST_0, unit="currency"),
        "horizon_days": _column("int64", "length of the plan", pa.Check.ge(1), unit="days"),
        "basis_end": _column(
            _DATE,
            "last day of the spend that bounds are multiples of; before the end of the data where nothing was spent "
            "since",
        ),
        "expected_kpi_today": _column(float, "expected media KPI of the last horizon's spend", unit=_KPI),
        "expected_kpi_current": _column(
            float, "expected media KPI of the current allocation, scaled to the total", unit=_KPI
        ),
        "expected_kpi_optimal": _column(float, "expected media KPI of the plan", unit=_KPI),
        "uplift": _column(float, "expected gain of the plan over the current allocation", unit=_KPI),
        **_interval("uplift", _KPI),
        "probability_of_gain": _column(float, "posterior probability that the plan beats the current allocation"),
        "risk_measure": _column(
            str,
            "what of the KPI the plan makes large over the posterior draws",
            pa.Check.isin(["mean", "mean_minus_sd", "lower_tail_mean", "quantile"]),
        ),
        "risk_value_current": _column(float, "that figure of the current allocation", unit=_KPI),
        "risk_value_optimal": _column(float, "that figure of the plan", unit=_KPI),
        "upper_bound": _column(
            float,
            "no plan of this total within the bounds has a higher figure (Lagrangian dual); empty without certificate",
            unit=_KPI,
            nullable=True,
        ),
        "optimality_gap": _column(
            float, "(upper bound - plan) / plan, as a share; empty without certificate", _AT_LEAST_0, nullable=True
        ),
        "certificate": _column(
            str,
            "dual_bound, or none: the plan is the best that was found, and nothing says how far it is from the best",
            pa.Check.isin(["dual_bound", "none"]),
        ),
        "verdict": _column(
            str,
            "material_gain, no_material_gain, or no_plan: the plan is today's spend, as the request cannot be met",
            pa.Check.isin(["material_gain", "no_material_gain", "no_plan"]),
        ),
        "no_plan": _column(
            str,
            "why there is no plan: no_spend (nothing was spent lately and no total is set), out_of_reach (of the KPI "
            "target) or constraints (they contradict each other)",
            pa.Check.isin(["no_spend", "out_of_reach", "constraints"]),
            nullable=True,
        ),
        "reason": _column(str, "the same in words, with what to set", nullable=True),
    },
)

REALLOCATION = _table(
    "reallocation",
    "The plan's changes as moves of money between channels, largest first; the pairing is a convention.",
    {
        "from_channel": _column(str, "channel that gives"),
        "to_channel": _column(str, "channel that takes"),
        "amount": _column(float, "money moved over the horizon", pa.Check.gt(0), unit="currency"),
        "from_marginal_roi_current": _column(float, "KPI of the giver's next unit of currency at its current spend"),
        "from_marginal_roi_optimal": _column(float, "KPI of the giver's next unit of currency at the plan"),
        "to_marginal_roi_current": _column(float, "KPI of the taker's next unit of currency at its current spend"),
        "to_marginal_roi_optimal": _column(float, "KPI of the taker's next unit of currency at the plan"),
    },
    unique=["from_channel", "to_channel"],
)

EXCLUDED_CHANNELS = _table(
    "excluded_channels",
    "Channels of the media matrix that the model leaves out, and why.",
    {
        "channel": _column(str, "name of the channel"),
        "reason": _column(str, "which rule it failed"),
    },
    unique=["channel"],
)

CONTRACTS: dict[str, pa.DataFrameSchema] = {
    str(schema.name): schema
    for schema in (
        RAW_CAMPAIGNS,
        REJECTED_ROWS,
        CAMPAIGN_TOTALS,
        MEDIA_MATRIX,
        MARKET_MATRIX,
        EXCLUDED_CHANNELS,
        LEADERBOARD,
        CHAMPION_FIT,
        NAIVE_FORECASTS,
        ROLLING_ORIGINS,
        FORECAST,
        ATTRIBUTION,
        ATTRIBUTION_BY_MARKET,
        SPEC_AGREEMENT,
        AVERAGED_ATTRIBUTION,
        CONTRIBUTION_OVER_TIME,
        CONTRIBUTION_OVER_TIME_BY_MARKET,
        RETENTION_DENSITY,
        PRIOR_POSTERIOR_DENSITY,
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
        REPLAY,
        REPLAY_CHANNELS,
    )
}


def empty_table(name: str) -> pd.DataFrame:
    """A table of the contract's columns and types without rows."""
    schema = CONTRACTS[name]
    return pd.DataFrame({column: pd.Series(dtype=str(field.dtype)) for column, field in schema.columns.items()})


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
