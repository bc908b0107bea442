"""Contracts of the tables that hold fits against one another: between refreshes, between specs, between windows."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.contract_parts import AT_LEAST_0, DATE, column, table

__all__ = ["DRIFT"]

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
        "change_learned": column(float, "what the posteriors say differently about the same media", nullable=True),
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
)
