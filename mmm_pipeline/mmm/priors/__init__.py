"""Prior distributions: each stated once, for the sampler's coordinates and for the NumPyro statement of the model."""
