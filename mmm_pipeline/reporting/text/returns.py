"""How returns are stated: ROI where the KPI is money, else KPI per round amount of spend."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording, wording
from mmm_pipeline.settings.kpi import read_kpi

__all__ = ["MONEY", "Returns", "language_words", "returns_of", "returns_words", "stated"]

_PER_SPEND: dict[str, tuple[str, ...]] = {
    "attribution": ("roi", "roi_low", "roi_high", "marginal_roi", "marginal_roi_low", "marginal_roi_high"),
    "media_total": ("roi", "roi_low", "roi_high"),
    "attribution_by_market": ("roi", "roi_low", "roi_high", "marginal_roi", "marginal_roi_low", "marginal_roi_high"),
    "averaged_attribution": ("roi", "roi_low", "roi_high"),
    "spec_agreement": ("roi_champion", "roi_lowest", "roi_highest", "band_low", "band_high"),
    "budget_plan": ("marginal_roi_current", "marginal_roi_optimal"),
    "reallocation": tuple(f"{side}_marginal_roi_{when}" for side in ("from", "to") for when in ("current", "optimal")),
    "drift": ("roi_before", "roi_now", "change", "change_from_media", "change_learned", "change_mcse", "change_sd"),
    "engine_comparison": ("roi", "roi_low", "roi_high"),
    "prior_posterior_density": ("roi",),
}
"""Table -> its columns that are KPI per unit of spend."""
_LEAST_PER = 1000.0


@dataclass(frozen=True)
class Returns:
    """The unit of what spend brings.

    Attributes:
        is_money: whether the KPI is money, so that 1 is break-even.
        per: amount of spend that a return is stated for: 1 for money, else a power of ten.
    """

    is_money: bool
    per: float

    def scaled(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """A stored table with its returns in this unit."""
        columns = [column for column in _PER_SPEND.get(name, ()) if column in table.columns]
        if self.per == 1 or not columns:
            return table
        table = table.assign(**{column: table[column] * self.per for column in columns})
        # A density integrates to 1 over whatever its axis is.
        return table.assign(density=table["density"] / self.per) if name == "prior_posterior_density" else table


MONEY = Returns(is_money=True, per=1.0)


def returns_of(tables: ResultTables) -> Returns:
    """The unit in which the returns of a run are stated."""
    if tables.returns is not None:
        return tables.returns
    settings, spend = tables.settings, float(tables.attribution["spend"].sum())
    observed = tables.media_matrix
    kpi, paid = (float(observed[column].sum()) for column in ("kpi", "spend"))
    if observed.empty:
        kpi, paid = float(tables.contribution_over_time["mean"].sum()), spend
    if read_kpi(settings.columns.kpi, settings.kpi.kind, kpi, paid).is_money:
        return MONEY
    caused = float(tables.attribution["contribution"].sum())
    if not (caused > 0 and spend > 0) or caused >= spend:
        return Returns(is_money=False, per=1.0)
    power = math.ceil(-math.log10(caused / spend) - 1e-9)
    return Returns(is_money=False, per=float(max(_LEAST_PER, 10.0**power)))


def stated(tables: ResultTables) -> ResultTables:
    """The results with every return in the unit of `returns_of`; what is so already stays as it is."""
    if tables.returns is not None:
        return tables
    returns = returns_of(tables)
    scaled = {name: returns.scaled(name, getattr(tables, name)) for name in _PER_SPEND}
    changed: dict[str, Any] = {name: table for name, table in scaled.items() if table is not getattr(tables, name)}
    if not returns.is_money:
        # A comparison of a count with an amount says nothing.
        for name in ("attribution", "attribution_by_market", "averaged_attribution"):
            table = changed.get(name, getattr(tables, name))
            changed[name] = table.assign(probability_roi_above_1=np.nan)
    return dataclasses.replace(tables, returns=returns, **changed)


def returns_words(words: Wording, write: Formatter, returns: Returns, kpi: str) -> Wording:
    """The words of a language for these returns: phrases of counts where the KPI is no money."""
    per = "" if returns.is_money else write.money(returns.per)
    return words.about("" if returns.is_money else "count", kpi=clean(kpi, limit=30) or "KPI", per=per)


def language_words(tables: ResultTables, write: Formatter, kpi: str) -> Wording:
    """`returns_words` of a run in the language of its formats."""
    return returns_words(wording(write.language), write, returns_of(tables), kpi)
