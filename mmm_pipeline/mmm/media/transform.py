"""A media transform: an adstock, then a saturation. What the media coefficient multiplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmm_pipeline.mmm.media.adstock.base import Adstock
from mmm_pipeline.mmm.media.saturation.base import Saturation
from mmm_pipeline.mmm.numerics.library import Library, over_time
from mmm_pipeline.mmm.priors.parameter import Parameter

__all__ = ["MediaTransform"]


@dataclass(frozen=True)
class MediaTransform:
    """An adstock and a saturation under the name that specs have.

    Attributes:
        name: as in `model.adstocks`, tables and stored fits.
        adstock: how media of past periods acts today.
        saturation: how effective media turns into effect.
        titles: language code -> its name in reports; `name` where a language is missing.

    Raises:
        ValueError: two parameters have the same name or symbol.
    """

    name: str
    adstock: Adstock
    saturation: Saturation
    titles: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for what in ("name", "symbol"):
            used = [getattr(parameter, what) for parameter in self.parameters]
            if len(set(used)) < len(used):
                raise ValueError(f"media transform {self.name!r} has two parameters of one {what}: {', '.join(used)}")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the adstock, then those of the saturation; each has one value per channel."""
        return (*self.adstock.parameters, *self.saturation.parameters)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of `parameters`, as in the posterior."""
        return tuple(parameter.name for parameter in self.parameters)

    def prepared(self, media: Any, f: Library) -> Any:
        """(T, C) media as `of_prepared` reads it: what no parameter changes is computed once."""
        return self.adstock.prepared(media, f)

    def of_prepared(self, prepared: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """m_c(x)_t: (..., T, C) of `prepared` media; arguments as of `value`."""
        # Saturated as the adstock leaves it: a matrix product need not be transposed before it is read.
        axis = self.adstock.time_axis
        effective = self.adstock.of_prepared(prepared, parameters, f)
        own = {part.name: over_time(parameters[part.name], axis, f) for part in self.saturation.parameters}
        return f.xp.moveaxis(self.saturation.value(effective, own, f), axis, -2)

    def value(self, media: Any, parameters: Mapping[str, Any], f: Library) -> Any:
        """m_c(x)_t, what the media coefficient multiplies: (..., T, C).

        Args:
            media: (T, C) mean-scaled media units, at least 0; media before the first period counts as none.
            parameters: (..., C) each, by name; further names are ignored.
            f: the library to compute with; JAX takes one draw, (C,).
        """
        return self.of_prepared(self.prepared(media, f), parameters, f)
