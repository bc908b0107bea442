"""Names of datasets and tables: validated here, quoted before they reach SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.storage.warehouse.dialect import BIGQUERY

__all__ = ["DatasetName", "TableName", "dataset_name", "table_name"]

_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}\Z")
_TABLE = re.compile(r"[\w-]{1,1024}\Z")


@dataclass(frozen=True)
class DatasetName:
    """`project.dataset`."""

    project: str
    dataset: str

    def table(self, name: str) -> TableName:
        return TableName(self.project, self.dataset, name)

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}"


@dataclass(frozen=True)
class TableName:
    """`project.dataset.table`."""

    project: str
    dataset: str
    table: str

    @property
    def dataset_name(self) -> DatasetName:
        """Where it is."""
        return DatasetName(self.project, self.dataset)

    @property
    def quoted(self) -> str:
        """For SQL text."""
        return BIGQUERY.identifier(self.project, self.dataset, self.table)

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"


def table_name(text: str, *, setting: str, project: str | None = None) -> TableName:
    """`[project.]dataset.table`.

    Args:
        text: the name as the user writes it.
        setting: where it was written, for the message.
        project: used when the name has none; without it, such a name is only checked.

    Raises:
        SettingsError: it is no such name.
    """
    parts = text.split(".")
    if len(parts) == 2:
        parts = [project or "project-of-the-credentials", *parts]
    valid = len(parts) == 3 and all(
        pattern.match(part) for pattern, part in zip((_PROJECT, _DATASET, _TABLE), parts, strict=True)
    )
    if not valid:
        raise SettingsError(
            f"{setting} = {text!r} cannot name a BigQuery table: accepted is [project.]dataset.table, the project of "
            "lower-case letters, digits and -, the dataset of letters, digits and _, the table of these and -"
        )
    return TableName(*parts)


def dataset_name(text: str, *, setting: str, project: str | None = None) -> DatasetName:
    """`[project.]dataset`; as `table_name`.

    Raises:
        SettingsError: it is no such name.
    """
    parts = text.split(".")
    if len(parts) == 1:
        parts = [project or "project-of-the-credentials", *parts]
    valid = len(parts) == 2 and _PROJECT.match(parts[0]) and _DATASET.match(parts[1])
    if not valid:
        raise SettingsError(
            f"{setting} = {text!r} cannot name a BigQuery dataset: accepted is [project.]dataset, the project of "
            "lower-case letters, digits and -, the dataset of letters, digits and _"
        )
    return DatasetName(*parts)
