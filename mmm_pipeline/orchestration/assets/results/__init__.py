"""Assets of the champion: attribution, budget, drift."""
