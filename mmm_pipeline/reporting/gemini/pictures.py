"""The pictures that go with a question, under the names that are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmm_pipeline.reporting.charts.catalog import Chart, draw_charts
from mmm_pipeline.reporting.charts.stored import stored_charts
from mmm_pipeline.reporting.gemini.disguise import Disguise
from mmm_pipeline.reporting.gemini.questions import QUESTIONS
from mmm_pipeline.reporting.gemini.request import Image
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.scratch import scratch_folder

__all__ = ["pictures", "stored_pictures"]


def pictures(name: str, disguise: Disguise, drawn: Sequence[Chart], language: Language) -> list[Image]:
    """Those of the charts that the question `name` is asked with.

    Where names are replaced by codes, the charts are drawn again with the codes, because names stand in them.

    Raises:
        OSError: a chart cannot be read.
    """
    wanted = QUESTIONS[name].charts
    if not wanted:
        return []
    if not disguise.tables.settings.gemini.channel_codes:
        return [_image(chart) for chart in drawn if chart.name in wanted]
    with scratch_folder("pictures") as folder:
        return [_image(chart) for chart in draw_charts(disguise.tables, folder, language, names=wanted)]


def stored_pictures(artifacts: ArtifactStore) -> Callable[[str, Disguise, Language], Sequence[Image]]:
    """What gives a narrative its pictures; charts are read only where they are sent."""

    def give(name: str, disguise: Disguise, language: Language) -> Sequence[Image]:
        with scratch_folder("narratives") as folder:
            drawn = stored_charts(artifacts, language, folder) if QUESTIONS[name].charts else []
            return pictures(name, disguise, drawn, language)

    return give


def _image(chart: Chart) -> Image:
    return Image(chart.name, f"{chart.title}. {chart.caption}", chart.path.read_bytes())
