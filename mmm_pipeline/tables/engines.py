"""Contracts of the tables that hold other engines against ours."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    KPI,
    STATISTICIANS,
    About,
    column,
    interval,
    ordered,
    table,
)

__all__ = ["ENGINE_COMPARISON", "ENGINE_SCORES", "OURS"]

OURS = "mmm_pipeline"
"""What this pipeline is called where it stands beside other engines."""

_NAME = pa.Check.str_length(min_value=1)

ENGINE_COMPARISON = table(
    "engine_comparison",
    "ROI of every channel as this pipeline and other engines see it, all fitted on the train window; empty unless an "
    "engine has answered.",
    {
        "engine": column(str, f"name of the engine; {OURS}: this pipeline", _NAME),
        "title": column(str, "its name as reports write it", _NAME),
        "model": column(str, "which of its models", _NAME),
        "counts": column(bool, "whether it takes part in the verdict: one model of each engine does"),
        "channel": column(str, "name of the channel", _NAME),
        "spend": column(float, "spend over the train window", AT_LEAST_0, unit="currency"),
        "contribution": column(float, "expected KPI caused inside the train window", unit=KPI),
        **interval("contribution", KPI),
        "roi": column(float, "contribution per unit of spend"),
        **interval("roi"),
        "roi_sd": column(float, "standard deviation of ROI over the draws", AT_LEAST_0, nullable=True),
        "apart_from": column(str, "engines whose interval of ROI does not touch this one's"),
        "verdict": column(
            str,
            "over the rows that count: disagree (two intervals do not touch), differ (all touch, but some estimate "
            "lies outside another's interval), agree (every estimate lies inside every interval), single (fewer than "
            "two have an interval)",
            pa.Check.isin(["agree", "differ", "disagree", "single"]),
        ),
    },
    unique=["engine", "model", "channel"],
    checks=[ordered(f"{quantity}_low", f"{quantity}_high") for quantity in ("contribution", "roi")],
    about=About(
        readers=STATISTICIANS,
        question="Do other MMM engines say the same of each channel?",
        is_reported=True,
        published_as="engine_comparison",
    ),
)

ENGINE_SCORES = table(
    "engine_scores",
    "How well every engine forecast the same holdout, what it cost, and why one is missing; empty without others.",
    {
        "engine": column(str, f"name of the engine; {OURS}: this pipeline", _NAME),
        "title": column(str, "its name as reports write it", _NAME),
        "model": column(str, "which of its models", _NAME),
        "version": column(str, "version that answered; empty where none did"),
        "status": column(
            str,
            "ok; not_converged (an R-hat above 1.1: not believed); failed; stale (it answered other inputs or "
            "settings); missing (it was not run)",
            pa.Check.isin(["ok", "not_converged", "failed", "stale", "missing"]),
        ),
        "reason": column(str, "why there is no answer; empty where there is one"),
        "counts": column(bool, "whether it takes part in the verdicts on channels"),
        "mape": column(float, "mean absolute percentage error on the holdout, as a share", nullable=True),
        "wape": column(float, "sum of absolute errors over sum of KPI", nullable=True),
        "rmse": column(float, "root mean squared error", unit=KPI, nullable=True),
        "coverage": column(
            float,
            "share of holdout periods inside the engine's credible interval",
            pa.Check.in_range(0, 1),
            nullable=True,
        ),
        "rank_correlation": column(
            float, "Spearman's, of ROI over channels with ours", pa.Check.in_range(-1, 1), nullable=True
        ),
        "seconds": column(float, "wall time of the fit, compilation included", AT_LEAST_0, unit="s", nullable=True),
        "ess_roi_min": column(
            float, "effective draws behind the ROI of the channel that has fewest", AT_LEAST_0, nullable=True
        ),
        "ess_roi_per_second": column(float, "ess_roi_min over seconds", AT_LEAST_0, unit="1/s", nullable=True),
        "rhat_max": column(float, "largest rank-normalised R-hat of the engine's parameters", nullable=True),
        "divergences": column("Int64", "divergent draws", AT_LEAST_0, nullable=True),
        "notes": column(str, "what the engine's runner noted"),
    },
    unique=["engine", "model"],
    about=About(
        readers=STATISTICIANS,
        question="Which engine forecasts best, and at what cost?",
        is_reported=True,
        published_as="engine_scores",
    ),
)
