"""Contracts of how well specs and naive forecasts predict."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    DATE,
    KPI,
    MARKETING,
    About,
    column,
    ordered,
    table,
)

__all__ = ["FORECAST", "LEADERBOARD", "NAIVE_FORECASTS"]

LEADERBOARD = table(
    "leaderboard",
    "All specs, best first. A spec that did not converge cannot win.",
    {
        "rank": column("Int64", "place; empty for a spec that cannot win", pa.Check.ge(1), nullable=True),
        "adstock": column(str, "media transform"),
        "degrees": column("int64", "Fourier pairs of the yearly seasonality", pa.Check.ge(0)),
        "status": column(
            str,
            "converged, not_converged, failed, missing (never fitted) or stale (fitted on other inputs)",
            pa.Check.isin(["converged", "not_converged", "failed", "missing", "stale"]),
        ),
        "reason": column(str, "which thresholds were missed, or why there is no fit", nullable=True),
        "reasons": column(str, "the same as JSON: code, values and forecast window of every reason", nullable=True),
        "is_champion": column(
            bool,
            "first place, with at least ranking.least_converged_specs converged; champion_fit has the spec that "
            "decisions use, and in the results this column marks that one",
        ),
        "is_rival": column(bool, "converged, and its error is within two standard errors of the smallest one"),
        "mape": column(float, "mean absolute percentage error on the holdout, as a share", nullable=True),
        "wape": column(float, "sum of absolute errors over sum of KPI on the holdout", nullable=True),
        "rmse": column(float, "root mean squared error on the holdout", unit=KPI, nullable=True),
        "crps": column(float, "continuous ranked probability score on the holdout", unit=KPI, nullable=True),
        "coverage_50": column(float, "share of holdout periods inside the central 50 % interval", nullable=True),
        "coverage_90": column(float, "share of holdout periods inside the central 90 % interval", nullable=True),
        "skill": column(
            float,
            "1 - error / error of the best naive forecast, by the error that ranks; above 0 beats it",
            nullable=True,
        ),
        "elpd_loo": column(
            float,
            "PSIS-LOO expected log predictive density of the train periods; believe it only where loo_status says so",
            nullable=True,
        ),
        "elpd_loo_se": column(float, "standard error of elpd_loo", nullable=True),
        "pareto_k_max": column(float, "worst Pareto k of a train period", nullable=True),
        "pareto_k_above": column("Int64", "train periods whose Pareto k exceeds 0.7", nullable=True),
        "loo_status": column(
            str,
            "reliable; unreliable (some Pareto k above 0.7); refused (not converged, or the likelihood is not finite)",
            pa.Check.isin(["reliable", "unreliable", "refused"]),
            nullable=True,
        ),
        "weight": column(
            float,
            "stacking weight in the averaged attribution; empty when specs are not averaged",
            pa.Check.in_range(0, 1),
            nullable=True,
        ),
        "rhat_max": column(float, "largest rank-normalised R-hat of any parameter", nullable=True),
        "ess_bulk_min": column(float, "smallest bulk effective sample size", nullable=True),
        "ess_tail_min": column(float, "smallest tail effective sample size", nullable=True),
        "divergences": column("Int64", "divergent transitions after warm-up", nullable=True),
        "attempts": column("Int64", "sampler runs it took, escalations included", nullable=True),
        "seconds": column(float, "wall time of the fit, compilation included", unit="seconds", nullable=True),
    },
    unique=["adstock", "degrees"],
    about=About(
        readers=MARKETING,
        question="Which of the nine models forecasts best, and is it better than a forecast without any model? If "
        "skill is 0 or less, read everything below as *we do not know yet*.",
        lineage="""
        mape wape rmse crps coverage_50 coverage_90 = media_matrix.kpi, media_matrix.media_units
        skill = naive_forecasts.mape, naive_forecasts.wape, naive_forecasts.rmse, naive_forecasts.crps
    """,
        is_reported=True,
        published_as="leaderboard",
    ),
)

NAIVE_FORECASTS = table(
    "naive_forecasts",
    "Forecasts without a model, scored on the same holdout; a spec has to beat the best of them.",
    {
        "forecast": column(
            str,
            "mean, median, weekday_mean, last_period, last_week, seasonal_naive (train window of 52 weeks and more)",
        ),
        "mape": column(float, "mean absolute percentage error on the holdout, as a share"),
        "wape": column(float, "sum of absolute errors over sum of KPI on the holdout"),
        "rmse": column(float, "root mean squared error on the holdout", unit=KPI),
        "crps": column(float, "mean absolute error: the CRPS of a forecast without uncertainty", unit=KPI),
        "is_best": column(bool, "whether it has the smallest of the errors that rank"),
    },
    unique=["forecast"],
    about=About(
        readers=MARKETING,
        question="How good is a forecast that knows nothing about media?",
        lineage="mape wape rmse crps is_best = media_matrix.kpi",
        is_reported=True,
    ),
)

FORECAST = table(
    "forecast",
    "Observed KPI beside the champion spec's posterior predictive: fit on the train periods, forecast on the holdout.",
    {
        "date": column(DATE, "first day of the period"),
        "is_holdout": column(bool, "whether the period was kept from the fit"),
        "observed": column(float, "observed KPI", unit=KPI),
        "mean": column(float, "posterior predictive mean", unit=KPI),
        "low": column(float, "lower end of the predictive interval", unit=KPI),
        "high": column(float, "upper end of the predictive interval", unit=KPI),
        "low_50": column(float, "lower end of the central 50 % predictive interval", unit=KPI),
        "high_50": column(float, "upper end of the central 50 % predictive interval", unit=KPI),
    },
    checks=[ordered("low", "high")],
    about=About(
        readers=MARKETING,
        question="What did the best model expect of the periods that it had not seen, and what happened?",
        lineage="""
        date = media_matrix.date
        observed = media_matrix.kpi
        mean low high low_50 high_50 = media_matrix.kpi, media_matrix.media_units
    """,
        is_reported=True,
    ),
)
