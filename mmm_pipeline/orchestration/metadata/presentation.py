"""How the assets introduce themselves in the UI: the question that each answers, readers, owners, column lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.tables.catalog import CONTRACTS
from mmm_pipeline.tables.lineage import column_lineage

__all__ = ["QUESTIONS", "presented"]

_ENGINE = "What does another MMM engine make of the same data?"
_DATA, _MARKETING, _STATISTICS = "data engineers", "marketing", "statisticians"

QUESTIONS: Mapping[str, tuple[str, str]] = {
    "landed_campaigns": (_DATA, "Has this week's export arrived in the campaign table?"),
    "raw_campaigns": (_DATA, "Which campaign rows count?"),
    "rejected_rows": (_DATA, "Which rows were left out, and what is wrong with each?"),
    "campaign_totals": (_DATA, "How much spend and how many sales are in the data, by channel, brand and marketplace?"),
    "media_matrix": (_DATA, "What was bought in each channel, and what was sold, day by day?"),
    "market_matrix": (_DATA, "The same for every market by itself."),
    "model_inputs": (_STATISTICS, "What exactly do the models learn from, and which days are kept to test them?"),
    "excluded_channels": (_MARKETING, "About which channels can nothing be said, and why?"),
    "eda_profile": (_MARKETING, "What stands out in the data before any model?"),
    "fitted_model": (
        _STATISTICS,
        "Nine ways of explaining sales by media. Each partition is one: how the effect of media builds up and fades "
        "(adstock) × how finely the season is drawn (degrees).",
    ),
    "leaderboard": (
        _MARKETING,
        "Which of the nine models forecasts best, and is it better than a forecast without any model? If skill is 0 or "
        "less, read everything below as *we do not know yet*.",
    ),
    "naive_forecasts": (_MARKETING, "How good is a forecast that knows nothing about media?"),
    "rolling_origins": (_STATISTICS, "Does a model win in several test periods, or was it lucky in one?"),
    "forecast": (_MARKETING, "What did the best model expect of the days that it had not seen, and what happened?"),
    "champion_model": (_STATISTICS, "The model that decisions rest on."),
    "champion_fit": (_MARKETING, "Which model do decisions rest on, and did its fit on all days converge?"),
    "spec_agreement": (_MARKETING, "Would another model that is about as good say something else about a channel?"),
    "averaged_attribution": (_STATISTICS, "What do the good models say of the channels on average?"),
    "attribution": (
        _MARKETING,
        "What did each channel bring per unit of spend, how sure is that, and what would the next unit bring?",
    ),
    "contribution_over_time": (_MARKETING, "How much of each day's sales came from which channel?"),
    "attribution_by_market": (_MARKETING, "What did each channel bring in each market?"),
    "contribution_over_time_by_market": (
        _MARKETING,
        "How much of each day's sales came from which channel, by market?",
    ),
    "retention_density": (_STATISTICS, "How long does a channel's effect last?"),
    "response_curves": (_MARKETING, "What would a channel bring at other spends, and where does it stand today?"),
    "response_curves_by_market": (_MARKETING, "What would a channel bring at other spends, market by market?"),
    "predictive_pit": (_STATISTICS, "Do real days look like days that the model would have produced?"),
    "predictive_distribution": (_STATISTICS, "Do real days have the spread that the model expects?"),
    "prior_posterior_density": (_STATISTICS, "What was assumed of each channel's ROI, and what did the data add?"),
    "worst_parameter_draws": (_STATISTICS, "Did the sampler do its work where it is hardest?"),
    "budget_plan": (_MARKETING, "How much should each channel get next, within the limits that were set?"),
    "budget_summary": (_MARKETING, "What would the plan gain, and how sure is that?"),
    "reallocation": (_MARKETING, "From which channel to which does money move?"),
    "engine_comparison": (_STATISTICS, "Do other MMM engines say the same of each channel?"),
    "engine_scores": (_STATISTICS, "Which engine forecasts best, and at what cost?"),
    "drift": (_MARKETING, "What changed since the last refresh, and did the data or only chance change it?"),
    "charts": (_MARKETING, "All pictures of the report."),
    "eda_report": (_MARKETING, "What should be known about the data?"),
    "chart_report": (_MARKETING, "What does each channel bring?"),
    "budget_report": (_MARKETING, "What to do with the next budget?"),
    "model_advice": (_STATISTICS, "What would make the next model better?"),
    "decision_report": (_MARKETING, "The report to send."),
    "budget_scenario": (_MARKETING, "What if the budget were another one?"),
    "replay": (_MARKETING, "Had we asked earlier, would forecast and advice have been right?"),
    "replay_channels": (_MARKETING, "Had we asked earlier, what would have been said of each channel?"),
}
"""Asset -> who reads it, and the question that it answers, in the words of whoever asks."""


def presented(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets with question, readers, owners, the warehouse's icon and column lineage added to what they have."""

    def introduced(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        readers, question = QUESTIONS.get(name, (_STATISTICS, _ENGINE))
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
