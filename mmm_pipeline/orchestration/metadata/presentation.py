"""How the assets introduce themselves in the UI: the question that each answers, readers, owners, column lineage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import dagster as dg

from mmm_pipeline.orchestration.metadata.lineage import column_lineage
from mmm_pipeline.orchestration.runs.partitions import FITTED_MODEL
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.tables.catalog import CONTRACTS, about
from mmm_pipeline.tables.parts import DATA_ENGINEERS, MARKETING, STATISTICIANS

__all__ = ["presented", "question_of"]

_SPEC = "How well does this way of explaining sales by media fit, and how well does it forecast?"
_ENGINE = "What does another MMM engine make of the same data?"

OTHER_ASSETS: Mapping[str, tuple[str, str]] = {
    "landed_campaigns": (DATA_ENGINEERS, "Has this week's export arrived in the campaign table?"),
    "model_inputs": (STATISTICIANS, "What exactly do the models learn from, and which days are kept to test them?"),
    "eda_profile": (MARKETING, "What stands out in the data before any model?"),
    FITTED_MODEL: (
        STATISTICIANS,
        "Ways of explaining sales by media: how the effect of media builds up and fades (adstock) × how finely the "
        "season is drawn (degrees). Which of them could be fitted?",
    ),
    "champion_model": (STATISTICIANS, "The model that decisions rest on."),
    "charts": (MARKETING, "All pictures of the report."),
    "eda_report": (MARKETING, "What should be known about the data?"),
    "chart_report": (MARKETING, "What does each channel bring?"),
    "budget_report": (MARKETING, "What to do with the next budget?"),
    "model_advice": (STATISTICIANS, "What would make the next model better?"),
    "decision_report": (MARKETING, "The report to send."),
    "budget_scenario": (MARKETING, "What if the budget were another one?"),
}
"""Assets that are no tables -> who reads each, and its question, in the words of whoever asks."""


def question_of(asset: str, engines: Collection[str] = ()) -> tuple[str, str]:
    """Who reads an asset, and the question that it answers.

    Args:
        asset: its name.
        engines: names of the assets that are other engines' answers.

    Raises:
        LookupError: nobody has said what the asset is for; the pipeline does not load then.
    """
    if asset in CONTRACTS:
        return about(asset).readers, about(asset).question
    if asset.startswith(f"{FITTED_MODEL}/"):
        return STATISTICIANS, _SPEC
    if asset in engines:
        return STATISTICIANS, _ENGINE
    if asset not in OTHER_ASSETS:
        raise LookupError(f"asset {asset!r} has no question: give its table one, or add it to OTHER_ASSETS")
    return OTHER_ASSETS[asset]


def presented(
    assets: Sequence[dg.AssetsDefinition],
    settings: Settings,
    *,
    engines: Collection[str] = (),
    partitions: dg.PartitionsDefinition | None = None,
    version: Callable[[str | None], str],
) -> list[dg.AssetsDefinition]:
    """The assets with partitions, question, readers, owners, icon, code version and column lineage added.

    Args:
        assets: of the pipeline.
        settings: in force.
        engines: names of the assets that are other engines' answers.
        partitions: of all of them; None: they have none.
        version: code version of the assets of a group.

    Raises:
        LookupError: an asset has no question.
    """

    def introduced(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        readers, question = question_of(name, engines)
        lineage = column_lineage(name)
        more: dict[str, Any] = {"dagster/column_lineage": lineage} if lineage is not None else {}
        return spec.replace_attributes(
            description=f"{question}\n\n{spec.description}" if spec.description else question,
            owners=[*spec.owners, *settings.schedule.owners],
            kinds=spec.kinds | ({settings.warehouse.kind} if name in CONTRACTS else set()),
            tags={**spec.tags, "readers": readers.replace(" ", "-")},
            code_version=version(spec.group_name),
            metadata={**spec.metadata, **more},
            partitions_def=partitions,
        )

    return [asset.map_asset_specs(introduced) for asset in assets]
