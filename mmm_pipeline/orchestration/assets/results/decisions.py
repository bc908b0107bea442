"""Stage 5: from the champion's posterior to what a marketing team acts on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from mmm_pipeline.operations.budget_requests import budget_request
from mmm_pipeline.operations.plausibility import implausible_sentences
from mmm_pipeline.orchestration.assets.fits.selection import CHAMPION_MODEL
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_asset, table_out
from mmm_pipeline.orchestration.resources.kpi_reading import kpi_reading
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource

if TYPE_CHECKING:
    from mmm_pipeline.mmm.fit.fit import Fit

__all__ = ["attribution", "budget_metadata", "budget_plan", "response_curves", "retention_density"]

_GROUP = "decisions"


def _champion(workspace: WorkspaceResource) -> Fit:
    return workspace.artifacts().read_fit(CHAMPION_MODEL)[0]


@dg.multi_asset(
    outs={
        "attribution": table_out("attribution", group=_GROUP),
        "media_total": table_out("media_total", group=_GROUP),
        "contribution_over_time": table_out("contribution_over_time", group=_GROUP),
    },
    deps=[CHAMPION_MODEL, "media_matrix"],
    name="attribution",
)
def attribution(
    workspace: WorkspaceResource,
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """Contribution, share, ROI and marginal ROI of every channel, with credible intervals."""
    from mmm_pipeline.mmm.response.attribution import attribution as attribution_of
    from mmm_pipeline.reporting.charts.decisions.glance import roi_glance

    settings = workspace.settings()
    fit, _ = workspace.artifacts().read_fit(CHAMPION_MODEL)
    result = attribution_of(
        fit,
        horizon=settings.budget.horizon_periods(fit.data.grid.step),
        count_after_horizon=settings.budget.count_after_horizon,
        credible_interval=settings.report.credible_interval,
        seed=settings.sampler.seed,
    )
    warned = implausible_sentences(fit, settings, media=_only_row(result.total))
    _warn(warned)
    spend, caused = result.table["spend"].sum(), result.table["contribution"].sum()
    reading = kpi_reading(workspace)
    if not reading.is_money:
        result.table["probability_roi_above_1"] = float("nan")
    if reading.doubt:
        dg.get_dagster_logger().warning(reading.doubt)
    return (
        dg.Output(
            result.table,
            metadata={
                "table": preview(result.table, rows=50),
                **_warning(warned),
                "picture": inline_picture(
                    roi_glance(result.table, has_break_even=reading.is_money, warning=_headline(warned)), "roi"
                ),
                "media_share": float(result.table["share"].sum()),
                "roi_of_all_media": float(caused / spend),
                **{
                    f"roi: {channel}": float(roi)
                    for channel, roi in zip(result.table["channel"], result.table["roi"], strict=True)
                },
            },
        ),
        dg.Output(result.total, metadata={**_warning(warned), "table": preview(result.total)}),
        dg.Output(result.over_time),
    )


@table_asset("retention_density", group=_GROUP, deps=[CHAMPION_MODEL])
def retention_density(workspace: WorkspaceResource) -> pd.DataFrame:
    """How long each channel's effect lasts: what was believed before, and after the data."""
    from mmm_pipeline.mmm.response.retention import retention_density as density_of

    return density_of(_champion(workspace), seed=workspace.settings().sampler.seed)


@table_asset("response_curves", group=_GROUP, deps=[CHAMPION_MODEL])
def response_curves(workspace: WorkspaceResource) -> dg.Output[pd.DataFrame]:
    """Expected KPI per day against daily spend, and where today's spend stands."""
    from mmm_pipeline.mmm.response.response_curves import response_curves as curves_of

    settings, fit = workspace.settings(), _champion(workspace)
    curves = curves_of(
        fit,
        horizon=settings.budget.horizon_periods(fit.data.grid.step),
        credible_interval=settings.report.credible_interval,
    )
    return dg.Output(curves, metadata={"today": preview(curves.loc[curves["is_current"]], rows=50)})


