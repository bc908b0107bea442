"""How returns are stated: ROI where the KPI is money, else KPI per round amount of spend."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from mmm_pipeline.reporting.results.returns import MONEY, PER_SPEND, Returns
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean
from mmm_pipeline.reporting.text.wording import Wording, wording
from mmm_pipeline.settings.kpi import read_kpi

__all__ = ["language_words", "returns_of", "returns_words", "stated"]

_LEAST_PER = 1000.0


def returns_of(tables: ResultTables) -> Returns:
    """The unit in which the returns of a run are stated."""
    if tables.returns is not None:
        return tables.returns
    settings, spend = tables.settings, float(tables.attribution["spend"].sum())
    kpi, paid = float(tables.kpi_series["kpi"].sum()), float(tables.media_matrix["spend"].sum())
    if tables.kpi_series.empty:
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
    scaled = {name: returns.scaled(name, getattr(tables, name)) for name in PER_SPEND}
    changed: dict[str, Any] = {name: table for name, table in scaled.items() if table is not getattr(tables, name)}
    if not returns.is_money:
        # A count cannot be compared with an amount.
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
    return returns_words(wording(write.language).of_step(tables.window.step), write, returns_of(tables), kpi)
