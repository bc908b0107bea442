"""What a run says of fits that it could reuse, on stored posteriors."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.mmm.data.model_data import train_data
from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL, build_fitted_model, build_spec_assets
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, spec_of_key
from mmm_pipeline.orchestration.resources.io_managers import NetcdfIOManager
from mmm_pipeline.orchestration.resources.workspace import RunWorkspace
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

_SETTINGS = """
model: {adstocks: [adstock], degrees: [1, 2]}
sampler: {chains: 2, warmup: 20, draws: 10, max_escalations: 0, max_tree_depth: 3}
"""
_ALL_REUSED = "data and settings are those of the last fits: all 2 were reused, none was drawn"


@pytest.fixture
def workspace(tmp_path: Path) -> RunWorkspace:
    """Model inputs, and a stored fit of exactly them for both specs of the grid."""
    config = tmp_path / "pipeline.yaml"
    config.write_text(_SETTINGS, encoding="utf-8")
    workspace = RunWorkspace(root=str(tmp_path), config=str(config))
    settings, artifacts, dataset = (
        workspace.settings(),
        workspace.artifacts(),
        market_dataset().assign_attrs(holdout_start="2025-04-15"),
    )
    artifacts.write_dataset("model_inputs", dataset)
    data = train_data(artifacts.read_dataset("model_inputs"))
    for key in ("adstock|1", "adstock|2"):
        fingerprint = fit_fingerprint(spec_of_key(settings, key, data), data, settings)
        artifacts.write_fit(FITTED_MODEL, synthetic_fit(draws=20), fingerprint=fingerprint, key=key)
    return workspace


def _log_of_a_run(workspace: RunWorkspace) -> list[str]:
    model = workspace.settings().model
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [
                dg.AssetSpec("model_inputs").with_io_manager_key("arrays"),
                *build_spec_assets(model),
                build_fitted_model(model),
            ],
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets("model_inputs"),
            resources={"workspace": workspace, "arrays": NetcdfIOManager(workspace=workspace)},
            instance=instance,
        )
        return [entry.user_message for entry in instance.all_logs(result.run_id)]


def test_a_run_on_unchanged_data_says_once_that_every_fit_was_reused(workspace: RunWorkspace) -> None:
    assert _log_of_a_run(workspace).count(_ALL_REUSED) == 1


def test_a_run_that_had_to_draw_one_fit_does_not_say_so(workspace: RunWorkspace) -> None:
    workspace.artifacts().remove(FITTED_MODEL, "adstock|2")
    log = _log_of_a_run(workspace)
    assert _ALL_REUSED not in log
    assert "adstock|1: inputs and settings are unchanged, the stored fit is reused" in log
