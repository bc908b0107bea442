"""What a kind of file is to everything that reads files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.staging import StagedTable, Staging

__all__ = ["FileFormat"]


@dataclass(frozen=True)
class FileFormat:
    """A kind of file.

    Attributes:
        title: its name in messages.
        suffixes: how names of such files end, in lower case.
        signature: the first bytes of every such file; None: text, which has none.
        stage: brings the rows of a file into staging; raises CampaignDataError where it cannot.
        stage_sheets: the same of the sheets of these titles; None: files of this kind have no sheets.
    """

    title: str
    suffixes: tuple[str, ...]
    signature: bytes | None
    stage: Callable[[Staging, Path, WantedColumns], StagedTable]
    stage_sheets: Callable[[Staging, Path, WantedColumns, Sequence[str]], StagedTable] | None = None
