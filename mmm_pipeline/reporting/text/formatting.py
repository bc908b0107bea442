"""Numbers, money, dates and intervals as a reader of the language writes them. The only place that formats."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.reporting.text.names import clean

__all__ = ["MISSING", "Formatter"]

MISSING = "–"
_MINUS = "\u2212"
_MOST_DECIMALS = 15
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "en": ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")),
    "ko": ((1e12, "조"), (1e8, "억"), (1e4, "만")),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Formatter:
    """Formats for one language; a value that is missing or not finite is shown as an en dash.

    Attributes:
        language: en or ko.
        currency: put before amounts: a code is followed by a space, a symbol is not.
    """

    language: Language
    currency: str = "USD"

    def number(self, value: Any, digits: int = 0) -> str:
        """Grouped by thousands, `digits` decimals: `12,345`."""
        amount = _finite(value)
        return MISSING if amount is None else _signed(f"{amount:,.{digits}f}")

    def figure(self, value: Any) -> str:
        """Three significant digits, for ratios such as ROI: `0.0424`, `1.23`, `45.6`, `1,230`, `0.00000112`."""
        amount = _finite(value)
        if amount is None:
            return MISSING
        if amount == 0:
            return "0"
        digits = 2 - math.floor(math.log10(abs(amount)))
        return _signed(f"{round(amount, digits):,.{min(max(digits, 0), _MOST_DECIMALS)}f}")

    def kpi(self, value: Any) -> str:
        """KPI written out: whole above 1,000, else three significant digits: `12,345`, `45.6`, `0.00123`."""
        amount = _finite(value)
        return self.number(amount) if amount is None or abs(amount) >= 1000 else _trimmed(self.figure(amount))

    def tick(self, value: Any) -> str:
        """No digit more than needed, for the ticks of an axis of ratios: `0.5`, `1`, `1.25`, `0.00002`."""
        amount = _finite(value)
        if amount is None:
            return MISSING
        return _trimmed(self.figure(amount)) if 0 < abs(amount) < 0.001 else _signed(_trimmed(f"{amount:,.4f}"))

    def percent_tick(self, share: Any) -> str:
        """`tick` of a share as a percentage."""
        amount = _finite(share)
        return MISSING if amount is None else f"{self.tick(amount * 100)}%"

    def compact(self, value: Any) -> str:
        """Short, for axes and large amounts: `1.2M`, `340k`; in Korean by 만, 억, 조."""
        amount = _finite(value)
        if amount is None:
            return MISSING
        for size, suffix in _SCALES[self.language]:
            if abs(amount) >= size * 0.9995:
                scaled = amount / size
                return _signed(_trimmed(f"{scaled:,.{0 if abs(scaled) >= 99.95 else 1}f}") + suffix)
        if abs(amount) >= 9.995 or amount == 0:
            return _signed(f"{amount:,.0f}")
        return _trimmed(self.figure(amount))

    def money(self, value: Any) -> str:
        """Whole currency units, cents below 100, digits below 0.1: `USD 1,234`, `USD 12.50`, `USD 0.00123`."""
        amount = _finite(value)
        if amount is None:
            return MISSING
        if 0 < abs(amount) < 0.1:
            return self._with_currency(amount, self.figure(abs(amount)))
        return self._with_currency(amount, f"{abs(amount):,.{0 if abs(amount) >= 100 or amount == 0 else 2}f}")

    def compact_money(self, value: Any) -> str:
        """`compact` with the currency."""
        amount = _finite(value)
        return MISSING if amount is None else self._with_currency(amount, self.compact(abs(amount)))

    def change(self, value: Any) -> str:
        """`money` with its sign always shown."""
        amount = _finite(value)
        return MISSING if amount is None else ("+" if amount > 0 else "") + self.money(amount)

    def percent(self, share: Any, digits: int = 0) -> str:
        """A share as a percentage; small ones get a decimal more: `34%`, `0.4%`, `<0.1%`."""
        amount = _finite(share)
        if amount is None:
            return MISSING
        value = amount * 100
        digits = max(digits, 1) if 0 < abs(value) < 9.95 else digits
        if 0 < abs(value) < 0.5 * 10**-digits:
            return f"<{10**-digits:.{digits}f}%"
        return _signed(f"{value:,.{digits}f}%")

    def probability(self, value: Any) -> str:
        """A percentage that never claims certainty: draws are finite."""
        amount = _finite(value)
        if amount is None:
            return MISSING
        return "<1%" if amount < 0.01 else ">99%" if amount > 0.99 else self.percent(amount)

    def signed_percent(self, share: Any, digits: int = 0) -> str:
        """`percent` with its sign always shown."""
        amount = _finite(share)
        return MISSING if amount is None else ("+" if amount > 0 else "") + self.percent(amount, digits)

    def span(self, low: str, high: str) -> str:
        """Two formatted ends of an interval: `low to high`."""
        if MISSING in (low, high):
            return MISSING
        return f"{low} to {high}" if self.language == "en" else f"{low} ~ {high}"

    def between(self, low: str, high: str) -> str:
        """Where values lie, after a verb: `between 1.19 and 3.00`; in Korean `1.19 ~ 3.00`."""
        return f"between {low} and {high}" if self.language == "en" else self.span(low, high)

    def date(self, day: Any) -> str:
        """`17 Oct 2021`; in Korean `2021년 10월 17일`."""
        value = _day(day)
        if self.language == "ko":
            return f"{value.year}년 {value.month}월 {value.day}일"
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"

    def short_date(self, day: Any) -> str:
        """For axes: `17 Oct`; in Korean `10.17`."""
        value = _day(day)
        return f"{value.month}.{value.day}" if self.language == "ko" else f"{value.day} {_MONTHS[value.month - 1]}"

    def month(self, day: Any) -> str:
        """For long axes: `Oct 2021`; in Korean `2021.10`."""
        value = _day(day)
        return f"{value.year}.{value.month}" if self.language == "ko" else f"{_MONTHS[value.month - 1]} {value.year}"

    def names(self, items: list[str], limit: int = 5, *, counted: bool = True) -> str:
        """A list in running text; one that is longer than `limit` is cut and says how many there are in all.

        The number of all is a figure of the tables, where that of the names left out would depend on `limit`. A single
        name beyond the limit is shown: to say that it is left out takes as much room.

        Args:
            items: the names.
            limit: how many to show of a longer list.
            counted: whether to say how many there are; not where the sentence has said so.
        """
        shown = items if len(items) <= limit + 1 else items[:limit]
        if len(shown) < len(items):
            named = ", ".join(shown)
            if not counted:
                return f"{named} and others" if self.language == "en" else f"{named} 등"
            return (
                f"{named} and others ({len(items)} in all)" if self.language == "en" else f"{named} 등 {len(items)}개"
            )
        if self.language == "en" and len(shown) > 1:
            return ", ".join(shown[:-1]) + " and " + shown[-1]
        return ", ".join(shown)

    def _with_currency(self, amount: float, text: str) -> str:
        currency = clean(self.currency)
        gap = " " if currency[-1:].isalnum() else ""
        return f"{_MINUS if amount < 0 else ''}{currency}{gap}{text}"


def _finite(value: Any) -> float | None:
    try:
        amount = float(value)
    except (TypeError, ValueError):
        return None
    return amount if math.isfinite(amount) else None


def _signed(text: str) -> str:
    """A typographic minus, and none before a zero."""
    if text.startswith("-"):
        return _MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]
    return text


def _trimmed(decimal: str) -> str:
    """Without zeros that say nothing: `8`, not `8.00`."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def _day(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    return dt.date.fromisoformat(str(value)[:10])
