"""The narratives of a report."""

__all__ = ["ADVISING", "NARRATIVES"]

NARRATIVES = ("eda_report", "chart_report", "budget_report", "model_advice")
ADVISING = ("eda_report", "model_advice")
"""Those that also store a patch of `pipeline.yaml`."""
