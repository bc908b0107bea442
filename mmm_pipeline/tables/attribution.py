"""Contracts of what each channel brought, and what it would bring at other spends."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.markets import by_market
from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    CURRENCY_PER_PERIOD,
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

__all__ = [
    "ATTRIBUTION",
    "ATTRIBUTION_BY_MARKET",
    "CONTRIBUTION_OVER_TIME",
    "CONTRIBUTION_OVER_TIME_BY_MARKET",
    "MEDIA_TOTAL",
    "RESPONSE_CURVES",
    "RESPONSE_CURVES_BY_MARKET",
    "RETENTION_DENSITY",
]

ATTRIBUTION = table(
    "attribution",
    "What each channel is worth over the whole window, by the champion refitted on all periods.",
    {
        "channel": column(str, "name of the channel", pa.Check.str_length(min_value=1)),
        "spend": column(float, "spend over the window", AT_LEAST_0, unit="currency"),
        "media_units": column(float, "media over the window", AT_LEAST_0, unit="media units"),
        "contribution": column(float, "posterior mean KPI caused inside the window", unit=KPI),
        **interval("contribution", KPI),
        "share": column(float, "contribution over the fitted KPI of the window"),
        **interval("share"),
        "roi": column(
            float,
            "contribution per unit of spend, carried-over effect inside the window included; empty for organic media",
            nullable=True,
        ),
        **interval("roi"),
        "probability_roi_above_1": column(
            float, "posterior probability that ROI exceeds 1; empty where the KPI is no money", nullable=True
        ),
        "marginal_roi": column(float, "KPI of the next unit of currency at today's spend per period", nullable=True),
        **interval("marginal_roi"),
        "cost_per_kpi": column(float, "spend per KPI unit caused", unit="currency per KPI unit", nullable=True),
        **interval("cost_per_kpi", "currency per KPI unit"),
        "prior_width_ratio": column(
            float,
            "posterior width of the contribution over its prior width; near 1: the data cannot tell",
            nullable=True,
        ),
        "media_variation": column(
            float,
            "standard deviation of daily media over its mean; near 0: cannot be told from the baseline",
            AT_LEAST_0,
        ),
    },
    unique=["channel"],
    checks=[
        ordered(f"{quantity}_low", f"{quantity}_high")
        for quantity in ("contribution", "share", "roi", "marginal_roi", "cost_per_kpi")
    ],
    about=About(
        readers=MARKETING,
        question="What did each channel bring per unit of spend, how sure is that, and what would the next unit bring?",
        lineage="""
        channel = media_matrix.channel
        spend = media_matrix.spend
        media_units = media_matrix.media_units
        contribution contribution_low contribution_high = media_matrix.kpi, media_matrix.media_units
        share share_low share_high = media_matrix.kpi, media_matrix.media_units
        roi roi_low roi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
        marginal_roi marginal_roi_low marginal_roi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
        cost_per_kpi cost_per_kpi_low cost_per_kpi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
        media_variation = media_matrix.media_units
    """,
        is_reported=True,
        published_as="attribution",
    ),
)

MEDIA_TOTAL = table(
    "media_total",
    "One row: all media together over the whole window, and whether anything is left for the baseline.",
    {
        "spend": column(float, "spend over the window", AT_LEAST_0, unit="currency"),
        "contribution": column(float, "posterior mean KPI that media caused inside the window", unit=KPI),
        **interval("contribution", KPI),
        "share": column(float, "contribution over the fitted KPI of the window"),
        **interval("share"),
        "roi": column(float, "contribution of the paid channels per unit of spend"),
        **interval("roi"),
        "probability_above_kpi": column(
            float, "posterior probability that media caused more than all of the KPI", pa.Check.in_range(0, 1)
        ),
        "periods_below_zero": column(
            "int64", "periods whose expected baseline is below zero", pa.Check.ge(0), unit="periods"
        ),
        "periods": column("int64", "periods of the window", pa.Check.ge(1), unit="periods"),
    },
    checks=[ordered(f"{quantity}_low", f"{quantity}_high") for quantity in ("contribution", "share", "roi")],
    about=About(
        readers=MARKETING,
        question="What did all media bring together, and can that be true?",
        lineage="""
        spend = media_matrix.spend
        contribution contribution_low contribution_high = media_matrix.kpi, media_matrix.media_units
        share share_low share_high = media_matrix.kpi, media_matrix.media_units
        roi roi_low roi_high = media_matrix.kpi, media_matrix.media_units, media_matrix.spend
    """,
        is_reported=True,
    ),
)

CONTRIBUTION_OVER_TIME = table(
    "contribution_over_time",
    "Posterior mean contribution per period; the components of a period add up to the fitted mean exactly.",
    {
        "date": column(DATE, "first day of the period"),
        "component": column(str, "baseline, or the name of a channel"),
        "is_baseline": column(bool, "whether the component is everything but media"),
        "mean": column(float, "posterior mean", unit=KPI),
        "low": column(float, "lower end of the credible interval", unit=KPI),
        "high": column(float, "upper end of the credible interval", unit=KPI),
    },
    unique=["date", "component"],
    about=About(
        readers=MARKETING,
        question="How much of each period's sales came from which channel?",
        lineage="""
        date = media_matrix.date
        mean low high = media_matrix.kpi, media_matrix.media_units
    """,
        is_reported=True,
    ),
)

_WITHOUT_MARKETS = "empty unless columns.market names a column."

ATTRIBUTION_BY_MARKET = by_market(
    ATTRIBUTION,
    "attribution_by_market",
    f"The attribution of every market by itself; {_WITHOUT_MARKETS}",
    about=About(
        readers=MARKETING,
        question="What did each channel bring in each market?",
        is_reported=True,
        published_as="attribution_by_market",
        published_when_empty=False,
    ),
)

CONTRIBUTION_OVER_TIME_BY_MARKET = by_market(
    CONTRIBUTION_OVER_TIME,
    "contribution_over_time_by_market",
    f"Contribution per period in every market by itself; {_WITHOUT_MARKETS}",
    about=About(
        readers=MARKETING,
        question="How much of each period's sales came from which channel, by market?",
        published_as="contribution_over_time_by_market",
        published_when_empty=False,
    ),
)

RETENTION_DENSITY = table(
    "retention_density",
    "Prior and posterior density of each channel's retention (share of the effect carried to the next period).",
    {
        "channel": column(str, "name of the channel"),
        "source": column(str, "prior or posterior", pa.Check.isin(["prior", "posterior"])),
        "retention": column(float, "retention rate", pa.Check.in_range(0, 1)),
        "density": column(float, "probability density", AT_LEAST_0),
    },
    about=About(readers=STATISTICIANS, question="How long does a channel's effect last?", is_reported=True),
)

RESPONSE_CURVES = table(
    "response_curves",
    "Expected KPI per period at a constant spend per period, carry-over in steady state, per channel.",
    {
        "channel": column(str, "name of the channel"),
        "spend": column(float, "constant spend", AT_LEAST_0, unit=CURRENCY_PER_PERIOD),
        "media_units": column(
            float, "media bought at the channel's mean price", AT_LEAST_0, unit="media units per period"
        ),
        "kpi": column(float, "posterior mean KPI per period", unit="KPI units per period"),
        "low": column(float, "lower end of the credible interval", unit="KPI units per period"),
        "high": column(float, "upper end of the credible interval", unit="KPI units per period"),
        "ceiling_share": column(
            float,
            "expected KPI over the most that the curve can reach; empty for power curves, which have no ceiling",
            nullable=True,
        ),
        "is_half_saturation": column(
            bool, "the spend that brings half of the ceiling; none where it is beyond the range, or there is no ceiling"
        ),
        "is_current": column(bool, "today's point: the mean spend per period of the last horizon"),
        "is_extrapolated": column(bool, "spend beyond the largest observed on a period"),
    },
    unique=["channel", "spend"],
    about=About(
        readers=MARKETING,
        question="What would a channel bring at other spends, and where does it stand today?",
        lineage="""
        channel = media_matrix.channel
        spend = media_matrix.spend
        media_units = media_matrix.media_units
        kpi low high = media_matrix.kpi, media_matrix.media_units
    """,
        is_reported=True,
        published_as="response_curves",
    ),
)

RESPONSE_CURVES_BY_MARKET = by_market(
    RESPONSE_CURVES,
    "response_curves_by_market",
    f"Response curves of every market by itself; {_WITHOUT_MARKETS}",
    about=About(
        readers=MARKETING,
        question="What would a channel bring at other spends, market by market?",
        published_as="response_curves_by_market",
        published_when_empty=False,
    ),
)
