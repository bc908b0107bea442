"""The embedded demo: a simulated market written like a marketplace export, with its truth beside it."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.mmm.simulation.simulate import DEAD_CHANNEL, market_rows, simulate_market, truth
from mmm_pipeline.storage.atomic_files import write_bytes, write_text

__all__ = ["demo_rows", "demo_truth", "write_demo_data"]

_SUFFIXES = (".csv", ".xlsx", ".parquet")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def demo_rows(seed: int = 5) -> pd.DataFrame:
    """The demo campaign table, with the columns of a marketplace export; `Date` is text in mixed spellings."""
    return market_rows(simulate_market(seed=seed))


def demo_truth(seed: int = 5) -> dict[str, Any]:
    """What a perfect model would say about `demo_rows(seed)`: see `mmm_pipeline.mmm.simulation.market.truth`."""
    return {**truth(simulate_market(seed=seed)), "excluded_channels": [DEAD_CHANNEL]}


def write_demo_data(path: Path, *, seed: int = 5) -> tuple[Path, Path]:
    """Write the demo table as CSV, XLSX or Parquet by the suffix of `path`, and `<path>.truth.json` beside it.

    Both are written beside their place and renamed, so that a reader never sees half a file.

    Returns:
        The path of the table and that of the truth.

    Raises:
        CampaignDataError: the suffix is not known, or the folder cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CampaignDataError(
            f"{path}: cannot write the demo data as {path.suffix or 'a file without suffix'!r}: "
            f"the path must end in {', '.join(_SUFFIXES)}"
        )
    rows = demo_rows(seed)
    truth_path = path.with_name(f"{path.name}.truth.json")
    try:
        write_bytes(path, _encoded(rows, suffix))
        write_text(truth_path, json.dumps(demo_truth(seed), indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise CampaignDataError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path, truth_path


def _encoded(rows: pd.DataFrame, suffix: str) -> bytes:
    if suffix == ".csv":
        return rows.to_csv(index=False, lineterminator="\n").encode("utf-8")
    stream = io.BytesIO()
    if suffix == ".parquet":
        rows.to_parquet(stream, index=False)
    else:
        # Real workbooks hold true dates beside dates as text.
        rows = rows.assign(Date=[_as_cell(text) for text in rows["Date"]])
        rows.to_excel(stream, index=False, sheet_name="Campaign Data")
    return stream.getvalue()


def _as_cell(text: str) -> str | dt.date:
    return dt.date.fromisoformat(text) if _ISO_DATE.match(text) else text
