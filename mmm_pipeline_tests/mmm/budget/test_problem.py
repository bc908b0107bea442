"""Requests that can be met, and the message of those that cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import InfeasibleBudget
from mmm_pipeline.mmm.budget.problem import budget_problem
from mmm_pipeline.mmm.budget.request import BudgetRequest
from mmm_pipeline.mmm.budget.risk import RiskMeasure
from mmm_pipeline.mmm.budget.rounding import round_to_total

_CHANNELS = ("search", "video", "social")
_CURRENT = np.array([100.0, 50.0, 25.5])


def test_by_default_the_last_horizons_spend_is_reallocated_within_half_to_double() -> None:
    problem = budget_problem(_CHANNELS, _CURRENT, BudgetRequest())

    assert [block.total for block in problem.blocks] == [17_550]
    assert problem.current.tolist() == [10_000, 5_000, 2_550]
    assert problem.low.tolist() == [5_000, 2_500, 1_275]
    assert problem.high.tolist() == [20_000, 10_000, 5_100]


def test_bounds_of_a_channel_replace_the_general_ones_and_amounts_are_currency() -> None:
    request = BudgetRequest(bounds={"video": (0.9, 1.1)}, amounts={"social": (0.0, 400.0)})

    problem = budget_problem(_CHANNELS, _CURRENT, request)

    assert problem.low.tolist() == [5_000, 4_500, 0]
    assert problem.high.tolist() == [20_000, 5_500, 40_000]


def test_locked_channels_keep_their_spend_and_the_reference_scales_the_others() -> None:
    problem = budget_problem(_CHANNELS, _CURRENT, BudgetRequest(total=251.0, locked=("search",)))

    assert problem.low[0] == problem.high[0] == 10_000
    assert problem.locked.tolist() == [True, False, False]
    assert problem.reference(np.array([10_000, 5_000, 10_100])).tolist() == [10_000, 10_000, 5_100]


def test_at_todays_total_the_reference_is_todays_spend() -> None:
    problem = budget_problem(_CHANNELS, _CURRENT, BudgetRequest(locked=("video",)))

    assert problem.reference(np.array([9_000, 5_000, 3_550])).tolist() == [10_000, 5_000, 2_550]


def test_a_paused_channel_stays_paused_unless_an_amount_is_given() -> None:
    current = np.array([100.0, 0.0, 20.0])

    paused = budget_problem(_CHANNELS, current, BudgetRequest())
    revived = budget_problem(_CHANNELS, current, BudgetRequest(amounts={"video": (0.0, 30.0)}))

    assert (paused.low[1], paused.high[1]) == (0, 0)
    assert (revived.low[1], revived.high[1]) == (0, 3_000)


def test_without_any_current_spend_the_reference_follows_the_upper_bounds() -> None:
    request = BudgetRequest(
        total=40.0, amounts={name: (0.0, high) for name, high in zip(_CHANNELS, (30, 20, 10), strict=True)}
    )

    problem = budget_problem(_CHANNELS, np.zeros(3), request)

    assert problem.reference(np.array([3_000, 1_000, 0])).tolist() == [2_000, 1_333, 667]


def test_groups_have_their_own_total_and_the_others_share_the_rest() -> None:
    request = BudgetRequest(total=180.0, groups={"brand": (("social", "search"), 110.0)})

    problem = budget_problem(_CHANNELS, _CURRENT, request)

    assert [(b.name, b.members.tolist(), b.total) for b in problem.blocks] == [
        ("brand", [2, 0], 11_000),
        (None, [1], 7_000),
    ]
    # Within the brand 100 and 25.50 are scaled to 110; the other channel has the rest to itself.
    assert problem.reference(np.array([6_000, 7_000, 5_000])).tolist() == [8_765, 7_000, 2_235]


def test_without_a_total_channels_outside_groups_share_what_they_cost() -> None:
    problem = budget_problem(_CHANNELS, _CURRENT, BudgetRequest(groups={"brand": (("search",), 150.0)}))

    assert [(b.name, b.total) for b in problem.blocks] == [("brand", 15_000), (None, 7_550)]


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda spend: sum(spend) > 1),
    st.floats(0, 1),
    st.floats(1, 5),
    st.floats(0, 1),
    st.sets(st.sampled_from(_CHANNELS)),
)
def test_a_total_between_the_bounds_is_always_feasible(
    spend: list[float], lower: float, upper: float, share: float, locked: set[str]
) -> None:
    current = np.array(spend)
    free = np.array([name not in locked for name in _CHANNELS])
    least, most = (float(current[~free].sum() + multiple * current[free].sum()) for multiple in (lower, upper))
    total = least + share * (most - least)

    if total > 1e-3:
        request = BudgetRequest(total=total, lower=lower, upper=upper, locked=tuple(locked))
        problem = budget_problem(_CHANNELS, current, request)

        planned = problem.blocks[0].total
        cent = problem.unit / 100
        reference = problem.reference(round_to_total(current / problem.unit, problem.low, problem.high, planned))
        assert problem.currency(np.array(planned)) == pytest.approx(total, abs=3.01 * cent)
        assert cent <= max(1e-4 * max(total, float(current.sum())), 1e-9)
        assert reference.sum() == planned
        assert (reference >= 0).all()
        assert (reference[problem.locked] == problem.current[problem.locked]).all()


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_total_at_the_end_of_the_bounds_is_met_whatever_rounding_does(share: float) -> None:
    current = np.array([33.335, 33.335, 33.335, 0.015, 71.005])
    channels = ("a", "b", "c", "d", "e")

    problem = budget_problem(channels, current, BudgetRequest(total=share * float(current.sum())))

    assert problem.blocks[0].total == pytest.approx(100 * share * current.sum(), abs=1)
    assert problem.low.sum() <= problem.blocks[0].total <= problem.high.sum()


def test_a_locked_total_that_is_off_by_rounding_alone_is_met() -> None:
    current = np.array([33.335, 33.335, 33.335])

    problem = budget_problem(_CHANNELS, current, BudgetRequest(total=float(current.sum()), locked=_CHANNELS))

    assert problem.blocks[0].total == problem.current.sum()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6, 1e12])
def test_a_budget_is_the_same_in_every_currency(scale: float) -> None:
    request = BudgetRequest(
        total=1800.0 * scale, amounts={"social": (0.0, 400.0 * scale)}, bounds={"video": (0.9, 1.1)}, locked=("search",)
    )

    problem = budget_problem(_CHANNELS, np.array([1000.0, 500.0, 255.5]) * scale, request)

    for amounts, expected in (
        (problem.current, [1000.0, 500.0, 255.5]),
        (problem.low, [1000.0, 450.0, 0.0]),
        (problem.high, [1000.0, 550.0, 400.0]),
        (np.array([problem.blocks[0].total]), [1800.0]),
    ):
        np.testing.assert_allclose(problem.currency(amounts) / scale, expected, rtol=1e-4)


def test_small_amounts_are_told_in_full() -> None:
    with pytest.raises(InfeasibleBudget, match=r"0\.0004 is above the sum of the upper bounds, 0\.000351"):
        budget_problem(_CHANNELS, _CURRENT * 1e-6, BudgetRequest(total=0.0004))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (BudgetRequest(total=400.0), r"400\.00 is above the sum of the upper bounds, 351\.00.*'search' 200\.00"),
        (BudgetRequest(total=80.0), r"80\.00 is below the sum of the lower bounds, 87\.75.*'search' 50\.00"),
        (BudgetRequest(upper=0.9), r"175\.50 \(what the last 28 days cost\) is above .* 157\.95"),
        (
            BudgetRequest(total=100.0, locked=("search",)),
            r"100\.00 is below .* 137\.75, 100\.00 of it locked; .*'search' 100\.00 \(locked\)",
        ),
        (BudgetRequest(total=200.0, locked=_CHANNELS), r"above the sum .* 175\.50, 175\.50 of it locked"),
        (
            BudgetRequest(locked=("video",), bounds={"video": (1.2, 2.0)}),
            r"'video' is locked at its current spend of 50\.00, but its bounds are 60\.00 to 100\.00",
        ),
        (BudgetRequest(locked=("radio",)), r"budget\.locked names 'radio'.*search, video, social"),
        (BudgetRequest(bounds={"radio": (1, 2)}), r"budget\.bounds names 'radio'"),
        (BudgetRequest(bounds={"video": (2.0, 1.0)}), r"budget\.bounds\['video'\] is \[2\.0, 1\.0\]"),
        (BudgetRequest(lower=-1.0), r"budget\.lower and upper is \[-1\.0, 2\.0\]"),
        (BudgetRequest(total=float("nan")), r"budget\.total is nan"),
        (BudgetRequest(total=5.0, target_kpi=9.0), r"budget\.total and budget\.target_kpi exclude each other"),
        (BudgetRequest(target_marginal_roi=0.0), r"budget\.target_marginal_roi is 0\.0"),
        (
            BudgetRequest(target_kpi=9.0, groups={"brand": (("video",), 5.0)}),
            r"budget\.groups .* do not go with a target",
        ),
        (
            BudgetRequest(groups={"brand": (("search", "video"), 400.0)}),
            r"total of group 'brand', 400\.00 is above .* 300\.00.*'search' 200\.00, 'video' 100\.00",
        ),
        (
            BudgetRequest(total=420.0, groups={"brand": (("search",), 190.0)}),
            r"groups leave to the other channels, 230\.00 is above .* 151\.00",
        ),
        (
            BudgetRequest(total=420.0, groups={"brand": (_CHANNELS, 190.0)}),
            r"groups hold every channel and 190\.00 in all, but the total is 420\.00",
        ),
        (
            BudgetRequest(groups={"a": (("search",), 90.0), "b": (("search",), 90.0)}),
            r"'search' is in two budget\.groups, 'a' and 'b'",
        ),
        (BudgetRequest(groups={"brand": (("radio",), 5.0)}), r"groups\['brand'\] names 'radio'"),
        (BudgetRequest(groups={"brand": ((), 5.0)}), r"groups\['brand'\] has no channels"),
        (
            BudgetRequest(bounds={"video": (1, 2)}, amounts={"video": (1, 2)}),
            r"'video' is in budget\.bounds and in budget\.amounts",
        ),
        (BudgetRequest(locked=("Serach",)), r"budget\.locked names 'Serach', not a channel .* did you mean 'search'"),
        (BudgetRequest(groups={"brand": (("video", "video"), 5.0)}), r"groups\['brand'\] names a channel twice"),
        (
            BudgetRequest(target_kpi=9.0, risk=RiskMeasure("quantile")),
            r"budget\.risk\.measure 'quantile' goes with a total",
        ),
        (BudgetRequest(risk=RiskMeasure("mean_minus_sd", kappa=-1.0)), r"budget\.risk has kappa -1\.0"),
        (BudgetRequest(horizon=0), r"budget\.horizon is 0"),
    ],
)
def test_what_cannot_be_met_is_refused_by_name(request_: BudgetRequest, message: str) -> None:
    with pytest.raises(InfeasibleBudget, match=message):
        budget_problem(_CHANNELS, _CURRENT, request_)


def test_without_spend_and_without_a_total_there_is_no_budget() -> None:
    with pytest.raises(InfeasibleBudget, match=r"set budget\.total"):
        budget_problem(_CHANNELS, np.zeros(3), BudgetRequest())


def test_when_nothing_was_spent_lately_bounds_are_multiples_of_what_was_spent_last() -> None:
    problem = budget_problem(_CHANNELS, np.zeros(3), BudgetRequest(total=300.0), latest_spend=_CURRENT)

    assert problem.current.tolist() == [0, 0, 0]
    assert problem.low.tolist() == [5_000, 2_500, 1_275]
    assert problem.high.tolist() == [20_000, 10_000, 5_100]
    # Compared with is the earlier mix: 200, 100 and 51 of 351, scaled to the total.
    assert problem.reference(np.array([20_000, 7_000, 3_000])).tolist() == [17_094, 8_547, 4_359]


def test_without_a_total_the_message_says_what_the_last_spend_was() -> None:
    with pytest.raises(InfeasibleBudget, match=r"set budget\.total .*cost 175\.50") as caught:
        budget_problem(_CHANNELS, np.zeros(3), BudgetRequest(), latest_spend=_CURRENT)
    assert caught.value.code == "no_spend"


def test_one_paused_channel_does_not_bring_earlier_spend_back() -> None:
    current = np.array([100.0, 0.0, 25.5])

    problem = budget_problem(_CHANNELS, current, BudgetRequest(), latest_spend=_CURRENT)

    assert problem.high.tolist() == [20_000, 0, 5_100]
