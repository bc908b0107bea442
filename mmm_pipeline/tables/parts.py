"""What table contracts are made of: columns with unit and meaning, intervals, and the rules that many share."""

from __future__ import annotations

from typing import Any

import pandera.pandas as pa

__all__ = ["AT_LEAST_0", "CURRENCY_PER_DAY", "DATE", "FINITE", "KPI", "column", "interval", "ordered", "table"]


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


def table(name: str, description: str, columns: dict[str, pa.Column], **options: Any) -> pa.DataFrameSchema:
    """One table; `options` are pandera's, such as `unique` and rules over several columns."""
    return pa.DataFrameSchema(columns, name=name, description=description, strict=True, **options)


AT_LEAST_0 = pa.Check.ge(0)
DATE = "datetime64[ns]"
CURRENCY_PER_DAY = "currency per day"
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
