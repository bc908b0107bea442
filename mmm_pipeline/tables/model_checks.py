"""Contracts of the tables that show how far to believe the model: assumptions, predictive checks, chains."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import (
    AT_LEAST_0,
    DATE,
    FINITE,
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
    "CHAMPION_FIT",
    "PREDICTIVE_DISTRIBUTION",
    "PREDICTIVE_PIT",
    "PRIOR_CHECK",
    "PRIOR_KPI",
    "PRIOR_POSTERIOR_DENSITY",
    "SENSITIVITY",
    "WORST_PARAMETER_DRAWS",
]

CHAMPION_FIT = table(
    "champion_fit",
    "One row: the spec that decisions use, and how its fit on all periods went.",
    {
        "adstock": column(str, "media transform"),
        "degrees": column("int64", "Fourier pairs of the yearly seasonality", AT_LEAST_0),
        "rank": column("Int64", "place on the leaderboard; empty: it has none", pa.Check.ge(1), nullable=True),
        "status": column(
            str,
            "converged, or not_converged, which only a quick run accepts",
            pa.Check.isin(["converged", "not_converged"]),
        ),
        "reason": column(str, "which thresholds were missed", nullable=True),
        "passed_over": column(
            str,
            "better specs that were not used, as their fits on all periods did not converge, and what they missed",
            nullable=True,
        ),
        "rhat_max": column(float, "largest rank-normalised R-hat of any parameter"),
        "ess_bulk_min": column(float, "smallest bulk effective sample size", AT_LEAST_0),
        "ess_tail_min": column(float, "smallest tail effective sample size", AT_LEAST_0),
        "divergences": column("int64", "divergent transitions after warm-up", AT_LEAST_0),
        "attempts": column("int64", "sampler runs it took, escalations included", pa.Check.ge(1)),
        "draws": column("int64", "posterior draws of all chains together", pa.Check.ge(1)),
        "seconds": column(float, "wall time of the fit, compilation included", AT_LEAST_0, unit="seconds"),
    },
    about=About(
        readers=MARKETING,
        question="Which model do decisions rest on, and did its fit on all periods converge?",
        lineage="""
        adstock = leaderboard.adstock
        degrees = leaderboard.degrees
        rank = leaderboard.rank
    """,
        is_reported=True,
        published_as="champion_fit",
    ),
)

PRIOR_POSTERIOR_DENSITY = table(
    "prior_posterior_density",
    "Prior and posterior density of each channel's ROI over the whole window.",
    {
        "channel": column(str, "name of the channel"),
        "source": column(str, "prior or posterior", pa.Check.isin(["prior", "posterior"])),
        "roi": column(float, "contribution per unit of spend", AT_LEAST_0),
        "density": column(float, "probability density", AT_LEAST_0),
    },
    about=About(
        readers=STATISTICIANS,
        question="What was assumed of each channel's ROI, and what did the data add?",
        is_reported=True,
    ),
)

PRIOR_CHECK = table(
    "prior_check",
    "What the priors imply before any KPI is seen, for all media (empty channel) and for every channel.",
    {
        "adstock": column(str, "media transform of the specs"),
        "channel": column(str, "name of the channel; empty: all media together", nullable=True),
        "spend": column(float, "spend of the train window", AT_LEAST_0, unit="currency"),
        "share": column(float, "expected share of the train window's KPI", AT_LEAST_0),
        **interval("share"),
        "roi": column(float, "expected KPI per unit of spend; empty for organic media", AT_LEAST_0, nullable=True),
        **interval("roi"),
        "probability_above_kpi": column(float, "probability of more than all of the KPI", pa.Check.in_range(0, 1)),
    },
    unique=["adstock", "channel"],
    about=About(
        readers=STATISTICIANS,
        question="What is believed of media before the data is seen, and can that be meant?",
        is_reported=True,
        published_as="prior_check",
    ),
)

PRIOR_KPI = table(
    "prior_kpi",
    "Observed KPI of every train period, and what media would cause of it by the priors alone.",
    {
        "adstock": column(str, "media transform of the specs"),
        "date": column(DATE, "first day of the period"),
        "observed": column(float, "observed KPI", unit=KPI),
        "media": column(float, "expected KPI of all media", AT_LEAST_0, unit=KPI),
        **interval("media", KPI),
    },
    unique=["adstock", "date"],
    about=About(readers=STATISTICIANS, question="Does what is believed of media fit below the KPI?", is_reported=True),
)

SENSITIVITY = table(
    "sensitivity",
    "How much of each result is the prior's opinion: power-scaling sensitivity to prior and likelihood.",
    {
        "quantity": column(
            str,
            "roi (of a channel; its contribution with it), media (what all channels brought) or gain (of the plan)",
            pa.Check.isin(["roi", "media", "gain"]),
        ),
        "channel": column(str, "name of the channel; empty: of all together", nullable=True),
        "prior_sensitivity": column(
            float, "change of the posterior per doubling of the prior's power, cumulative Jensen-Shannon", AT_LEAST_0
        ),
        "likelihood_sensitivity": column(float, "the same of the likelihood's power", AT_LEAST_0),
        "opinion": column(
            float, "prior sensitivity over the sum of both; about the prior's weight", pa.Check.in_range(0, 1)
        ),
        "evidence": column(
            str,
            "data (opinion up to 1/3), both, or prior (opinion from 0.6, or media that hardly vary)",
            pa.Check.isin(["data", "both", "prior"]),
        ),
    },
    unique=["quantity", "channel"],
    about=About(
        readers=STATISTICIANS,
        question="Which results does the data tell, and which are the prior's opinion?",
        is_reported=True,
        published_as="sensitivity",
    ),
)

PREDICTIVE_PIT = table(
    "predictive_pit",
    "Where each period's KPI fell in the champion spec's posterior predictive; even over 0..1 when the model is right.",
    {
        "date": column(DATE, "first day of the period"),
        "is_holdout": column(bool, "whether the period was kept from the fit"),
        "observed": column(float, "observed KPI", unit=KPI),
        "pit": column(float, "predictive probability of at most the observed KPI", pa.Check.in_range(0, 1)),
    },
    unique=["date"],
    about=About(
        readers=STATISTICIANS,
        question="Do real periods look like periods that the model would have produced?",
        is_reported=True,
    ),
)

PREDICTIVE_DISTRIBUTION = table(
    "predictive_distribution",
    "Distribution of the train periods' KPI beside those of data sets that the champion spec produces.",
    {
        "kpi": column(float, "KPI of a period", unit=KPI),
        "observed_share": column(float, "share of train periods at or below it", pa.Check.in_range(0, 1)),
        "expected_share": column(float, "the same share in replicated data, mean", pa.Check.in_range(0, 1)),
        "share_low": column(float, "lower end of the pointwise interval over replicated data", pa.Check.in_range(0, 1)),
        "share_high": column(float, "upper end of that interval", pa.Check.in_range(0, 1)),
    },
    checks=[ordered("share_low", "share_high")],
    about=About(
        readers=STATISTICIANS, question="Do real periods have the spread that the model expects?", is_reported=True
    ),
)

WORST_PARAMETER_DRAWS = table(
    "worst_parameter_draws",
    "Draws of the champion's parameters with the smallest effective sample sizes, worst first; long chains thinned.",
    {
        "parameter": column(str, "name, e.g. retention[channel A]"),
        "rhat": column(float, "rank-normalised R-hat of the parameter", nullable=True),
        "ess_bulk": column(float, "bulk effective sample size of the parameter", nullable=True),
        "ess_tail": column(float, "tail effective sample size of the parameter", nullable=True),
        "chain": column("int64", "chain, from 0", AT_LEAST_0),
        "draw": column("int64", "draw within the chain, from 0", AT_LEAST_0),
        "value": column(float, "value on the model's scale", FINITE),
        "is_divergent": column(bool, "whether the step to this draw diverged"),
    },
    unique=["parameter", "chain", "draw"],
    about=About(readers=STATISTICIANS, question="Did the sampler do its work where it is hardest?", is_reported=True),
)