@dg.multi_asset(
    outs={
        "budget_plan": table_out("budget_plan", group=_GROUP),
        "budget_summary": table_out("budget_summary", group=_GROUP),
        "reallocation": table_out("reallocation", group=_GROUP),
        "sensitivity": table_out("sensitivity", group=_GROUP),
    },
    deps=[CHAMPION_MODEL],
    name="budget_plan",
)
def budget_plan(
    workspace: WorkspaceResource,
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame], dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """The optimal allocation under the constraints, beside the current one, with its optimality certificate."""
    from mmm_pipeline.errors import InfeasibleBudget
    from mmm_pipeline.mmm.budget.plan import plan_budget, unplanned
    from mmm_pipeline.mmm.sensitivity.evidence import ChannelEvidence, evidence_on
    from mmm_pipeline.reporting.charts.decisions.glance import budget_glance

    settings, fit = workspace.settings(), _champion(workspace)
    request = budget_request(settings.budget, fit.data.grid.step)
    rests_on = ChannelEvidence(fit)
    evidence = {channel: kind for channel, (_, kind) in rests_on.of_channels().items()}
    try:
        plan = plan_budget(fit, request, credible_interval=settings.report.credible_interval, evidence=evidence)
    except InfeasibleBudget as error:
        # What the channels brought is known all the same; the check `budget_planned` says that there is no plan.
        dg.get_dagster_logger().warning(f"there is no budget plan: {error}")
        plan = unplanned(fit, request, error, evidence)
    promised = _only_row(plan.summary)
    warned = implausible_sentences(fit, settings, promised if promised["verdict"] != "no_plan" else None)
    _warn(warned)
    verdict = budget_metadata(promised, warned)["verdict"]
    dg.get_dagster_logger().info(
        f"plan over {promised['horizon']} days: {str(verdict).replace('_', ' ')}, uplift "
        f"{promised['uplift']:,.4g} ({promised['uplift_low']:,.4g} to {promised['uplift_high']:,.4g})"
    )
    sensitivity = evidence_on(rests_on, plan.uplift)
    opinions = sensitivity.loc[(sensitivity["quantity"] == "roi") & (sensitivity["evidence"] == "prior"), "channel"]
    picture = inline_picture(budget_glance(plan.table, _headline(warned)), "budget")
    return (
        dg.Output(plan.table, metadata={**_warning(warned), "table": preview(plan.table, rows=50), "picture": picture}),
        dg.Output(plan.summary, metadata={"table": preview(plan.summary), **budget_metadata(promised, warned)}),
        dg.Output(plan.reallocation, metadata={**_warning(warned), "table": preview(plan.reallocation, rows=50)}),
        dg.Output(
            sensitivity,
            metadata={"table": preview(sensitivity, rows=60), "channels_by_opinion": len(opinions)},
        ),
    )


def budget_metadata(row: Mapping[str, Any], implausible: Sequence[str] = ()) -> dict[str, float | str]:
    """What the UI plots of a plan over time; a gap only where there is a certificate.

    Args:
        row: of the contract `budget_summary`.
        implausible: why the results behind the plan cannot be right, if so; the verdict is that, then.
    """
    figures = {name: float(row[name]) for name in ("uplift", "probability_of_gain", "optimality_gap")}
    return {
        **{name: value for name, value in figures.items() if math.isfinite(value)},
        "certificate": str(row["certificate"]),
        "verdict": "implausible" if implausible and row["verdict"] != "no_plan" else str(row["verdict"]),
        **_warning(implausible),
    }


def _warning(implausible: Sequence[str]) -> dict[str, str]:
    return {"warning": " ".join(implausible)} if implausible else {}


def _headline(implausible: Sequence[str]) -> str:
    return implausible[0] if implausible else ""


def _warn(implausible: Sequence[str]) -> None:
    """Into the event log, where whoever looks at the run reads it."""
    if implausible:
        dg.get_dagster_logger().warning(" ".join(implausible))


def _only_row(table: pd.DataFrame) -> dict[str, Any]:
    return {str(column): value for column, value in table.iloc[0].to_dict().items()}
