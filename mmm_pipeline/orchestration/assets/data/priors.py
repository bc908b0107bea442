"""Before the first fit: what is believed of media, in figures that can be questioned."""

# Dagster reads the type of `context` itself, so annotations are not postponed here.
from typing import Any

import dagster as dg
import pandas as pd

from mmm_pipeline.operations.prior_checks import prior_sentence, prior_warnings
from mmm_pipeline.orchestration.assets.fits.specs import checked_priors
from mmm_pipeline.orchestration.assets.reporting.pictures import inline_picture
from mmm_pipeline.orchestration.metadata.table_outputs import preview, table_out
from mmm_pipeline.orchestration.resources.workspace import WorkspaceResource
from mmm_pipeline.text_safety.printable import printable

_GROUP = "inputs"


@dg.multi_asset(
    outs={"prior_check": table_out("prior_check", group=_GROUP), "prior_kpi": table_out("prior_kpi", group=_GROUP)},
    name="prior_check",
)
def prior_check(
    context: dg.AssetExecutionContext, model_inputs: Any, workspace: WorkspaceResource
) -> tuple[dg.Output[pd.DataFrame], dg.Output[pd.DataFrame]]:
    """What the priors imply for the share of media, every ROI and the daily KPI."""
    from mmm_pipeline.reporting.charts.decisions.glance import prior_glance

    settings = workspace.settings()
    table, series = checked_priors(settings, model_inputs)
    for warning in prior_warnings(table, settings):
        context.log.warning(printable(warning))
    together = table.loc[table["channel"].isna()]
    told = [prior_sentence({str(name): row[name] for name in row}, settings) for row in together.to_dict("records")]
    picture = inline_picture(prior_glance(series.loc[series["adstock"] == series["adstock"].iloc[0]]), "priors")
    return (
        dg.Output(
            table,
            metadata={
                "table": preview(table, rows=50),
                "told": told[0],
                "picture": picture,
                "media_share": float(together["share"].max()),
                "probability_above_kpi": float(together["probability_above_kpi"].max()),
            },
        ),
        dg.Output(series),
    )
