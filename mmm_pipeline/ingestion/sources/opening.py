"""From `source` in the settings to rows of text in staging."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources.arrow_file import ARROW
from mmm_pipeline.ingestion.sources.csv_file import CSV
from mmm_pipeline.ingestion.sources.file_format import FileFormat
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.parquet_file import PARQUET
from mmm_pipeline.ingestion.sources.staging import StagedTable, Staging
from mmm_pipeline.ingestion.sources.table_file import stage_duckdb, stage_frame
from mmm_pipeline.ingestion.sources.workbooks.sheets import titles_of
from mmm_pipeline.ingestion.sources.workbooks.workbook import XLSX
from mmm_pipeline.settings.sources import SourceSettings

__all__ = ["source_name", "stage_file", "stage_source", "tell_reading"]

FORMATS = (CSV, XLSX, PARQUET, ARROW)
"""Kinds of files that are read. A new one is a module of its own and its name here."""

_SUFFIXES = tuple(suffix for known in FORMATS for suffix in known.suffixes)
_FOREIGN = {
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


def stage_source(staging: Staging, source: SourceSettings, wanted: WantedColumns) -> StagedTable:
    """Bring the rows of the campaign source into staging.

    Args:
        staging: where the rows go.
        source: a file, a DuckDB table or the demo market.
        wanted: the columns to look for; decides delimiter, header row and sheets.

    Raises:
        CampaignDataError: the source cannot be read, or lacks columns.
    """
    staging.source = source_name(source)
    if source.kind == "demo":
        from mmm_pipeline.ingestion.sources.demo import demo_rows

        return stage_frame(staging, demo_rows(source.demo_seed), wanted, source_name(source))
    assert source.path is not None
    if source.kind == "duckdb":
        assert source.table is not None
        _require_file(source.path)
        return stage_duckdb(staging, source.path, source.table, wanted)
    return stage_file(staging, source.path, wanted, source.sheet)


def stage_file(
    staging: Staging, path: Path, wanted: WantedColumns, sheet: str | Sequence[str] | None = None
) -> StagedTable:
    """Bring the rows of a file into staging, whatever its kind.

    Args:
        staging: where the rows go.
        path: the file.
        wanted: the columns to look for.
        sheet: of a workbook, the sheet or sheets to read; None: those that have the columns.

    Raises:
        CampaignDataError: the file cannot be read as what its suffix says, lacks columns, or is no workbook though a
            sheet is named.
    """
    staging.source = f"{path}"
    _require_file(path)
    kind = _format_of(path)
    if kind.stage_sheets is not None:
        return kind.stage_sheets(staging, path, wanted, titles_of(sheet))
    if sheet:
        raise CampaignDataError(
            f"{path}: is no workbook, and {wanted.sheet_setting} names a sheet: remove that setting"
        )
    return kind.stage(staging, path, wanted)


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


def _format_of(path: Path) -> FileFormat:
    """The kind that the suffix names; the file's first bytes must agree."""
    kind = next((known for known in FORMATS if path.suffix.lower() in known.suffixes), None)
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise CampaignDataError(f"{path}: is empty: expected a header and rows")
    accepted = ", ".join(_SUFFIXES)
    if kind is None:
        raise CampaignDataError(f"{path}: {path.suffix or 'no suffix'} is not a known suffix: accepted are {accepted}")
    signatures = {known.signature: known.title for known in FORMATS if known.signature is not None} | _FOREIGN
    content = next((title for mark, title in signatures.items() if start.startswith(mark)), None)
    if content != (kind.title if kind.signature is not None else None):
        seems = "is no" if content is None else f"is a {content} file, not"
        raise CampaignDataError(
            f"{path}: {seems} {kind.title}, which its suffix says: rename it, or export it as {kind.title}; accepted "
            f"are {accepted}"
        )
    return kind


def tell_reading(read: StagedTable, what: str, tell: Callable[[str], object] | None) -> None:
    """Say how a file beside the campaign rows was read: its sheets, and what could have been otherwise."""
    if tell is None:
        return
    if read.sheets:
        tell(f"{what}: read from {read.where}")
    for note in read.notes:
        tell(f"{what}: {note}")
