"""Lengths of time as people write them, `8w`, `28d`, `3m`, `1y` or a number of periods, in periods of a grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.data.time_grid import Step

__all__ = ["Duration"]

Unit = Literal["", "d", "w", "m", "y"]

_WRITTEN = re.compile(r"\s*(\d{1,6})\s*([dwmy]?)\s*", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"m": 1, "y": 12}


@dataclass(frozen=True)
class Duration:
    """A length of time that becomes a number of periods where the grid is known.

    Attributes:
        number: how many, at least 0.
        unit: `d`ays, `w`eeks, `m`onths, `y`ears, or, empty, periods of the grid.
    """

    number: int
    unit: Unit = ""

    @classmethod
    def parse(cls, written: str | int) -> Duration:
        """Read `8w`, `28d`, `3m`, `1y`, or a whole number of periods.

        Raises:
            ValueError: it is none of these.
        """
        match = _WRITTEN.fullmatch(str(written)) if not isinstance(written, bool) else None
        if match is None:
            raise ValueError(
                f"{written!r} is not a length of time: accepted are 28d (days), 8w (weeks), 3m (months), 1y (years), "
                "or a whole number of periods of the data"
            )
        unit: Unit = match[2].lower()  # type: ignore[assignment]
        return cls(int(match[1]), unit)

    @property
    def written(self) -> str | int:
        """As `parse` takes it: text with a unit, a number without."""
        return f"{self.number}{self.unit}" if self.unit else self.number

    def __str__(self) -> str:
        return str(self.written)

    def periods(self, step: Step, name: str = "the length") -> int:
        """Number of periods of a step.

        Days and weeks must be whole periods; months and years become days or weeks by the mean calendar month, rounded:
        `3m` is 91 days or 13 weeks.

        Args:
            step: of the grid.
            name: of the setting, for the message.

        Raises:
            ModelInputError: days or weeks that are no whole number of periods.
        """
        if not self.unit:
            return self.number
        if self.unit in _MONTHS:
            months = self.number * _MONTHS[self.unit]
            return months if step is Step.MONTH else round(months * Step.MONTH.mean_days / step.mean_days)
        days = self.number * _DAYS[self.unit]
        if step is Step.MONTH or days % int(step.mean_days):
            whole = "3m, 1y" if step is Step.MONTH else "14d, 2w, 3m"
            raise ModelInputError(
                f"{name} = {self.written} is no whole number of {step.plural}, and the data is {step.adverb}: accepted "
                f"are lengths such as {whole}, or a number of {step.plural}"
            )
        return days // int(step.mean_days)

    def days(self, step: Step) -> int:
        """Calendar days, rounded where months are in it; periods count as those of `step`."""
        if self.unit in _DAYS:
            return self.number * _DAYS[self.unit]
        if self.unit in _MONTHS:
            return round(self.number * _MONTHS[self.unit] * Step.MONTH.mean_days)
        return round(self.number * step.mean_days)
