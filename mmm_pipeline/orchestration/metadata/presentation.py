"""How the assets introduce themselves in the UI: the question that each answers, readers, owners, column lineage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg

from mmm_pipeline.orchestration.metadata.lineage import column_lineage
from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.tables.catalog import CONTRACTS, about
from mmm_pipeline.tables.parts import DATA_ENGINEERS, MARKETING, STATISTICIANS

__all__ = ["presented", "question_of"]

_ENGINE = "What does another MMM engine make of the same data?"

OTHER_ASSETS: Mapping[str, tuple[str, str]] = {
    "landed_campaigns": (DATA_ENGINEERS, "Has this week's export arrived in the campaign table?"),
    "model_inputs": (STATISTICIANS, "What exactly do the models learn from, and which days are kept to test them?"),
    "eda_profile": (MARKETING, "What stands out in the data before any model?"),
    "fitted_model": (
        STATISTICIANS,
        "Nine ways of explaining sales by media. Each partition is one: how the effect of media builds up and fades "
        "(adstock) × how finely the season is drawn (degrees).",
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
    if asset in engines:
        return STATISTICIANS, _ENGINE
    if asset not in OTHER_ASSETS:
        raise LookupError(f"asset {asset!r} has no question: give its table one, or add it to OTHER_ASSETS")
    return OTHER_ASSETS[asset]


def presented(
    assets: Sequence[dg.AssetsDefinition], settings: Settings, engines: Collection[str] = ()
) -> list[dg.AssetsDefinition]:
    """The assets with question, readers, owners, the warehouse's icon and column lineage added to what they have.

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
            metadata={**spec.metadata, **more},
        )

    return [asset.map_asset_specs(introduced) for asset in assets]
