"""Charts of models, budgets and what changed."""
