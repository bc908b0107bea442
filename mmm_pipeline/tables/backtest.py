"""Contracts of the tables that hold what was said on earlier dates against what happened after."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    DATE,
    KPI,
    MARKETING,
    About,
    column,
    interval,
    ordered,
    table,
)

__all__ = ["BACKTEST", "BACKTEST_CHANNELS"]

_SHARE = pa.Check.in_range(0, 1)
_AFTER_THE_DATE_BEFORE = "against the backtest's date before"

BACKTEST = table(
    "backtest",
    "Earlier dates rerun: what the pipeline would have forecast and recommended, against what happened.",
    {
        "as_of": column(DATE, "last day that was seen"),
        "status": column(
            str, "scored, or failed: nothing was recommended on that date", pa.Check.isin(["scored", "failed"])
        ),
        "spec": column(str, "the champion of the date", nullable=True),
        "periods": column("int64", "following periods that the forecast is scored on", AT_LEAST_0, unit="periods"),
        "mape": column(float, "mean absolute percentage error of the forecast, as a share", nullable=True),
        "wape": column(float, "sum of absolute errors over sum of KPI", nullable=True),
        "bias": column(float, "forecast over observed KPI of all the periods, less 1", nullable=True),
        "crps": column(float, "continuous ranked probability score", unit=KPI, nullable=True),
        "coverage_50": column(float, "share of periods inside the central 50 % interval", _SHARE, nullable=True),
        "coverage_90": column(float, "share of periods inside the central 90 % interval", _SHARE, nullable=True),
        "naive_forecast": column(str, "the best forecast without a model, chosen afterwards", nullable=True),
        "naive_mape": column(float, "its MAPE", nullable=True),
        "naive_wape": column(float, "its WAPE", nullable=True),
        "skill": column(float, "1 - error / that of naive_forecast, by ranking.error", nullable=True),
        "channels": column("int64", f"channels compared {_AFTER_THE_DATE_BEFORE}", AT_LEAST_0),
        "roi_change": column(
            float, f"spend-weighted mean |change of ROI| {_AFTER_THE_DATE_BEFORE}, over the ROI then", nullable=True
        ),
        "roi_rank_correlation": column(
            float, f"Spearman correlation of the channels' ROI {_AFTER_THE_DATE_BEFORE}", nullable=True
        ),
        "roi_outside": column(
            "int64", "channels whose ROI left the credible interval of the backtest's date before", AT_LEAST_0
        ),
        "flips": column(
            "int64",
            f"channels whose advice turned from increase to decrease, or back, {_AFTER_THE_DATE_BEFORE}",
            AT_LEAST_0,
        ),
        "flips_unsupported": column("int64", "of these, without the data or today's spend saying so", AT_LEAST_0),
        "uplift_promised": column(float, "expected gain of the plan when it was made", unit=KPI, nullable=True),
        **interval("uplift_promised", KPI),
        "uplift_in_hindsight": column(
            float,
            "gain of the same plan as the champion of the last date of the backtest sees it",
            unit=KPI,
            nullable=True,
        ),
        "note": column(str, "why nothing was scored", nullable=True),
    },
    unique=["as_of"],
    checks=[ordered("uplift_promised_low", "uplift_promised_high")],
    about=About(readers=MARKETING, question="Had we asked earlier, would forecast and advice have been right?"),
)

BACKTEST_CHANNELS = table(
    "backtest_channels",
    "Per date of the backtest and channel: ROI and advice of that date, and how both changed.",
    {
        "as_of": column(DATE, "last day that was seen"),
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "roi": column(float, "posterior mean ROI over the periods seen"),
        **interval("roi"),
        "current_spend": column(float, "spend over the last horizon then", AT_LEAST_0, unit="currency"),
        "planned_spend": column(float, "recommended spend over the next horizon", AT_LEAST_0, unit="currency"),
        "direction": column(
            str,
            "increase, decrease or hold (within 5 % of the current spend)",
            pa.Check.isin(["increase", "decrease", "hold"]),
        ),
        "roi_change": column(float, f"change of ROI {_AFTER_THE_DATE_BEFORE}", nullable=True),
        "verdict": column(str, "why ROI changed, as in the table drift", nullable=True),
        "recommendation": column(str, "what became of the advice, as in the table drift", nullable=True),
    },
    unique=["as_of", "channel"],
    checks=[ordered("roi_low", "roi_high")],
    about=About(readers=MARKETING, question="Had we asked earlier, what would have been said of each channel?"),
)
