"""Every transform of the registry: what holds for all, and the formulas of LightweightMMM's three."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmm_pipeline.mmm.media.adstock.delayed import DelayedAdstock
from mmm_pipeline.mmm.media.adstock.geometric import GeometricAdstock
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.media.saturation.hill import HillSaturation
from mmm_pipeline.mmm.media.saturation.power import PowerSaturation
from mmm_pipeline.mmm.numerics.jax_library import JAX
from mmm_pipeline.mmm.numerics.numpy_library import NUMPY
from mmm_pipeline_tests.mmm.inference import plain_statement as plain


# Compiled once: run operation by operation, every call would compile its scan again.
@jax.jit
def adstocked(media, retention):
    return GeometricAdstock().value(media, {"retention": retention}, JAX)


@jax.jit
def carryover(media, retention, peak_delay):
    return DelayedAdstock().value(media, {"retention": retention, "peak_delay": peak_delay}, JAX)


@jax.jit
def hill(x, half_saturation, slope):
    return HillSaturation().value(x, {"half_saturation": half_saturation, "slope": slope}, JAX)


@jax.jit
def power(x, exponent):
    return PowerSaturation().value(x, {"exponent": exponent}, JAX)


def of_transform(name, media, parameters):
    return MEDIA_TRANSFORMS[name].value(media, parameters, JAX)


transformed = jax.jit(of_transform, static_argnums=0)

DAYS, CHANNELS = 20, 2
MEDIA = arrays(float, (DAYS, CHANNELS), elements=st.one_of(st.just(0.0), st.floats(1e-3, 50.0)))
SHARE = arrays(float, CHANNELS, elements=st.floats(0.01, 0.99))
POSITIVE = arrays(float, CHANNELS, elements=st.floats(0.05, 8.0))
few = settings(max_examples=40, deadline=None)


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


@few
@given(media=MEDIA, retention=SHARE)
def test_adstock_equals_its_recursion(media, retention):
    np.testing.assert_allclose(adstocked(media, retention), plain.adstocked(media, retention), rtol=1e-12, atol=1e-14)


@few
@given(media=MEDIA, retention=SHARE, delay=POSITIVE)
def test_carryover_equals_its_weighted_mean(media, retention, delay):
    expected = plain.carryover(media, retention, delay)
    np.testing.assert_allclose(carryover(jnp.asarray(media), retention, delay), expected, rtol=1e-10, atol=1e-14)


@few
@given(media=MEDIA, half_saturation=POSITIVE, slope=POSITIVE)
def test_hill_equals_its_formula(media, half_saturation, slope):
    expected = plain.hill(media, half_saturation, slope)
    np.testing.assert_allclose(hill(media, half_saturation, slope), expected, rtol=1e-10, atol=1e-300)


@few
@given(media=MEDIA, exponent=SHARE)
def test_power_equals_its_formula(media, exponent):
    np.testing.assert_allclose(power(media, exponent), plain.power(media, exponent), rtol=1e-12)


@few
@given(media=MEDIA, seed=st.integers(0, 2**16), adstock=st.sampled_from(sorted(MEDIA_TRANSFORMS)))
def test_transform_of_many_draws_equals_that_of_each(media, seed, adstock):
    generator = np.random.default_rng(seed)
    transform = MEDIA_TRANSFORMS[adstock]
    parameters = {name: generator.uniform(0.05, 0.95, (3, CHANNELS)) for name in transform.parameter_names}
    together = transform.value(media, parameters, NUMPY)
    each = [
        transformed(adstock, jnp.asarray(media), {name: values[i] for name, values in parameters.items()})
        for i in range(3)
    ]
    np.testing.assert_allclose(together, each, rtol=1e-10, atol=1e-13)


@few
@given(media=MEDIA, retention=SHARE, more=st.floats(0.1, 5.0), adstock=st.sampled_from(sorted(MEDIA_TRANSFORMS)))
def test_more_media_never_lowers_any_transform(media, retention, more, adstock):
    parameters = {name: jnp.asarray(retention) for name in MEDIA_TRANSFORMS[adstock].parameter_names}
    before = transformed(adstock, jnp.asarray(media), parameters)
    media[DAYS // 2] += more
    after = transformed(adstock, jnp.asarray(media), parameters)
    assert (after >= before - 1e-12).all()
    assert (after[DAYS // 2] > before[DAYS // 2]).all()


@few
@given(media=MEDIA, retention=SHARE, adstock=st.sampled_from(sorted(MEDIA_TRANSFORMS)))
def test_media_acts_on_its_own_day_and_later_only(media, retention, adstock):
    parameters = {name: jnp.asarray(retention) for name in MEDIA_TRANSFORMS[adstock].parameter_names}
    before = transformed(adstock, jnp.asarray(media), parameters)
    media[DAYS // 2] += 1.0
    after = transformed(adstock, jnp.asarray(media), parameters)
    np.testing.assert_array_equal(before[: DAYS // 2], after[: DAYS // 2])


def test_adstock_without_retention_is_the_media_itself():
    media = np.array([[1.0], [0.0], [3.0]])
    np.testing.assert_array_equal(adstocked(media, jnp.zeros(1)), media)


def test_adstock_of_constant_media_approaches_it():
    np.testing.assert_allclose(adstocked(jnp.full((200, 1), 5.0), jnp.array([0.8]))[-1], 5.0, rtol=1e-12)


def test_carryover_peaks_after_its_delay():
    pulse = jnp.zeros((10, 1)).at[0].set(1.0)
    assert int(carryover(pulse, jnp.array([0.5]), jnp.array([3.0])).argmax()) == 3


def test_carryover_of_a_long_delay_with_little_retention_stays_finite():
    media = jnp.ones((20, 1))
    result = carryover(media, jnp.array([1e-12]), jnp.array([30.0]))
    assert jnp.isfinite(result).all()
    np.testing.assert_allclose(result[-1], 1.0)


def test_hill_is_one_half_at_half_saturation():
    np.testing.assert_allclose(hill(jnp.array([[0.7]]), jnp.array([0.7]), jnp.array([2.3])), 0.5)


def test_hill_of_very_large_media_is_one():
    np.testing.assert_allclose(hill(jnp.array([[1e300]]), jnp.array([1e-3]), jnp.array([5.0])), 1.0)


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_a_day_without_media_has_zero_effect_and_finite_gradients(adstock):
    media = jnp.zeros((6, 1)).at[3].set(1.0)

    def total(value):
        return transformed(adstock, media, dict.fromkeys(MEDIA_TRANSFORMS[adstock].parameter_names, value)).sum()

    parameters = dict.fromkeys(MEDIA_TRANSFORMS[adstock].parameter_names, jnp.array([0.3]))
    np.testing.assert_array_equal(transformed(adstock, media, parameters)[:3], 0.0)
    assert jnp.isfinite(jax.grad(total)(jnp.array([0.3]))).all()


def test_adstock_has_the_same_derivatives_forwards_backwards_and_by_finite_differences():
    media = jnp.asarray(np.random.default_rng(0).gamma(1.0, 1.0, (23, 2)))

    def last(retention):
        return adstocked(media, retention)[-1]

    retention = jnp.array([0.4, 0.9])
    step = 1e-6
    numeric = (last(retention + step) - last(retention - step)) / (2 * step)
    np.testing.assert_allclose(jnp.diag(jax.jacfwd(last)(retention)), numeric, rtol=1e-6)
    np.testing.assert_allclose(jnp.diag(jax.jacrev(last)(retention)), numeric, rtol=1e-6)
