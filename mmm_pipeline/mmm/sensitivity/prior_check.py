"""What the priors say of media before any KPI is seen: whether they can be believed is to be asked before the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.prior import prior_contributions, prior_media_parameters
from mmm_pipeline.mmm.media.draws import chunks
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline.mmm.specs import ModelSpec

__all__ = ["MOST_ABOVE_KPI", "MOST_EXPECTED_SHARE", "PriorCheck", "is_absurd", "prior_check"]

MOST_EXPECTED_SHARE = 0.9
"""A prior that expects media to cause this share of the KPI or more leaves no baseline that a real market has."""
MOST_ABOVE_KPI = 0.1
"""And one by which media cause more than all of the KPI with this probability or more is no better."""


@dataclass(frozen=True)
class PriorCheck:
    """What the priors imply on a window.

    Attributes:
        table: the contract `prior_check`.
        series: the contract `prior_kpi`.
    """

    table: pd.DataFrame
    series: pd.DataFrame


def prior_check(
    spec: ModelSpec, data: ModelData, *, credible_interval: float = 0.9, draws: int = 2000, seed: int = 0
) -> PriorCheck:
    """Shares of the KPI, ROI and the daily KPI of media by the priors alone.

    Args:
        spec: the model.
        data: the window; its media, spend and total KPI are what the priors are about.
        credible_interval: probability of the intervals.
        draws: of the prior.
        seed: of the draws.
    """
    tails = [(1 - credible_interval) / 2, (1 + credible_interval) / 2]
    caused = prior_contributions(spec, data, draws, seed).sum("market").to_numpy()
    spend, kpi = data.total_spend.sum(axis=0), float(data.total_kpi.sum())
    bought = caused[:, data.is_paid].sum(axis=1)
    rows = [_row(None, caused.sum(axis=1), bought, float(spend.sum()), kpi, tails)]
    rows += [
        _row(name, caused[:, c], caused[:, c], float(spend[c]), kpi, tails) for c, name in enumerate(data.channels)
    ]
    daily = _daily(spec, data, draws, seed)
    low, high = np.quantile(daily, tails, axis=0)
    series = pd.DataFrame(
        {
            "date": data.dates.astype("datetime64[ns]"),
            "observed": data.total_kpi,
            "media": daily.mean(axis=0),
            "media_low": low,
            "media_high": high,
        }
    )
    table = pd.DataFrame(rows)
    table["channel"] = table["channel"].astype(object)
    return PriorCheck(table.assign(adstock=spec.adstock), series.assign(adstock=spec.adstock))


def is_absurd(share: float, probability_above_kpi: float) -> bool:
    """Whether a prior cannot be meant: by the expected share of all media, and the probability of more than all."""
    return share >= MOST_EXPECTED_SHARE or probability_above_kpi >= MOST_ABOVE_KPI


def _row(
    channel: str | None, caused: np.ndarray, bought: np.ndarray, spend: float, kpi: float, tails: list[float]
) -> dict[str, object]:
    """caused: (S,) KPI of media; bought: of those that cost money, whose return is told where anything was spent."""
    row: dict[str, object] = {"channel": channel, "spend": spend}
    for name, draws in (("share", caused / kpi), ("roi", bought / (spend or np.nan))):
        low, high = np.quantile(draws, tails)
        row |= {name: float(draws.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    return row | {"probability_above_kpi": float((caused > kpi).mean())}


def _daily(spec: ModelSpec, data: ModelData, draws: int, seed: int) -> np.ndarray:
    """(S, T) KPI of all media, all markets together."""
    parameters = prior_media_parameters(spec, data, draws, seed)
    daily = np.zeros((draws, data.days))
    for part in chunks(draws, data.days * len(data.channels)):
        here = {name: values[part] for name, values in parameters.items()}
        for g, media in enumerate(data.media):
            weights = here["media_coefficient"][:, g] * data.kpi_scale[g]
            daily[part] += np.einsum("stc,sc->st", spec.transform.value(media, here, NUMPY), weights)
    return daily
