"""The upper bound of a response between its known points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.mmm.budget.envelope import BoundedCurve
from mmm_pipeline.mmm.response.curves import ResponseCurve
from mmm_pipeline_tests.mmm.budget.abstract_curves import Hill, Power

_CURVES = st.one_of(
    st.builds(Power, st.floats(0.1, 100), st.floats(0.2, 1.0), st.floats(0, 1000)),
    st.builds(Hill, st.floats(1, 1000), st.floats(10, 3000), st.floats(0.3, 8)),
)


@settings(deadline=None)
@given(_CURVES, st.sets(st.floats(0, 5000), min_size=2, max_size=8))
def test_neither_bound_nor_envelope_lies_below_the_response(curve: ResponseCurve, known: set[float]) -> None:
    spends = np.array(sorted(known))
    bounded = BoundedCurve(curve.at(spends))
    between = np.linspace(spends[0], spends[-1], 301)
    true = curve.at(between).value
    slack = 1e-9 * np.abs(true).max() + 1e-12

    upper = np.array([bounded.upper(s) for s in between])
    envelope = bounded.envelope(spends[0], spends[-1])
    hull = np.array([envelope.at(s) for s in between])

    assert (upper >= true - slack).all()
    assert (hull >= upper - slack).all()


@settings(deadline=None)
@given(_CURVES, st.sets(st.floats(0, 5000), min_size=2, max_size=8))
def test_envelopes_are_concave(curve: ResponseCurve, known: set[float]) -> None:
    spends = np.array(sorted(known))

    envelope = BoundedCurve(curve.at(spends)).envelope(spends[0], spends[-1])

    assert (np.diff(envelope.spend) > 0).all()
    slopes = envelope.slopes
    assert (np.diff(slopes) <= 1e-9 * np.abs(slopes[:-1]) + 1e-12).all()


def test_more_points_tighten_the_bound_quadratically() -> None:
    curve = Hill(100, 800, 4)
    between = np.linspace(1, 2999, 500)

    def looseness(points: int) -> float:
        bounded = BoundedCurve(curve.at(np.linspace(0, 3000, points)))
        return float(max(bounded.upper(s) - curve.at(np.array([s])).value[0] for s in between))

    assert looseness(161) < looseness(41) / 10


def test_known_points_are_recalled_and_keep_their_value_as_bound() -> None:
    curve = Hill(100, 800, 4)
    bounded = BoundedCurve(curve.at(np.array([0.0, 100.0, 3000.0])))

    bounded.add(curve.at(np.array([700.0, 100.0])))

    assert [bounded.knows(s) for s in (0.0, 100.0, 700.0, 700.5, 5000.0)] == [True, True, True, False, False]
    assert bounded.upper(700.0) == bounded.recall(700.0)[1] == pytest.approx(curve.at(np.array([700.0])).value[0])


@pytest.mark.parametrize("curve", [Hill(100, 800, 0.5), Hill(100, 800, 0.9), Power(1, 0.3)], ids=str)
def test_few_further_points_prove_that_no_spend_promises_more_than_the_plan(curve: ResponseCurve) -> None:
    plan, tolerable = 900.0, 1e-3
    bounded = BoundedCurve(curve.at(np.array([0.0, plan, 5000.0])))
    multiplier = float(curve.at(np.array([plan])).slope[0])

    added = 0
    while (spend := bounded.overpromised(multiplier, plan, tolerable)) is not None:
        bounded.add(curve.at(np.array([spend])))
        added += 1

    envelope = bounded.envelope(0.0, 5000.0)
    promised = max(envelope.value - multiplier * envelope.spend)
    assert promised - (bounded.recall(plan)[1] - multiplier * plan) <= tolerable
    assert added <= 12


def test_a_better_spend_that_is_known_is_not_the_bounds_fault() -> None:
    curve = Hill(100, 800, 6)
    bounded = BoundedCurve(curve.at(np.array([0.0, 100.0, 3000.0])))

    while (spend := bounded.overpromised(1e-3, 100.0, 1e-3)) is not None:
        bounded.add(curve.at(np.array([spend])))

    envelope = bounded.envelope(0.0, 3000.0)
    best = int((envelope.value - 1e-3 * envelope.spend).argmax())
    assert bounded.knows(float(envelope.spend[best]))
