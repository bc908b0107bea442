"""Formulas are stated once, over a library of array functions: JAX inside the sampler, NumPy on stored draws."""
