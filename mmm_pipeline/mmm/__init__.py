"""The statistics: pure functions over arrays. Imports no Dagster, reads and writes no files.

    from mmm_pipeline.mmm import ModelSpec, SamplerSettings, model_data, sample

    spec = ModelSpec(adstock="carryover", degrees=2)
    fit = sample(spec, model_data(dataset), SamplerSettings(chains=4, warmup=1000, draws=1000, seed=0))
    fit.convergence, fit.contributions(), fit.predict(future_media)

Names are imported at first use, so that importing the package starts neither JAX nor ArviZ; `__init__.pyi` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
