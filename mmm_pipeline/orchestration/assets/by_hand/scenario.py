"""A what-if budget that can be launched by hand; no part of the refresh."""

# Dagster reads the types of `context` and the resources itself, so annotations are not postponed here.
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.assets.results.decisions import budget_metadata
from mmm_pipeline.orchestration.metadata.table_outputs import preview
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource

if TYPE_CHECKING:
    from mmm_pipeline.operations.scenario import ScenarioOptions

__all__ = ["BUDGET_SCENARIO", "budget_scenario", "checked_scenario"]

BUDGET_SCENARIO = "budget_scenario"


# Plain types: those of `dg.Config` also take {env: NAME}, which would put any secret of the environment into the run.
_OPTIONS = {
    "name": dg.Field(
        str, default_value="", description="name of the scenario: letters, digits, _ and -; empty: the time of the run"
    ),
    "budget": dg.Field(
        str,
        default_value="",
        description="120% of what the last horizon cost, or an amount; empty: as in pipeline.yaml",
    ),
    "lock": dg.Field([str], default_value=[], description="channels that keep their current spend"),
    "bounds": dg.Field(
        [str],
        default_value=[],
        description="0.5:2 for all channels, or CHANNEL=0.8:1.5 for one; multiples of today",
    ),
    "target_kpi": dg.Field(
        dg.Noneable(float),
        default_value=None,
        description="instead of a budget: the cheapest plan that reaches this KPI",
    ),
    "target_roi": dg.Field(
        dg.Noneable(float),
        default_value=None,
        description="instead of a budget: spend until the next unit brings no more KPI than this",
    ),
    "horizon": dg.Field(
        dg.Noneable(int), default_value=None, description="length of the plan in periods; empty: as in pipeline.yaml"
    ),
}
"""What differs from the budget settings in force. Everything is optional; at most one budget or target."""


def _options(given: Mapping[str, Any]) -> "ScenarioOptions":
    """What the launchpad says."""
    from mmm_pipeline.operations.scenario import ScenarioOptions

    return ScenarioOptions(**{**given, "lock": tuple(given["lock"]), "bounds": tuple(given["bounds"])})


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Raises SettingsError when a value cannot be read."""
    from mmm_pipeline.operations.scenario import check_options

    check_options(_options(given))
    return {"ops": {BUDGET_SCENARIO: {"config": dict(given)}}}


checked_scenario = dg.ConfigMapping(config_schema=_OPTIONS, config_fn=_checked)
"""The launchpad of the job `scenario`: a value that cannot be read is refused before a run is created."""


@dg.asset(
    name=BUDGET_SCENARIO,
    deps=[CHAMPION_MODEL],
    group_name="scenarios",
    kinds={"matplotlib"},
    config_schema=_OPTIONS,
    description="A what-if budget from the saved champion, in seconds. Launch it with other options; the live plan and "
    "the results of the last run stay as they are. Files: results/scenarios/NAME.",
)
def budget_scenario(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Plan, write and show one scenario."""
    from mmm_pipeline.operations import scenario

    settings, folder = workspace.settings(), workspace.folder()
    options = _options(context.op_execution_context.op_config)
    scenario.check_feasible(folder, settings, options)
    planned = scenario.plan_scenario(scenario.read_champion(folder, settings), settings, options)
    written = scenario.publish_scenario(workspace.home, settings, planned)
    if planned.implausible:
        dg.get_dagster_logger().warning(" ".join(planned.implausible))
    return dg.MaterializeResult(
        metadata={
            "plan": preview(planned.table, rows=50),
            **({"notes": "\n".join(planned.notes)} if planned.notes else {}),
            "reallocation": preview(planned.reallocation, rows=50),
            "total": float(planned.summary["total"]),
            "expected_kpi": float(planned.summary["expected_kpi_optimal"]),
            **budget_metadata(planned.summary, planned.implausible),
            "picture": inline_picture((written / "scenario.png").read_bytes(), "scenario"),
            "folder": dg.MetadataValue.path(str(written)),
        }
    )
