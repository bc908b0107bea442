"""A blocking contract check per table, and what a careful reader would check by hand."""

from __future__ import annotations

import dagster as dg

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.ingestion.rows.campaign_rows import rows_stay_in_bigquery
from mmm_pipeline.ingestion.shapes.row_tables import kpi_table, media_table
from mmm_pipeline.mmm.reasons import told_reasons
from mmm_pipeline.orchestration.assets.fits.fitting import FITTED_MODEL, ROLLING_FITS
from mmm_pipeline.orchestration.checks.narratives import narrative_checks
from mmm_pipeline.orchestration.metadata.table_outputs import preview
from mmm_pipeline.orchestration.metadata.table_preview import for_people
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.orchestration.runs.partitions import spec_keys
from mmm_pipeline.reporting.results.stored import result_tables
from mmm_pipeline.storage.generations import mixed, told
from mmm_pipeline.tables.catalog import CONTRACTS, violations

__all__ = ["CHECKED_BY_SQL", "all_checks"]

# Too large to load: checked by SQL in the warehouse, with the same schema.
CHECKED_BY_SQL = {"media_rows", "kpi_rows", "rejected_rows"}
_PUT_TOGETHER = ("champion_fit", "attribution", "budget_plan", "charts", "decision_report")
"""Where results of several assets meet."""


def all_checks() -> list[dg.AssetChecksDefinition]:
    """Every check of the pipeline."""
    return [
        *(_contract_check(name) for name in CONTRACTS),
        *(_generation_check(name) for name in _PUT_TOGETHER),
        fits_converged,
        champion_beats_naive,
        champion_converged,
        budget_planned,
        advice_is_steady,
        results_are_plausible,
        priors_are_plausible,
        *narrative_checks(),
    ]


def _contract_check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=name,
        name=f"{name}_contract",
        blocking=True,
        description=f"{name} keeps its contract; when it does not, nothing below runs and the rows are shown.",
    )
    def contract(workspace: WorkspaceResource) -> dg.AssetCheckResult:
        warehouse = workspace.warehouse()
        tables = {"media_rows": media_table, "kpi_rows": kpi_table}
        table = tables[name](workspace.settings()) if name in tables else None
        if table is not None and rows_stay_in_bigquery(workspace.settings(), table):
            return dg.AssetCheckResult(
                passed=True, description="the rows stay in BigQuery, where the same rules judged them; sums are checked"
            )
        if name in CHECKED_BY_SQL:
            rows = warehouse.contract_violations(name)
        else:
            rows = violations(name, warehouse.read_table(name, coerce=False))
        return dg.AssetCheckResult(
            passed=rows.empty,
            description=None if rows.empty else f"{len(rows)} or more rows break the contract of {name}",
            metadata={} if rows.empty else {"offending_rows": preview(rows)},
        )

    return contract


def _generation_check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=name,
        name=f"{name}_from_one_generation",
        blocking=True,
        description=f"{name}, and all that it was made from, come from the same data; when they do not, nothing below "
        "runs and what does not belong together is named.",
    )
    def one_generation(workspace: WorkspaceResource) -> dg.AssetCheckResult:
        pairs = mixed(workspace.artifacts(), [name])
        return dg.AssetCheckResult(
            passed=not pairs,
            description=told(workspace.folder().key, pairs) if pairs else "all of it comes from the same data",
            metadata={made: f"made from an earlier {source}" for made, source in pairs},
        )

    return one_generation


