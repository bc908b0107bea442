"""One small market, taken through the whole pipeline once for all tests of this folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from mmm_pipeline.mmm.simulation.simulate import market_rows, simulate_market
from mmm_pipeline.orchestration.headless import RunOutcome, RunStep, build_definitions, refresh
from mmm_pipeline.orchestration.runs.coordination import REFRESH_JOB
from mmm_pipeline.orchestration.runs.partitions import FITTED_MODEL, spec_assets
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.reporting.gemini.stand_in import serve

FAKE_SECRETS = {
    "GEMINI_API_KEY": "fake-key-0123456789",
    "MMM_WEBHOOK_URL": "http://127.0.0.1:9/hook/fake-webhook-token",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/fake-service-account-key.json",
    "DAGSTER_PG_PASSWORD": "fake-postgres-password",
}

UP_TO_THE_CHAMPION = (
    "media_rows", "kpi_rows", "rejected_rows", "campaign_totals", "media_matrix", "market_matrix", "kpi_series",
    "model_inputs",
    "excluded_channels", "fitted_model", "leaderboard", "naive_forecasts", "rolling_origins", "champion_model",
)  # fmt: skip


def small_settings(source: Path, **changes: object) -> Settings:
    """Settings with which the whole grid fits in seconds; few draws, and thresholds that few draws meet."""
    content: dict[str, object] = {
        "source": {"kind": "file", "path": str(source)},
        "sampler": {"chains": 2, "warmup": 150, "draws": 100, "max_escalations": 0, "max_tree_depth": 6},
        "convergence": {"rhat_max": 1.5, "ess_min": 5, "divergence_share_max": 1.0},
        "report": {"languages": ["en", "ko"]},
    }
    return parse_settings({**content, **changes})


@pytest.fixture(scope="session")
def small_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Campaign rows of a simulated market: 3 channels, 84 days."""
    path = tmp_path_factory.mktemp("source") / "campaigns.csv"
    market_rows(simulate_market(channels=3, days=84, seed=1)).to_csv(path, index=False)
    return path


@dataclass(frozen=True)
class SmallRun:
    home: Home
    settings: Settings
    outcome: RunOutcome
    steps: tuple[RunStep, ...]


@pytest.fixture(scope="session")
def small_run(small_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A finished run over the small market, with secrets all around and a Gemini that refuses the key."""
    home = Home(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch, serve() as gemini:
        for name, value in {**FAKE_SECRETS, "MMM_GEMINI_BASE_URL": gemini.url, "no_proxy": "127.0.0.1"}.items():
            patch.setenv(name, value)
        run = run_into(home, small_settings(small_campaign, storage={"results": str(copies_of(home))}))
        assert set(gemini.keys) == {FAKE_SECRETS["GEMINI_API_KEY"]}
    return run


def copies_of(home: Home) -> Path:
    """Where the small run's results are copied to."""
    return home.root.with_name(f"{home.root.name}-copies")


def keys_of(names: tuple[str, ...], settings: Settings) -> list[dg.AssetKey]:
    """Keys of assets; with the grid come its specs."""
    specs = list(spec_assets(settings.model)) if FITTED_MODEL in names else []
    return [*map(dg.AssetKey, names), *specs]


def run_into(home: Home, settings: Settings, *, replace: bool = False) -> SmallRun:
    """Refresh a home, without leaving its path in the environment."""
    before = dict(os.environ)
    steps: list[RunStep] = []
    try:
        outcome = refresh(home, settings, steps.append, replace=replace)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return SmallRun(home, settings, outcome, tuple(steps))


def run_some(
    home: Home,
    settings: Settings,
    assets: tuple[str, ...] = UP_TO_THE_CHAMPION,
    *,
    instance: dg.DagsterInstance | None = None,
    run_id: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Refresh some assets only: charts and reports are most of a small run."""
    home.prepare()
    job = build_definitions(home, home.remember_settings(settings)).resolve_job_def(REFRESH_JOB)
    return job.execute_in_process(
        asset_selection=keys_of(assets, settings),
        partition_key=settings.calendar.present().key,
        raise_on_error=False,
        instance=instance,
        run_id=run_id,
    )
