"""Settings of the other engines that are asked for a second opinion (docs/engines.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from mmm_pipeline.settings.section import Section

EngineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class EngineSettings(Section):
    """Second opinions by other libraries, each in an environment of its own: `mmm engines list`."""

    run: tuple[EngineName, ...] = Field((), description="engines that every refresh asks, e.g. lightweight_mmm")
    folder: Path | None = Field(None, description="folder of engines of your own, beside those that come along")
    specs: Literal["champion", "grid"] = Field(
        "champion", description="which of our specs an engine with the same models fits: the champion's, or all"
    )
    chains: int = Field(2, ge=1, le=64, description="of an engine with a sampler")
    warmup: int = Field(500, ge=10, description="adaptation draws per chain")
    draws: int = Field(500, ge=10, description="kept draws per chain")
    target_accept: float | None = Field(
        None, gt=0.5, lt=1, description="target acceptance of an engine's NUTS, against divergences; empty: its own"
    )
    plans: bool = Field(False, description="ask for an engine's own budget, too; LightweightMMM's takes many minutes")
    timeout_minutes: float = Field(60.0, gt=0, le=10_000, description="an engine that takes longer is ended")

    @field_validator("run")
    @classmethod
    def _unique(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"lists a value twice: {list(value)}")
        return value
