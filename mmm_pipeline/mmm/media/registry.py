"""Which media transforms there are. A new adstock or saturation is a module of its own and a line here.

Nothing here starts JAX: settings and reports read it too.
"""

from __future__ import annotations

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.media.adstock.delayed import DelayedAdstock
from mmm_pipeline.mmm.media.adstock.geometric import GeometricAdstock
from mmm_pipeline.mmm.media.adstock.weibull import WeibullAdstock
from mmm_pipeline.mmm.media.saturation.hill import HillSaturation
from mmm_pipeline.mmm.media.saturation.logistic import LogisticSaturation
from mmm_pipeline.mmm.media.saturation.power import PowerSaturation
from mmm_pipeline.mmm.media.transform import MediaTransform

__all__ = ["LIGHTWEIGHT_TRANSFORMS", "MEDIA_TRANSFORMS", "media_transform"]

MEDIA_TRANSFORMS: dict[str, MediaTransform] = {
    transform.name: transform
    for transform in (
        MediaTransform("adstock", GeometricAdstock(), PowerSaturation(), {"en": "adstock", "ko": "애드스톡"}),
        MediaTransform(
            "hill_adstock", GeometricAdstock(), HillSaturation(), {"en": "Hill adstock", "ko": "힐 애드스톡"}
        ),
        MediaTransform("carryover", DelayedAdstock(), PowerSaturation(), {"en": "carryover", "ko": "캐리오버"}),
        MediaTransform(
            "weibull_hill", WeibullAdstock(), HillSaturation(), {"en": "Weibull and Hill", "ko": "와이불·힐"}
        ),
        MediaTransform(
            "geometric_logistic",
            GeometricAdstock(),
            LogisticSaturation(),
            {"en": "geometric and logistic", "ko": "기하·로지스틱"},
        ),
    )
}
"""Every media transform by its name."""

LIGHTWEIGHT_TRANSFORMS = ("adstock", "hill_adstock", "carryover")
"""Those of `lightweight-mmm`, by its names: the default grid."""


def media_transform(name: str) -> MediaTransform:
    """The registered transform of a name.

    Raises:
        ModelInputError: there is none; the message lists those there are.
    """
    if name not in MEDIA_TRANSFORMS:
        raise ModelInputError(f"adstock is {name!r}: accepted are {', '.join(MEDIA_TRANSFORMS)}")
    return MEDIA_TRANSFORMS[name]
