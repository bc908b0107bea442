"""How many rows were accepted and refused, and what they add up to: the table `campaign_totals` and what it says."""

from __future__ import annotations

import hashlib

import pandas as pd

from mmm_pipeline.ingestion.rows.sums import without_noise
from mmm_pipeline.ingestion.rows.verdicts import BLANK, LATER, LEFT_OUT, NO_ROWS

__all__ = [
    "accepted_rows",
    "blank_rows",
    "breakdown",
    "fingerprint",
    "later_rows",
    "left_out_rows",
    "refusals",
    "stored_totals",
]

_MEASURES = ["spend", "media_units", "kpi"]


def stored_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """The contract's `campaign_totals`, accepted rows first, of the result of `CampaignQueries.totals`."""
    rows = totals.loc[~totals["reason"].isin(NO_ROWS)]
    columns = ["reason", "channel", "brand", "marketplace", "row_count", "media_units", "spend", "kpi"]
    rows = rows.sort_values(columns[:4], na_position="first", ignore_index=True)
    return without_noise(rows[columns], _MEASURES)


def accepted_rows(totals: pd.DataFrame) -> int:
    """Number of accepted rows."""
    return int(totals.loc[totals["reason"].isna(), "row_count"].sum())


def blank_rows(totals: pd.DataFrame) -> int:
    """Number of lines without any value."""
    return int(totals.loc[totals["reason"] == BLANK, "row_count"].sum())


def later_rows(totals: pd.DataFrame) -> int:
    """Number of rows after the last day that counts (`split.as_of`)."""
    return int(totals.loc[totals["reason"] == LATER, "row_count"].sum())


def left_out_rows(totals: pd.DataFrame) -> int:
    """Number of rows left out because `validation.total_rows` names them as sums of others."""
    return int(totals.loc[totals["reason"] == LEFT_OUT, "row_count"].sum())


def refusals(totals: pd.DataFrame) -> dict[str, int]:
    """Reason -> number of refused rows, most frequent first."""
    refused = totals.loc[totals["reason"].notna() & ~totals["reason"].isin(NO_ROWS)]
    counts = refused.groupby("reason")["row_count"].sum()
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return {str(reason): int(count) for reason, count in ordered}


def breakdown(totals: pd.DataFrame) -> pd.DataFrame:
    """Totals of the accepted media rows by brand and by marketplace, of the table `campaign_totals`.

    Returns:
        Columns `dimension`, `value` (missing where a row has none), `rows`, `spend`, `media_units` and `kpi`, most rows
        first; a dimension that the source does not have is left out.
    """
    accepted = totals.loc[totals["reason"].isna() & totals["table_name"].eq("media")]
    accepted = accepted.rename(columns={"row_count": "rows"})
    parts = []
    for dimension in ("brand", "marketplace"):
        if accepted[dimension].notna().any():
            sums = accepted.groupby(dimension, dropna=False)[["rows", *_MEASURES]].sum().reset_index(names="value")
            sums = without_noise(sums, _MEASURES)
            sums = sums.sort_values(["rows", "value"], ascending=[False, True], kind="stable")
            parts.append(sums.assign(dimension=dimension, value=sums["value"].where(sums["value"].notna(), None)))
    columns = ["dimension", "value", "rows", *_MEASURES]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def fingerprint(totals: pd.DataFrame) -> str:
    """Changes when the accepted rows change, not with their order or spelling."""
    accepted = totals.loc[totals["reason"].isna()]
    xor = total = 0
    for part, size in zip(accepted["content_xor"], accepted["content_sum"], strict=True):
        xor ^= int(part)
        total += int(size)
    return hashlib.sha256(repr((accepted_rows(totals), xor, total)).encode()).hexdigest()[:16]
