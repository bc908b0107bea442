"""Which spec decisions rest on, when refits on all the data do not converge; on stored posteriors."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from mmm_pipeline.errors import ModelNotConverged, StoredResultError
from mmm_pipeline.mmm.data.model_data import model_data
from mmm_pipeline.mmm.evaluation.ranking import Entry, build_leaderboard
from mmm_pipeline.mmm.evaluation.scores import HoldoutScore
from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL, champion_fit, champion_model
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.checks.contracts import champion_converged
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_NAIVE = pd.DataFrame({"forecast": ["mean"], "mape": [0.2]})
_MISSES: dict[str, float] = {"adstock": 0.1, "carryover": 0.2, "hill_adstock": 0.3}


@pytest.fixture
def workspace(tmp_path: Path) -> RunWorkspace:
    config = tmp_path / "pipeline.yaml"
    config.write_text("model: {degrees: [1]}\n", encoding="utf-8")
    return RunWorkspace(root=str(tmp_path), config=str(config))


def _quick(workspace: RunWorkspace) -> RunWorkspace:
    return dataclasses.replace(workspace, quick=True)


def _board(**converged: bool) -> pd.DataFrame:
    """A leaderboard in the order of `_MISSES`, where these specs converged on the train window."""
    observed, yes = np.full(5, 100.0), np.ones(5, dtype=bool)
    entries = []
    for adstock, miss in _MISSES.items():
        fit = synthetic_fit(adstock, draws=4, converged=converged.get(adstock, True))
        score = HoldoutScore(observed, observed * (1 + miss), np.ones(5), yes, yes, np.zeros(5, dtype=int))
        entries.append(Entry(fit.spec, score, fit.convergence, None, 1, 1.0))
    return build_leaderboard(entries, _NAIVE)


def _refits(workspace: RunWorkspace, **converged: bool) -> None:
    """Stored fits on all days, as a run that ended too early would have left them."""
    settings, data = workspace.settings(), model_data(market_dataset())
    for adstock, did in converged.items():
        fingerprint = fit_fingerprint(spec_of_key(settings, f"{adstock}|1", data), data, settings)
        fit = synthetic_fit(adstock, draws=4, converged=did)  # type: ignore[arg-type]
        workspace.artifacts().write_fit("champion_refits", fit, fingerprint=fingerprint, key=f"{adstock}|1")


def _chosen(workspace: RunWorkspace, board: pd.DataFrame) -> pd.Series:
    champion_model(
        context=dg.build_asset_context(), leaderboard=board, model_inputs=market_dataset(), workspace=workspace
    )
    table = champion_fit(leaderboard=board, workspace=workspace).value
    assert violations("champion_fit", table).empty
    workspace.warehouse().write_table("champion_fit", table)
    return table.iloc[0]


def test_the_next_spec_that_converges_is_used_and_the_better_one_is_named(workspace: RunWorkspace) -> None:
    _refits(workspace, adstock=False, carryover=True)

    row = _chosen(workspace, _board())

    assert (row["adstock"], row["rank"], row["status"]) == ("carryover", 2, "converged")
    assert row["passed_over"].startswith("adstock|1: ")
    assert workspace.artifacts().read_fit(CHAMPION_MODEL)[0].spec.key == "carryover|1"
    check = champion_converged(workspace=workspace)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "better specs did not converge when refitted on all days: adstock|1" in str(check.description)


def test_the_first_place_is_used_where_it_converges(workspace: RunWorkspace) -> None:
    _refits(workspace, adstock=True)

    row = _chosen(workspace, _board())

    assert (row["adstock"], row["status"], row["passed_over"]) == ("adstock", "converged", None)
    assert champion_converged(workspace=workspace).passed
    assert not workspace.artifacts().has("champion_refits", "adstock|1")


def test_a_full_run_gives_up_when_no_refit_converges_and_leaves_the_earlier_champion(workspace: RunWorkspace) -> None:
    _refits(workspace, adstock=False, carryover=False, hill_adstock=False)

    with pytest.raises(ModelNotConverged, match=r"3 spec\(s\) converged on the train window, but not when refitted"):
        _chosen(workspace, _board())

    with pytest.raises(StoredResultError):
        workspace.artifacts().read_fit(CHAMPION_MODEL)


def test_a_quick_run_goes_on_with_a_fit_that_did_not_converge_and_says_so(workspace: RunWorkspace) -> None:
    workspace = _quick(workspace)
    _refits(workspace, adstock=False)

    row = _chosen(workspace, _board())

    assert (row["adstock"], row["rank"], row["status"]) == ("adstock", 1, "not_converged")
    assert "adstock|1 did not converge" in str(champion_converged(workspace=workspace).description)


def test_a_quick_run_goes_on_when_no_spec_converged_at_all(workspace: RunWorkspace) -> None:
    workspace = _quick(workspace)
    _refits(workspace, adstock=False)

    row = _chosen(workspace, _board(adstock=False, carryover=False, hill_adstock=False))

    assert row["adstock"] == "adstock"
    assert pd.isna(row["rank"])
    assert row["status"] == "not_converged"
