"""What the KPI is measured in: money, like the spend, or a count of something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from mmm_pipeline.settings.section import Section
from mmm_pipeline.settings.sources import Source, SourceSettings

__all__ = ["KpiReading", "KpiSettings", "read_kpi"]

KpiKind = Literal["money", "count"]

_SURELY_MONEY = frozenset(
    re.findall(
        r"\S+",
        "revenue turnover gmv profit margin income earnings value amount money usd eur gbp jpy krw cny umsatz "
        "매출액 금액 거래액 수익 이익",
    )
)
_COUNTS = frozenset(
    re.findall(
        r"\S+",
        "order unit quantity qty count number conversion lead signup install download visit session click user "
        "customer subscription subscriber registration purchase transaction booking member "
        "주문 주문수 건수 수량 판매량 전환 전환수 가입 가입자 설치 방문 방문자 고객수",
    )
)
_PROBABLY_MONEY = frozenset({"sale", "sales", "매출", "판매액"})
_USUAL_RATIO = (0.05, 10_000.0)
"""KPI over spend of a whole window, where both are amounts in one currency; anything beyond is another unit."""


class KpiSettings(Section):
    """Where the KPI is, and what it is measured in. Only money can be compared with spend: then ROI 1 is break-even."""

    kind: Literal["auto", "money", "count"] = Field(
        "auto",
        description="money: in the currency of the spend; count: orders, sign-ups and the like, told as KPI per amount "
        "spent and as cost per KPI unit; auto: money only where the column's name says so and the size is credible",
    )
    source: Source = Field(
        SourceSettings(),
        description="where the KPI is, as the section source, if it has a table of its own: one row per day (and "
        "market), or rows that add up; empty: in the rows of source",
    )
    date: str | None = Field(None, description="its date column; empty: columns.date")


@dataclass(frozen=True)
class KpiReading:
    """What a KPI was read as.

    Attributes:
        kind: `money` or `count`.
        doubt: where the settings leave it open and the data does not settle it: why, and what to set. Empty: clear.
    """

    kind: KpiKind
    doubt: str = ""

    @property
    def is_money(self) -> bool:
        return self.kind == "money"


def read_kpi(name: str, setting: Literal["auto", "money", "count"], kpi_total: float, spend_total: float) -> KpiReading:
    """Whether a KPI is money.

    A KPI that is wrongly taken for money makes every channel look like a loss, or a gold mine; one that is wrongly
    taken for a count loses a comparison. So in doubt it is a count.

    Args:
        name: of its column.
        setting: `kpi.kind`.
        kpi_total: sum of the KPI over the window.
        spend_total: sum of the spend over the window.
    """
    if setting != "auto":
        return KpiReading(setting)
    words = {word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])", name)}
    words |= {word.removesuffix("s") for word in words}
    said = "Set kpi.kind: money if it is in the currency of the spend, count if it is not"
    if not words & _SURELY_MONEY and words & _COUNTS:
        return KpiReading("count")
    if not words & (_SURELY_MONEY | _PROBABLY_MONEY):
        return KpiReading(
            "count",
            f"whether the KPI {name!r} is money cannot be told from its name, so it is read as a count and no channel "
            f"is compared with break-even. {said}",
        )
    low, high = _USUAL_RATIO
    if spend_total > 0 and not low <= kpi_total / spend_total <= high:
        return KpiReading(
            "count",
            f"the KPI {name!r} adds up to {kpi_total:,.4g} on a spend of {spend_total:,.4g}: too far apart for two "
            "amounts in one unit (thousands or millions on one side?), so it is read as a count and no channel is "
            f"compared with break-even. {said}",
        )
    return KpiReading("money")
