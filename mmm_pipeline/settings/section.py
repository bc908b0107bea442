"""What every section of `pipeline.yaml` has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]

SheetName = Annotated[str, Field(min_length=1), BeforeValidator(lambda name: str(name) if type(name) is int else name)]
"""YAML takes a sheet called 2025 for a number."""

SheetNames = SheetName | Annotated[tuple[SheetName, ...], Field(min_length=1)] | None
"""Which sheets of a workbook are read."""

__all__ = ["Section", "Share", "SheetNames"]


class Section(BaseModel):
    """Strict base: an unknown key is an error, values are immutable, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
