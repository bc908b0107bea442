"""What the stored fits of the grid say together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.mmm.evaluation.ranking import Entry, build_leaderboard
from mmm_pipeline.mmm.evaluation.scores import HoldoutScore
from mmm_pipeline.orchestration.assets.fits.agreement import spec_agreement
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_NAIVE = pd.DataFrame({"forecast": ["mean"], "mape": [0.2]})


@pytest.fixture
def workspace(tmp_path: Path) -> RunWorkspace:
    made = RunWorkspace(root=str(tmp_path), config=None)
    day = {"date": [pd.Timestamp("2025-01-01")]}
    media = pd.DataFrame({**day, "channel": ["A"], "kind": ["paid"], "media_units": [1.0], "spend": [100.0]})
    sold = pd.DataFrame({**day, "market": pd.Series([None], dtype=object), "kpi": [300.0]})
    made.warehouse().write_tables({"media_matrix": media, "kpi_series": sold})
    return made


def _entry(workspace: RunWorkspace, adstock: str, miss: float, *, converged: bool = True) -> Entry:
    """Store a fit, and say that its forecasts miss by this share every day."""
    fit = synthetic_fit(adstock, draws=50, converged=converged)
    workspace.artifacts().write_fit("fitted_model", fit, fingerprint="0" * 32, key=fit.spec.key)
    observed, yes = np.full(5, 100.0), np.ones(5, dtype=bool)
    score = HoldoutScore(observed, observed * (1 + miss), np.ones(5), yes, yes, np.zeros(5, dtype=int))
    return Entry(fit.spec, score, fit.convergence, None, 1, 1.0)


def _said(workspace: RunWorkspace, board: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    champion = board.loc[[board["mape"].idxmin()], ["adstock", "degrees"]]
    agreement, averaged = spec_agreement(leaderboard=board, champion_fit=champion, workspace=workspace)
    for name, output in (("spec_agreement", agreement), ("averaged_attribution", averaged)):
        assert violations(name, output.value).empty
    return agreement.value, averaged.value


def test_specs_that_predict_as_well_are_compared_and_worse_ones_are_not(workspace: RunWorkspace) -> None:
    entries = [
        _entry(workspace, "adstock", 0.1),
        _entry(workspace, "carryover", 0.1),
        _entry(workspace, "hill_adstock", 0.3),
    ]

    agreement, averaged = _said(workspace, build_leaderboard(entries, _NAIVE))

    assert set(agreement["specs"]) == {2}
    assert "hill_adstock|1" not in set(agreement["spec_lowest"]) | set(agreement["spec_highest"])
    assert averaged.empty


def test_weights_make_an_average_over_their_specs(workspace: RunWorkspace) -> None:
    entries = [_entry(workspace, "adstock", 0.1), _entry(workspace, "hill_adstock", 0.3)]
    weights = {"adstock|1": 0.4, "hill_adstock|1": 0.6}

    agreement, averaged = _said(workspace, build_leaderboard(entries, _NAIVE, weights=weights))

    assert agreement["verdict"].tolist() == ["single_spec"] * 3
    fits = {entry.spec.key: synthetic_fit(entry.spec.adstock, draws=50) for entry in entries}
    expected = sum(
        weight * fits[key].contributions().sum("time").mean(("chain", "draw")).to_numpy()
        for key, weight in weights.items()
    )
    np.testing.assert_allclose(averaged["contribution"], expected)


def test_the_champion_of_a_quick_run_in_which_no_spec_converged_stands_alone(workspace: RunWorkspace) -> None:
    agreement, averaged = _said(
        workspace, build_leaderboard([_entry(workspace, "adstock", 0.1, converged=False)], _NAIVE)
    )

    assert agreement["verdict"].tolist() == ["single_spec"] * 3
    assert averaged.empty
