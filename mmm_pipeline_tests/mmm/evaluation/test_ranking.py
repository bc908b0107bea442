"""Who wins, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.errors import ModelNotConverged
from mmm_pipeline.mmm.evaluation.loo import Loo
from mmm_pipeline.mmm.evaluation.naive import score_naive_forecasts
from mmm_pipeline.mmm.evaluation.ranking import (
    Entry,
    build_leaderboard,
    champion_candidates,
    crowned,
    entry_of_fit,
    entry_without_fit,
)
from mmm_pipeline.mmm.evaluation.scores import HoldoutScore, RankingError, score_fit
from mmm_pipeline.mmm.inference.diagnostics import Convergence
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_NAIVE = pd.DataFrame(
    {"forecast": ["mean"], "mape": [0.2], "wape": [0.2], "rmse": [30.0], "crps": [20.0], "is_best": [True]}
)


def _entry(
    adstock: str,
    degrees: int,
    errors: list[float],
    *,
    converged: bool = True,
    crps: float = 10.0,
    windows: list[int] | None = None,
    loo: Loo | None = None,
) -> Entry:
    """A spec whose forecasts of a KPI of 100 a day are too high by these shares; NaN: the KPI was zero."""
    shares = np.array(errors)
    observed = np.where(np.isnan(shares), 0.0, 100.0)
    everywhere = np.ones(len(shares), dtype=bool)
    score = HoldoutScore(
        observed=observed,
        forecast=observed * (1 + np.nan_to_num(shares)),
        crps_by_period=np.full(len(shares), crps),
        inside_50=everywhere,
        inside_90=everywhere,
        window=np.zeros(len(shares), dtype=int) if windows is None else np.array(windows),
    )
    failures = () if converged else (Reason("other", {"text": "R-hat of retention[a] is 1.20, the limit 1.01"}),)
    return Entry(ModelSpec(adstock, degrees), score, Convergence(converged, 1.0, 900, 900, 0, failures), loo, 1, 2.0)


def test_a_spec_that_did_not_converge_cannot_win_however_small_its_error() -> None:
    board = build_leaderboard(
        [
            _entry("adstock", 1, [0.10, 0.12, 0.11]),
            _entry("carryover", 1, [0.01, 0.01, 0.01], converged=False),
        ],
        _NAIVE,
    )

    assert champion_candidates(board)[0] == "adstock|1"
    unconverged = board.set_index("adstock").loc["carryover"]
    assert pd.isna(unconverged["rank"])
    assert unconverged["status"] == "not_converged"
    assert "R-hat of retention[a]" in unconverged["reason"]


def test_a_clearly_smaller_error_wins_over_simplicity() -> None:
    board = build_leaderboard(
        [_entry("adstock", 1, [0.30, 0.31, 0.32]), _entry("carryover", 4, [0.10, 0.11, 0.12])], _NAIVE
    )

    assert champion_candidates(board)[0] == "carryover|4"
    assert board["rank"].tolist() == [1, 2]


def test_within_one_standard_error_the_simpler_spec_wins() -> None:
    noisy_but_alike = [_entry("carryover", 4, [0.10, 0.30, 0.10, 0.30]), _entry("adstock", 1, [0.31, 0.11, 0.29, 0.11])]

    board = build_leaderboard(noisy_but_alike, _NAIVE)

    assert noisy_but_alike[0].score.mape < noisy_but_alike[1].score.mape  # type: ignore[union-attr]
    assert champion_candidates(board)[0] == "adstock|1"


def test_a_small_but_steady_difference_is_no_tie() -> None:
    steady = [_entry("carryover", 4, [0.100, 0.300, 0.200]), _entry("adstock", 1, [0.111, 0.310, 0.210])]

    assert champion_candidates(build_leaderboard(steady, _NAIVE))[0] == "carryover|4"


def test_of_equal_errors_fewer_degrees_then_fewer_media_parameters_win() -> None:
    errors = [0.1, 0.2, 0.3]

    board = build_leaderboard(
        [_entry("adstock", 2, errors), _entry("carryover", 1, errors), _entry("adstock", 1, errors)], _NAIVE
    )

    assert list(zip(board["adstock"], board["degrees"], strict=True)) == [
        ("adstock", 1),
        ("carryover", 1),
        ("adstock", 2),
    ]


def test_specs_without_a_fit_stay_on_the_board_with_their_reason() -> None:
    board = build_leaderboard(
        [
            entry_without_fit(ModelSpec("hill_adstock", 2), "missing", "partition never fitted"),
            _entry("adstock", 1, [0.1, 0.2]),
            entry_without_fit(ModelSpec("carryover", 4), "stale", "fitted on other inputs"),
        ],
        _NAIVE,
    )

    assert violations("leaderboard", board).empty
    assert board["status"].tolist() == ["converged", "stale", "missing"]
    assert board["is_champion"].tolist() == [True, False, False]


def test_without_a_converged_spec_the_error_names_every_spec_and_what_to_change() -> None:
    board = build_leaderboard(
        [
            _entry("adstock", 1, [0.1, 0.2], converged=False),
            entry_without_fit(ModelSpec("carryover", 4), "failed", "out of memory"),
        ],
        _NAIVE,
    )

    with pytest.raises(ModelNotConverged) as raised:
        champion_candidates(board)

    message = str(raised.value)
    assert "adstock|1: not_converged: R-hat of retention[a] is 1.20, the limit 1.01" in message
    assert "carryover|4: failed: out of memory" in message
    assert "sampler.warmup" in message


def test_too_few_converged_specs_make_no_champion_and_the_error_names_what_the_others_missed() -> None:
    entries = [
        _entry("adstock", 1, [0.1, 0.2]),
        _entry("carryover", 2, [0.1, 0.2], converged=False),
        entry_without_fit(ModelSpec("carryover", 4), "failed", "out of memory"),
    ]
    board = build_leaderboard(entries, _NAIVE, least_converged=2)

    with pytest.raises(ModelNotConverged) as raised:
        champion_candidates(board, 2)

    message = str(raised.value)
    assert violations("leaderboard", board).empty
    assert not board["is_champion"].any()
    assert "only 1 of 3 specs converged, and ranking.least_converged_specs asks for 2" in message
    assert "carryover|2: not_converged: R-hat of retention[a] is 1.20, the limit 1.01" in message
    assert "carryover|4: failed: out of memory" in message
    assert "adstock|1" not in message


def test_as_many_converged_specs_as_asked_for_make_a_champion() -> None:
    entries = [_entry("adstock", 1, [0.1, 0.2]), _entry("adstock", 2, [0.1, 0.2]), _entry("adstock", 4, [0.1, 0.2])]
    board = build_leaderboard(entries, _NAIVE, least_converged=3)

    assert champion_candidates(board, 3)[0] == "adstock|1"
    assert board["is_champion"].tolist() == [True, False, False]


def test_a_stored_leaderboard_is_held_to_the_policy_in_force_now() -> None:
    lenient = build_leaderboard([_entry("adstock", 1, [0.1, 0.2])], _NAIVE)
    strict = build_leaderboard([_entry("adstock", 1, [0.1, 0.2])], _NAIVE, least_converged=2)

    with pytest.raises(ModelNotConverged, match="asks for 2"):
        champion_candidates(lenient, 2)
    assert champion_candidates(strict, 1)[0] == "adstock|1"


def test_skill_compares_with_the_best_naive_forecast() -> None:
    board = build_leaderboard([_entry("adstock", 1, [0.1, 0.2])], _NAIVE)

    assert board["skill"].tolist() == [pytest.approx(1 - 0.15 / 0.2)]


def test_days_that_mape_leaves_out_are_said() -> None:
    board = build_leaderboard([_entry("adstock", 1, [0.1, float("nan"), 0.3])], _NAIVE)

    assert board.loc[0, "mape"] == pytest.approx(0.2)
    assert "1 holdout period(s) whose KPI is zero" in board.loc[0, "reason"]


def test_a_scored_fit_makes_a_row_that_keeps_the_contract() -> None:
    dataset = market_dataset(days=74)
    fit = synthetic_fit(dataset=dataset.isel(time=slice(0, 60)))
    holdout = dataset.isel(time=slice(60, None))

    naive = score_naive_forecasts([(dataset["kpi"].to_numpy()[:60], holdout["kpi"].to_numpy())])
    board = build_leaderboard([entry_of_fit(fit, score_fit(fit, holdout["media"], holdout["kpi"]))], naive)

    assert violations("leaderboard", board).empty
    assert board.loc[0, "seconds"] == fit.seconds


@pytest.mark.parametrize(("error", "winner"), [("mape", "adstock|1"), ("rmse", "carryover|1"), ("crps", "carryover|1")])
def test_the_chosen_error_decides_places_and_skill(error: RankingError, winner: str) -> None:
    # One large miss costs RMSE more than MAPE; the CRPS is given.
    entries = [
        _entry("adstock", 1, [0.0, 0.0, 0.0, 0.30] * 5, crps=19.0),
        _entry("carryover", 1, [0.10, 0.11, 0.10, 0.11] * 5, crps=5.0),
    ]

    board = build_leaderboard(entries, _NAIVE, error=error)

    assert champion_candidates(board)[0] == winner
    best = board.loc[board["is_champion"]].iloc[0]
    assert best["skill"] == pytest.approx(1 - best[error] / _NAIVE[error].min())


def test_a_lead_that_one_of_two_windows_made_alone_is_a_tie() -> None:
    # Far ahead on the days of one window, a little behind on those of the other: two throws of a coin, not twelve.
    ahead, steady, windows = [0.10] * 6 + [0.21] * 6, [0.20] * 12, [0] * 6 + [1] * 6

    as_days = build_leaderboard([_entry("carryover", 4, ahead), _entry("adstock", 1, steady)], _NAIVE)
    as_windows = build_leaderboard(
        [_entry("carryover", 4, ahead, windows=windows), _entry("adstock", 1, steady, windows=windows)], _NAIVE
    )

    assert champion_candidates(as_days)[0] == "carryover|4"
    assert champion_candidates(as_windows)[0] == "adstock|1"


def test_specs_that_the_errors_hardly_tell_from_the_best_are_rivals() -> None:
    board = build_leaderboard(
        [
            _entry("adstock", 1, [0.10, 0.30, 0.10, 0.30]),
            _entry("carryover", 2, [0.31, 0.11, 0.29, 0.11]),
            _entry("hill_adstock", 4, [0.60, 0.62, 0.61, 0.63]),
            _entry("adstock", 4, [0.10, 0.30, 0.10, 0.30], converged=False),
        ],
        _NAIVE,
    )

    rivals = board.loc[board["is_rival"]]
    assert set(zip(rivals["adstock"], rivals["degrees"], strict=True)) == {("adstock", 1), ("carryover", 2)}


def test_leave_one_out_accuracy_stands_beside_the_errors_with_its_reliability() -> None:
    board = build_leaderboard(
        [
            _entry("adstock", 1, [0.1, 0.2], loo=Loo("unreliable", -310.0, 9.0, 1.2, 3)),
            _entry("carryover", 1, [0.1, 0.2], converged=False, loo=Loo("refused")),
        ],
        _NAIVE,
    ).set_index("adstock")

    assert violations("leaderboard", board.reset_index()).empty
    assert board.loc["adstock", ["elpd_loo", "pareto_k_above", "loo_status"]].tolist() == [-310.0, 3, "unreliable"]
    assert board.loc["carryover", "loo_status"] == "refused"
    assert pd.isna(board.loc["carryover", "elpd_loo"])


def test_weights_go_to_the_rows_of_their_specs() -> None:
    board = build_leaderboard(
        [_entry("adstock", 1, [0.1, 0.2]), _entry("carryover", 1, [0.1, 0.2])], _NAIVE, weights={"carryover|1": 1.0}
    ).set_index("adstock")

    assert board.loc["carryover", "weight"] == 1.0
    assert pd.isna(board.loc["adstock", "weight"])


def test_candidates_come_in_the_order_of_their_places_and_without_those_that_did_not_converge() -> None:
    board = build_leaderboard(
        [
            _entry("hill_adstock", 1, [0.30, 0.31, 0.32]),
            _entry("adstock", 1, [0.10, 0.11, 0.12]),
            _entry("adstock", 2, [0.01, 0.02, 0.01], converged=False),
            _entry("carryover", 1, [0.20, 0.21, 0.22]),
        ],
        _NAIVE,
    )

    assert champion_candidates(board) == ["adstock|1", "carryover|1", "hill_adstock|1"]
    assert champion_candidates(board, 4, accept_unconverged=True) == [
        "adstock|1", "carryover|1", "hill_adstock|1", "adstock|2"
    ]  # fmt: skip


def test_crowning_marks_the_spec_that_is_used_and_no_other() -> None:
    board = build_leaderboard([_entry("adstock", 1, [0.10, 0.11]), _entry("carryover", 1, [0.20, 0.21])], _NAIVE)

    used = crowned(board, "carryover|1")

    assert used.loc[used["is_champion"], "adstock"].tolist() == ["carryover"]
    assert board.loc[board["is_champion"], "adstock"].tolist() == ["adstock"]
