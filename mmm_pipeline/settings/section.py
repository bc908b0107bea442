"""What every section of `pipeline.yaml` has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]

__all__ = ["Section", "Share"]


class Section(BaseModel):
    """Strict base: an unknown key is an error, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
