"""Made-up tables of a run's model checks: assumptions against data, predictive distribution, chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import norm

from mmm_pipeline.mmm.sensitivity.verdicts import evidence_of
from mmm_pipeline.tables.catalog import CONTRACTS

__all__ = [
    "predictive_distribution",
    "prior_check",
    "prior_kpi",
    "prior_posterior_density",
    "sensitivity",
    "worst_parameter_draws",
]


def prior_posterior_density(
    names: Sequence[str], roi: np.ndarray, spread: np.ndarray, width_ratio: np.ndarray
) -> pd.DataFrame:
    """Log-normal both: the prior a little above, and wider by the width ratio."""
    rows = []
    for name, middle, sd, ratio in zip(names, np.log(roi), spread, width_ratio, strict=True):
        grid = np.linspace(0, np.exp(middle + 2.6 * sd), 101)
        positive = np.maximum(grid, 1e-9)
        for source, location, scale in (("prior", middle + 0.2, sd / ratio), ("posterior", middle, sd)):
            density = norm.pdf(np.log(positive), location, scale) / positive
            rows.append(pd.DataFrame({"channel": name, "source": source, "roi": grid, "density": density}))
    return pd.concat(rows)


def sensitivity(names: Sequence[str], opinion: np.ndarray, gain_rests_on: str) -> pd.DataFrame:
    """Channels by the prior's share; media by data and prior together; the gain as asked, none where it is empty."""
    rests_on = {"data": 0.1, "both": 0.5, "prior": 0.9}
    shares = [("media", None, 0.45), *([("gain", None, rests_on[gain_rests_on])] if gain_rests_on else [])]
    shares += [("roi", name, share) for name, share in zip(names, opinion, strict=True)]
    table = pd.DataFrame(shares, columns=["quantity", "channel", "opinion"])
    table["prior_sensitivity"], table["likelihood_sensitivity"] = 0.1 * table["opinion"], 0.1 * (1 - table["opinion"])
    return table.assign(evidence=[evidence_of(share) for share in table["opinion"]])[
        ["quantity", "channel", "prior_sensitivity", "likelihood_sensitivity", "opinion", "evidence"]
    ]


def prior_check(names: Sequence[str], spend: np.ndarray, kpi: float) -> pd.DataFrame:
    """All media are believed to cause two fifths of the KPI, whichever the transform."""
    share = np.concatenate([[0.4], 0.4 * spend / spend.sum()])
    spent = np.concatenate([[spend.sum()], spend])
    table = pd.DataFrame({"channel": [None, *names], "spend": spent})
    for name, values in (("share", share), ("roi", share * kpi / spent)):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = values, 0.4 * values, 2 * values
    table["probability_above_kpi"] = np.where(table["channel"].isna(), 0.02, 0.0)
    made = [table.assign(adstock=adstock) for adstock in ("adstock", "hill_adstock", "carryover")]
    return pd.concat(made)[list(CONTRACTS["prior_check"].columns)]


def prior_kpi(forecast: pd.DataFrame) -> pd.DataFrame:
    """The same by day, over the train days."""
    train = forecast.loc[~forecast["is_holdout"]]
    media = 0.4 * train["observed"].mean() * np.ones(len(train))
    table = pd.DataFrame({"date": train["date"], "observed": train["observed"], "media": media})
    table["media_low"], table["media_high"] = 0.4 * media, 2 * media
    made = [table.assign(adstock=adstock) for adstock in ("adstock", "hill_adstock", "carryover")]
    return pd.concat(made)[list(CONTRACTS["prior_kpi"].columns)]


def predictive_distribution(forecast: pd.DataFrame) -> pd.DataFrame:
    """A Normal distribution of the train days' KPI, with the band that so many days have."""
    train = forecast.loc[~forecast["is_holdout"], "observed"].to_numpy()
    grid = np.linspace(train.min() * 0.8, train.max() * 1.2, 101)
    expected = norm.cdf(grid, train.mean(), train.std())
    margin = 1.645 * np.sqrt(expected * (1 - expected) / len(train))
    return pd.DataFrame(
        {
            "kpi": grid,
            "observed_share": (train[:, None] <= grid).mean(axis=0),
            "expected_share": expected,
            "share_low": np.clip(expected - margin, 0, 1),
            "share_high": np.clip(expected + margin, 0, 1),
        }
    )


def worst_parameter_draws(
    names: Sequence[str], rng: np.random.Generator, chains: int = 4, draws: int = 250
) -> pd.DataFrame:
    """Autocorrelated chains of six parameters; those of the first disagree."""
    parameters = [f"retention[{names[0]}]", f"exponent[{names[-1]}]", "trend_exponent", "noise_sd"]
    parameters += [f"media_coefficient[{names[0]}]", "seasonality[sin_1]"]
    chain, draw = np.meshgrid(np.arange(chains), np.arange(draws))
    rows = []
    for position, name in enumerate(parameters):
        bad = position == 0
        steps = rng.standard_normal((draws, chains))
        values = lfilter([0.6], [1, -0.8], steps, axis=0) + (0.8 * np.arange(chains) if bad else 0.0)
        rows.append(
            pd.DataFrame(
                {
                    "parameter": name,
                    "rhat": 1.21 if bad else 1.004,
                    "ess_bulk": 18.0 if bad else 410.0 + 60 * position,
                    "ess_tail": 35.0 if bad else 520.0 + 60 * position,
                    "chain": chain.ravel(),
                    "draw": draw.ravel(),
                    "value": (0.5 + 0.1 * values).ravel(),
                    "is_divergent": bad & (draw.ravel() % 97 == 50),
                }
            )
        )
    return pd.concat(rows)