@dg.asset_check(
    asset=FITTED_MODEL,
    name="fits_converged",
    description="Every spec of the grid met the R-hat, ESS and divergence thresholds.",
)
def fits_converged(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn about specs that did not converge, naming the parameters; they cannot become champion."""
    artifacts = workspace.artifacts()
    missed: dict[str, str] = {}
    for key in spec_keys(workspace.settings().model):
        # Earlier forecast windows, where rolling origins are asked for, count as much as the last one.
        for name, stored in (
            (FITTED_MODEL, key),
            *((ROLLING_FITS, past) for past in artifacts.keys(ROLLING_FITS, key)),
        ):
            try:
                fit, _ = artifacts.read_fit(name, stored)
            except StoredResultError as error:
                missed[stored] = str(error)
                continue
            if not fit.convergence.converged:
                missed[stored] = told_reasons(fit.convergence.failures)
    return dg.AssetCheckResult(
        passed=not missed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(missed)} fit(s) are missing or did not converge" if missed else "all specs converged",
        metadata={key: dg.MetadataValue.text(why) for key, why in missed.items()},
    )


@dg.asset_check(
    asset="champion_fit",
    name="champion_converged",
    description="The champion's fit on all days met the R-hat, ESS and divergence thresholds, and no better spec's "
    "missed them.",
)
def champion_converged(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn where the results of a quick run rest on a fit that did not converge, or a better spec was passed over."""
    row = workspace.warehouse().read_table("champion_fit").iloc[0]
    spec, told = f"{row['adstock']}|{row['degrees']}", []
    if row["status"] != "converged":
        told.append(f"the champion {spec} did not converge, so its figures may change with every run: {row['reason']}")
    if isinstance(row["passed_over"], str):
        told.append(
            f"{spec} is the champion, as better specs did not converge when refitted on all days: {row['passed_over']}"
        )
    return dg.AssetCheckResult(
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or f"{spec} converged",
        metadata={name: for_people(row[name]) for name in ("rhat_max", "ess_bulk_min", "ess_tail_min")},
    )


@dg.asset_check(
    asset="champion_fit",
    name="champion_beats_naive",
    description="The champion's holdout error is below that of the best forecast without a model.",
)
def champion_beats_naive(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn in plain words when a naive forecast is as good as the best model."""
    from mmm_pipeline.mmm.evaluation.ranking import champion_key, crowned

    warehouse, error = workspace.warehouse(), workspace.settings().ranking.error
    naive = warehouse.read_table("naive_forecasts")
    best = naive.loc[naive["is_best"]].iloc[0]
    board = crowned(warehouse.read_table("leaderboard"), champion_key(warehouse.read_table("champion_fit")))
    row = board.loc[board["is_champion"]].iloc[0]
    passed = bool(row[error] < best[error])
    figures = (
        f"{row['adstock']} with {row['degrees']} degree(s): {_error_text(error, row[error])}; "
        f"the naive forecast {best['forecast']!r}: {_error_text(error, best[error])}"
    )
    if passed:
        told = figures
    elif (board.loc[board["status"] == "converged", "skill"] > 0).any():
        told = f"the champion does not beat the best forecast that needs no model, though another spec does. {figures}"
    else:
        told = (
            "no spec beats the best forecast that needs no model: what they say about channels rests on assumptions "
            f"more than on proof. {figures}"
        )
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata={
            f"champion_{error}": for_people(row[error]),
            f"naive_{error}": for_people(best[error]),
            "skill": for_people(row["skill"]),
        },
    )


@dg.asset_check(
    asset="budget_summary",
    name="budget_planned",
    description="There is a budget plan that meets what the settings ask for.",
)
def budget_planned(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Fail where a plan was asked for that cannot be made; warn where there was nothing to plan from."""
    row = workspace.warehouse().read_table("budget_summary").iloc[0]
    planned, asked = row["verdict"] != "no_plan", row["no_plan"] != "no_spend"
    return dg.AssetCheckResult(
        passed=planned,
        severity=dg.AssetCheckSeverity.ERROR if asked else dg.AssetCheckSeverity.WARN,
        description="there is a plan"
        if planned
        else f"the results are published without a budget plan: {row['reason']}",
    )


def _error_text(name: str, value: float) -> str:
    return f"{name.upper()} {value:.1%}" if name in ("mape", "wape") else f"{name.upper()} {value:.6g}"


@dg.asset_check(
    asset="decision_report",
    name="results_are_plausible",
    description="Media leaves a baseline, the baseline is not negative, and the plan promises no more than the KPI's "
    "own swings.",
)
def results_are_plausible(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn when the results cannot be right, in the words of the report; the plan is not to be acted on then."""
    from mmm_pipeline.reporting.page.summary import plausibility

    found = plausibility(result_tables(workspace))
    reasons = [reason["text"] for reason in found["reasons"]]
    return dg.AssetCheckResult(
        passed=found["verdict"] == "plausible",
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join([found["headline"], *reasons]) if reasons else "nothing speaks against the results",
        metadata={
            f"{reason['code']}: {name}": value
            for reason in found["reasons"]
            for name, value in reason["values"].items()
        },
    )


@dg.asset_check(
    asset="prior_check",
    name="priors_are_plausible",
    description="The priors do not expect media to cause all of the KPI, before any of it is seen.",
)
def priors_are_plausible(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn where the priors cannot be meant, with what to set."""
    from mmm_pipeline.operations.prior_checks import prior_warnings

    told = prior_warnings(workspace.warehouse().read_table("prior_check"), workspace.settings())
    return dg.AssetCheckResult(
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(told) or "the priors leave the KPI a baseline",
    )


@dg.asset_check(
    asset="drift",
    name="advice_is_steady",
    description="No channel's recommendation turned from increase to decrease, or back, without the data saying so.",
)
def advice_is_steady(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Warn about recommendations that flipped since the earlier champion although no posterior supports it."""
    table = workspace.warehouse().read_table("drift")
    flipped = table[table["recommendation"] == "flip_unsupported"]
    turns = [f"{row.channel} ({row.direction_before} before, {row.direction_now} now)" for row in flipped.itertuples()]
    if table.empty:
        told = "no earlier champion was compared with"
    elif turns:
        told = (
            f"the recommendation flipped without the data saying so for {len(turns)} channel(s): {', '.join(turns)}; "
            "leave their spend as it is, or run a lift test"
        )
    else:
        told = f"no unsupported flip since the champion of {table['window_end_before'].iloc[0]:%Y-%m-%d}"
    return dg.AssetCheckResult(
        passed=flipped.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata={} if flipped.empty else {"flipped": preview(flipped)},
    )
