"""What counts as the same model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mmm_pipeline.mmm.identity import NEUTRAL, identity
from mmm_pipeline.mmm.priors.media import SPEND_SHARE, MediaPrior
from mmm_pipeline.mmm.specs import FeatureSign, ModelSpec, RoiPrior, SamplerSettings


@dataclass(frozen=True)
class Before:
    degrees: int


@dataclass(frozen=True)
class After:
    degrees: int
    knots: int = field(default=4, metadata={NEUTRAL: 0})


After.__qualname__ = "Before"


def test_a_new_field_at_its_neutral_value_leaves_the_identity_alone() -> None:
    assert identity(After(2, knots=0)) == identity(Before(2))
    assert identity((After(2, knots=0),)) == identity((Before(2),))


def test_any_other_value_changes_it_the_default_included() -> None:
    identities = {identity(Before(2)), identity(After(2)), identity(After(2, knots=5)), identity(Before(3))}
    assert len(identities) == 4


def test_every_part_of_a_spec_counts() -> None:
    spec = ModelSpec("carryover", 2)
    variants = [
        ModelSpec("adstock", 2),
        ModelSpec("carryover", 2, weekday=False),
        ModelSpec("carryover", 2, roi_priors=(RoiPrior("tv", 2.0, 1.0),)),
        ModelSpec("carryover", 2, roi_priors=(RoiPrior("tv", 2.0, 1.5),)),
        ModelSpec("carryover", 2, feature_signs=(FeatureSign("price", "negative"),)),
    ]
    assert len({identity(each) for each in (spec, *variants)}) == 6
    assert identity(spec) == identity(ModelSpec("carryover", 2))


def test_the_identity_of_today_is_that_of_stored_fits() -> None:
    settings = SamplerSettings(seed=3)
    assert identity(settings) == repr(settings).replace(", max_extensions=4", ""), "a field that came later, neutral"
    assert identity(SamplerSettings(seed=3, max_extensions=0)).endswith("max_extensions=0)")
    spec = ModelSpec("carryover", 2, roi_priors=(RoiPrior("tv", 2.0, 1.0),))
    before_media_prior = repr(spec).replace(f", media_prior={SPEND_SHARE!r}", "").replace(", family='log_normal'", "")
    assert identity(spec) == before_media_prior
    assert identity(replace(spec, media_prior=MediaPrior())) != before_media_prior
