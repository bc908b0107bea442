"""What every section of `pipeline.yaml` has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Section"]


class Section(BaseModel):
    """Strict base: an unknown key is an error, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
