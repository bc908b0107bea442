"""What table contracts are made of: columns with unit and meaning, intervals, and the rules that many share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa

__all__ = [
    "AT_LEAST_0",
    "CURRENCY_PER_PERIOD",
    "DATA_ENGINEERS",
    "DATE",
    "FINITE",
    "KPI",
    "MARKETING",
    "STATISTICIANS",
    "About",
    "about_of",
    "column",
    "interval",
    "ordered",
    "table",
]


def column(
    dtype: Any,
    description: str,
    *checks: pa.Check,
    unit: str | None = None,
    nullable: bool = False,
) -> pa.Column:
    """One column: what it means, in which unit, and the rules that its values obey."""
    return pa.Column(
        dtype,
        list(checks),
        nullable=nullable,
        coerce=True,
        description=description,
        metadata={"unit": unit} if unit else None,
    )


@dataclass(frozen=True)
class About:
    """What there is to say of a table beside its columns; whoever shows, reads or publishes it asks here.

    Attributes:
        readers: whom it is for.
        question: what it answers, in the words of whoever asks.
        lineage: lines `columns = table.column, ...`; several columns before the = share what comes after it. Empty
            where columns come from a posterior as a whole.
        is_reported: whether reports are written from it.
        published_as: name of its CSV file among the results; None: it is not published.
        published_when_empty: whether it is published without rows, too.
    """

    readers: str
    question: str
    lineage: str = ""
    is_reported: bool = False
    published_as: str | None = None
    published_when_empty: bool = True


def table(
    name: str, description: str, columns: dict[str, pa.Column], *, about: About, **options: Any
) -> pa.DataFrameSchema:
    """One table; `options` are pandera's, such as `unique` and rules over several columns."""
    return pa.DataFrameSchema(
        columns, name=name, description=description, strict=True, metadata={_ABOUT: about}, **options
    )


def about_of(schema: pa.DataFrameSchema) -> About:
    """What the table's declaration says beside its columns."""
    about: About = (schema.metadata or {})[_ABOUT]
    return about


DATA_ENGINEERS, MARKETING, STATISTICIANS = "data engineers", "marketing", "statisticians"
_ABOUT = "about"

AT_LEAST_0 = pa.Check.ge(0)
DATE = "datetime64[ns]"
CURRENCY_PER_PERIOD = "currency per period"
KPI = "KPI units"
FINITE = pa.Check(lambda values: values.abs() < float("inf"), name="finite", error="must be finite")


def interval(quantity: str, unit: str | None = None) -> dict[str, pa.Column]:
    """The two columns of a credible interval of `quantity`."""
    return {
        f"{quantity}_low": column(float, f"lower end of the credible interval of {quantity}", unit=unit, nullable=True),
        f"{quantity}_high": column(
            float, f"upper end of the credible interval of {quantity}", unit=unit, nullable=True
        ),
    }


def ordered(low: str, high: str) -> pa.Check:
    """The rule that `low` does not exceed `high`, row by row."""
    return pa.Check(
        lambda frame: ~(frame[low] > frame[high]),
        name=f"{low}<={high}",
        error=f"{low} must not exceed {high}",
    )
