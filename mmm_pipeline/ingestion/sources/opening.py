"""From `source` in the settings to rows of text in staging."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.csv_file import stage_csv
from mmm_pipeline.ingestion.sources.headers import normalised
from mmm_pipeline.ingestion.sources.staging import Staging
from mmm_pipeline.ingestion.sources.table_file import stage_duckdb, stage_frame, stage_parquet
from mmm_pipeline.ingestion.sources.workbook import stage_xlsx
from mmm_pipeline.settings.sources import SourceSettings

__all__ = ["source_name", "stage_file", "stage_source"]

_CSV, _XLSX, _PARQUET = "CSV", "XLSX", "Parquet"
_SUFFIXES = {
    ".csv": _CSV,
    ".tsv": _CSV,
    ".txt": _CSV,
    ".xlsx": _XLSX,
    ".xlsm": _XLSX,
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
_SIGNATURES = {
    b"PK\x03\x04": _XLSX,
    b"PAR1": _PARQUET,
    b"\xd0\xcf\x11\xe0": "old Excel (.xls) or password-protected workbook",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
}


def source_name(source: SourceSettings) -> str:
    """What to call the source in messages."""
    if source.kind == "demo":
        return f"demo market, seed {source.demo_seed}"
    if source.kind == "bigquery":
        return str(source.table)
    return f"{source.path}" if source.kind == "file" else f"{source.path}:{source.table}"


def stage_source(staging: Staging, source: SourceSettings, required: Mapping[str, str]) -> tuple[str, ...]:
    """Bring the rows of the campaign source into staging.

    Args:
        staging: where the rows go.
        source: a file, a DuckDB table or the demo market.
        required: role -> header asked for; decides delimiter and sheet.

    Returns:
        The headers as the source spells them.

    Raises:
        CampaignDataError: the source cannot be read.
    """
    if source.kind == "demo":
        from mmm_pipeline.ingestion.sources.demo import demo_rows

        return stage_frame(staging, demo_rows(source.demo_seed))
    assert source.path is not None
    if source.kind == "duckdb":
        assert source.table is not None
        _require_file(source.path)
        return stage_duckdb(staging, source.path, source.table)
    return stage_file(staging, source.path, required)


def stage_file(staging: Staging, path: Path, required: Mapping[str, str]) -> tuple[str, ...]:
    """Bring the rows of a CSV, XLSX or Parquet file into staging; returns the headers.

    Raises:
        CampaignDataError: the file cannot be read as what its suffix says.
    """
    _require_file(path)
    wanted = {normalised(name) for name in required.values()}
    kind = _kind(path)
    if kind == _CSV:
        return stage_csv(staging, path, wanted)
    if kind == _XLSX:
        return stage_xlsx(staging, path, wanted, normalised(required["date"]))
    return stage_parquet(staging, path)


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise CampaignDataError(f"{path}: is a folder: name one file")
    if not path.exists():
        near: Collection[str] = ()
        if path.parent.is_dir():
            near = sorted(other.name for other in path.parent.iterdir() if other.suffix.lower() in _SUFFIXES)[:5]
        hint = f"; in that folder are {', '.join(near)}" if near else ""
        raise CampaignDataError(f"{path}: there is no such file{hint}")
    if not path.is_file():
        raise CampaignDataError(f"{path}: is not a regular file")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CampaignDataError(f"{path}: cannot be opened: {error.strerror or error}") from error


def _kind(path: Path) -> str:
    """The kind that the suffix names; the file's first bytes must agree."""
    kind = _SUFFIXES.get(path.suffix.lower())
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise CampaignDataError(f"{path}: is empty: expected a header and rows")
    content = next((found for mark, found in _SIGNATURES.items() if start.startswith(mark)), _CSV)
    accepted = ", ".join(_SUFFIXES)
    if kind is None:
        raise CampaignDataError(f"{path}: {path.suffix or 'no suffix'} is not a known suffix: accepted are {accepted}")
    if content != kind:
        seems = "is no" if content == _CSV else f"is a {content} file, not"
        raise CampaignDataError(
            f"{path}: {seems} {kind}, which its suffix says: rename it, or export it as {kind}; accepted are {accepted}"
        )
    return kind
