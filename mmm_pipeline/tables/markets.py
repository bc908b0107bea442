"""Contracts of what is told market by market: the tables of all markets together with a column `market` in front."""

from __future__ import annotations

import pandera.pandas as pa

from mmm_pipeline.tables.parts import About, column, table

__all__ = ["by_market"]


def by_market(schema: pa.DataFrameSchema, name: str, description: str, *, about: About) -> pa.DataFrameSchema:
    """The contract with a column `market`, which is part of what makes a row unique."""
    market = column(str, "value of columns.market", pa.Check.str_length(min_value=1))
    return table(
        name,
        description,
        {"market": market, **schema.columns},
        about=about,
        checks=schema.checks,
        unique=["market", *(schema.unique or [])],
    )
