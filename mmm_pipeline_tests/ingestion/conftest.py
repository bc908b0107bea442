"""Small campaign files and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mmm_pipeline.ingestion.rows.campaigns import load_campaigns
from mmm_pipeline.ingestion.rows.load import LoadSummary
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.warehouse.duckdb import DuckDBWarehouse

HEADER = "Date,Ad group alias,Impressions,Spend,Sales"


@dataclass(frozen=True)
class Loaded:
    """A source after loading."""

    summary: LoadSummary
    accepted: pd.DataFrame
    rejected: pd.DataFrame


Load = Callable[..., Loaded]


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "home" / "warehouse.duckdb")


def settings_for(
    path: Path, *, share: float = 1.0, decimal: str = "auto", date_order: str = "auto", **sections: Any
) -> Settings:
    """Settings that read `path` and accept that any share of its rows is refused, and of a day's rows."""
    rules = {"max_rejected_share": share, "incomplete_kpi": "accept", **sections.pop("validation", {})}
    source = {"kind": "file", "path": str(path), "decimal": decimal, "date_order": date_order}
    return parse_settings({"source": source, "validation": rules, **sections})


@pytest.fixture
def load(tmp_path: Path, warehouse: DuckDBWarehouse) -> Load:
    """Load a file, or text written to one."""

    def load_it(content: Path | str | bytes, *, name: str = "campaigns.csv", **options: Any) -> Loaded:
        if isinstance(content, Path):
            path = content
        else:
            path = tmp_path / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        summary = load_campaigns(warehouse, settings_for(path, **options))
        return Loaded(summary, warehouse.read_table("media_rows"), warehouse.read_table("rejected_rows"))

    return load_it


def rows(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    """A CSV file of a header and lines."""
    return end.join([header, *lines, ""])
