"""pipeline.yaml: the section `time`, and lengths of time of all sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from mmm_pipeline.errors import ModelInputError, SettingsError
from mmm_pipeline.mmm.data.duration import Duration
from mmm_pipeline.mmm.data.time_grid import Step
from mmm_pipeline.settings.section import Section

__all__ = ["HOLDOUT", "HORIZON", "LONGEST", "Length", "TimeSettings", "length_of", "periods_of"]

HOLDOUT: Mapping[Step, int] = {Step.DAY: 28, Step.WEEK: 8, Step.MONTH: 3}
"""Periods that are kept for scoring where `split.holdout` is empty."""
HORIZON: Mapping[Step, int] = {Step.DAY: 28, Step.WEEK: 4, Step.MONTH: 3}
"""Periods that are planned where `budget.horizon` is empty."""
LONGEST: Mapping[Step, int] = {Step.DAY: 36_500, Step.WEEK: 5_200, Step.MONTH: 1_200}
"""Periods of a hundred years."""
_LONGEST_SHOWN = 60


def _length(written: object) -> Duration:
    length = written if isinstance(written, Duration) else Duration.parse(written)  # type: ignore[arg-type]
    if length.number < 1:
        raise ValueError("a length of time is at least 1")
    return length


def length_of(written: str | int, name: str) -> Duration:
    """A length of time that somebody gave on a command line or in a launchpad.

    Raises:
        SettingsError: it cannot be read, or is zero.
    """
    try:
        return _length(written if len(str(written)) <= _LONGEST_SHOWN else f"{str(written)[:_LONGEST_SHOWN]}…")
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


Length = Annotated[
    Duration,
    BeforeValidator(_length),
    PlainSerializer(lambda length: length.written),
    WithJsonSchema({"type": "string", "format": "8w, 28d, 3m, 1y, or a number of periods"}),
]
"""`8w`, `28d`, `3m`, `1y`, or a whole number of periods of the data."""

WeekStart = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class TimeSettings(Section):
    """The periods that the model counts in: days, weeks or months."""

    step: Literal["day", "week", "month"] | None = Field(
        None, description="empty: that of the dates; a coarser one: finer rows are summed up to it"
    )
    week_date: Literal["start", "end"] = Field(
        "start", description="whether the date of weekly rows is the first or the last day of the week"
    )
    week_start: WeekStart | None = Field(
        None, description="first day of the week where days are summed up to weeks; empty: monday"
    )


def periods_of(length: Duration | None, step: Step, default: Mapping[Step, int], name: str) -> int:
    """Periods of a length of time that may be left empty.

    Raises:
        SettingsError: it is no whole number of periods, or longer than a hundred years.
    """
    if length is None:
        return default[step]
    try:
        periods = length.periods(step, name)
    except ModelInputError as error:
        raise SettingsError(str(error)) from error
    if not 1 <= periods <= LONGEST[step]:
        raise SettingsError(f"{name} = {length} is {step.counted(periods)}: accepted are 1 to {LONGEST[step]:,}")
    return periods
