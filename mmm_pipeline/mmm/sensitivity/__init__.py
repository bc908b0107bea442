"""How much of a result is the data's, and how much the prior's opinion."""
