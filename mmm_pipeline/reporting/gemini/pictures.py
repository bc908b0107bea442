"""The pictures that go with a question, under the names that are sent."""

from __future__ import annotations

from collections.abc import Sequence

from mmm_pipeline.reporting.charts import Chart, draw_charts
from mmm_pipeline.reporting.gemini.disguise import Disguise
from mmm_pipeline.reporting.gemini.questions import QUESTIONS
from mmm_pipeline.reporting.gemini.request import Image
from mmm_pipeline.reporting.tables import Language
from mmm_pipeline.scratch import scratch_folder

__all__ = ["pictures"]


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


def _image(chart: Chart) -> Image:
    return Image(chart.name, f"{chart.title}. {chart.caption}", chart.path.read_bytes())
