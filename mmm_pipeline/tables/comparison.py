"""Contracts of the tables that hold fits against one another: between refreshes, between specs, between windows."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    DATE,
    KPI,
    MARKETING,
    STATISTICIANS,
    About,
    column,
    interval,
    ordered,
    table,
)

__all__ = ["AVERAGED_ATTRIBUTION", "DRIFT", "ROLLING_ORIGINS", "SPEC_AGREEMENT"]

DRIFT = table(
    "drift",
    "What changed since the earlier champion, per channel, and whether the data is the reason; empty on a first run.",
    {
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "roi_before": column(float, "posterior mean ROI of the earlier champion, over its window", nullable=True),
        "roi_now": column(float, "posterior mean ROI of the present champion, over its window", nullable=True),
        "change": column(float, "roi_now - roi_before, the sum of the next two", nullable=True),
        "change_from_media": column(
            float, "what the earlier posterior says of the present window's media, minus roi_before", nullable=True
        ),
        "change_learned": column(
            float,
            "what the posteriors say differently about the same media; the whole change where the former is empty",
            nullable=True,
        ),
        "change_mcse": column(
            float, "sampler noise: Monte Carlo standard error of change_learned", AT_LEAST_0, nullable=True
        ),
        "change_sd": column(
            float, "posterior uncertainty: standard deviation of change_learned", AT_LEAST_0, nullable=True
        ),
        "probability_roi_higher": column(
            float, "probability that the channel's ROI is higher than believed before", nullable=True
        ),
        "verdict": column(
            str,
            "why ROI changed: sampler_noise (within 2 Monte Carlo standard errors), within_uncertainty, data "
            "(probability of at least 90 %), new_channel or gone",
            pa.Check.isin(["sampler_noise", "within_uncertainty", "data", "new_channel", "gone"]),
        ),
        **{
            f"{name}_{moment}": column(kind, f"{what} {whose}", *checks, unit=unit, nullable=True)
            for moment, whose in (("before", "the earlier champion"), ("now", "the present champion"))
            for name, kind, what, unit, checks in (
                ("spend", float, "current spend over the horizon at the time of", "currency", (AT_LEAST_0,)),
                ("plan", float, "recommended spend over the horizon by", "currency", (AT_LEAST_0,)),
                (
                    "plan_noise",
                    float,
                    "sampler noise of the recommended spend: half the difference of two plans by half of the chains of",
                    "currency",
                    (AT_LEAST_0,),
                ),
                (
                    "probability_increase",
                    float,
                    "probability that the next unit of currency brings more here than on average, by",
                    None,
                    (pa.Check.in_range(0, 1),),
                ),
                (
                    "direction",
                    str,
                    "increase, decrease or hold (within 5 % of the current spend), by",
                    None,
                    (pa.Check.isin(["increase", "decrease", "hold"]),),
                ),
            )
        },
        "recommendation": column(
            str,
            "same; shifted (to or from hold); a flip from increase to decrease or back: flip_by_data (the present "
            "posterior supports it with 90 %), flip_by_spend (today's spend passed the earlier plan) or "
            "flip_unsupported; not_comparable",
            pa.Check.isin(["same", "shifted", "flip_by_data", "flip_by_spend", "flip_unsupported", "not_comparable"]),
        ),
        "spec_before": column(str, "spec of the earlier champion"),
        "spec_now": column(str, "spec of the present champion"),
        "window_end_before": column(DATE, "last day that the earlier champion has seen"),
        "window_end_now": column(DATE, "last day that the present champion has seen"),
    },
    unique=["channel"],
    about=About(
        readers=MARKETING,
        question="What changed since the last refresh, and did the data or only chance change it?",
        is_reported=True,
        published_as="drift",
    ),
)

ROLLING_ORIGINS = table(
    "rolling_origins",
    "Errors of every spec on every forecast window and on all together; empty unless split.rolling_origins asks.",
    {
        "adstock": column(str, "media transform"),
        "degrees": column("int64", "Fourier pairs of the yearly seasonality"),
        "origin": column(DATE, "first forecast day; empty for all windows together", nullable=True),
        "is_pooled": column(bool, "whether the row is of all windows together, which is what ranks"),
        "train_periods": column("Int64", "periods that the window's fit learned from", unit="periods", nullable=True),
        "forecast_periods": column("int64", "periods that were forecast", unit="periods"),
        "converged": column(bool, "whether the window's fit converged; pooled: whether all did"),
        "mape": column(float, "mean absolute percentage error, as a share", nullable=True),
        "wape": column(float, "sum of absolute errors over sum of KPI", nullable=True),
        "rmse": column(float, "root mean squared error", unit=KPI),
        "crps": column(float, "continuous ranked probability score", unit=KPI),
        "coverage_50": column(float, "share of periods inside the central 50 % interval"),
        "coverage_90": column(float, "share of periods inside the central 90 % interval"),
        "standard_error": column(
            float,
            "standard error of the error that ranks (of its square, for RMSE): over periods or windows, the larger",
            nullable=True,
        ),
        "naive_error": column(float, "the same error of the best naive forecast", nullable=True),
        "skill": column(float, "1 - error / naive_error", nullable=True),
    },
    unique=["adstock", "degrees", "origin"],
    about=About(
        readers=STATISTICIANS,
        question="Does a model win in several test periods, or was it lucky in one?",
        lineage="mape wape rmse crps coverage_50 coverage_90 = media_matrix.kpi, media_matrix.media_units",
        is_reported=True,
        published_as="rolling_origins",
    ),
)

SPEC_AGREEMENT = table(
    "spec_agreement",
    "Whether the decision on a channel depends on which of the equally accurate specs is right; by their fits on the "
    "train window.",
    {
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "specs": column("int64", "specs compared: those that is_rival marks on the leaderboard, and the champion"),
        "roi_champion": column(float, "posterior mean ROI by the champion spec"),
        "roi_lowest": column(float, "smallest posterior mean ROI of a spec"),
        "spec_lowest": column(str, "the spec that says so"),
        "roi_highest": column(float, "largest posterior mean ROI of a spec"),
        "spec_highest": column(str, "the spec that says so"),
        "band_low": column(float, "smallest lower end of a spec's credible interval"),
        "band_high": column(float, "largest upper end of a spec's credible interval"),
        "between_share": column(
            float,
            "share of the variance of ROI that is between the specs rather than within them",
            pa.Check.in_range(0, 1),
        ),
        "verdict": column(
            str,
            "agree; disagree_decision (estimates at least 1.5 times apart, on different sides of break-even, or one "
            "spec would raise the spend and another cut it); disagree_size (at least 3 times apart); single_spec",
            pa.Check.isin(["agree", "disagree_decision", "disagree_size", "single_spec"]),
        ),
    },
    unique=["channel"],
    checks=[ordered("roi_lowest", "roi_highest"), ordered("band_low", "band_high")],
    about=About(
        readers=MARKETING,
        question="Would another model that is about as good say something else about a channel?",
        is_reported=True,
        published_as="spec_agreement",
    ),
)

AVERAGED_ATTRIBUTION = table(
    "averaged_attribution",
    "Attribution of the train window averaged over the specs that is_rival marks, by their stacking weights; empty "
    "unless ranking.averaging asks.",
    {
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "spend": column(float, "spend over the train window", AT_LEAST_0, unit="currency"),
        "contribution": column(float, "mean KPI caused inside the window", unit=KPI),
        **interval("contribution", KPI),
        "share": column(float, "contribution over the fitted KPI of the window"),
        **interval("share"),
        "roi": column(float, "contribution per unit of spend; empty of an organic channel", nullable=True),
        **interval("roi"),
        "probability_roi_above_1": column(
            float, "probability that ROI exceeds 1", pa.Check.in_range(0, 1), nullable=True
        ),
    },
    unique=["channel"],
    checks=[ordered(f"{quantity}_low", f"{quantity}_high") for quantity in ("contribution", "share", "roi")],
    about=About(
        readers=STATISTICIANS,
        question="What do the good models say of the channels on average?",
        is_reported=True,
        published_as="averaged_attribution",
    ),
)
