"""The one source of chance against TensorFlow's own functions, and against the published test of Philox."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lstmfcn.networks import initial, randomness

PAIRS = [(0, 0), (5, 9), (123456, 77), (2**31 - 3, 1)]


def one(value):
    return np.array([value], np.uint32)


def test_philox_gives_the_words_that_its_authors_publish():
    ones = one(0xFFFFFFFF)
    zeros = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert [int(w[0]) for w in randomness._philox((one(0),) * 4, (one(0),) * 2)] == zeros
    assert [int(w[0]) for w in randomness._philox((ones,) * 4, (ones,) * 2)] == [
        0x408F276D,
        0x41C83B0E,
        0xA20BC7C6,
        0x6D5451FD,
    ]


@pytest.mark.parametrize(("seed", "number"), PAIRS)
def test_uniform_numbers_are_those_of_tensorflow_to_the_bit(seed, number):
    theirs = tf.random.stateless_uniform((7, 3), (seed, number)).numpy()
    ours = randomness.uniform(np.arange(21, dtype=np.uint32), one(seed), one(number))
    np.testing.assert_array_equal(ours.reshape(7, 3), theirs)


@pytest.mark.parametrize(("seed", "number"), PAIRS)
def test_normal_numbers_are_those_of_tensorflow(seed, number):
    theirs = tf.random.stateless_normal((50,), (seed, number)).numpy()
    ours = randomness.normal(np.arange(50, dtype=np.uint32), one(seed), one(number))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize("n_series", [1, 2, 3, 50, 257])
def test_orders_are_those_in_which_tensorflow_shuffles(n_series):
    found = randomness.orders(n_series, np.array(PAIRS))
    for order, pair in zip(found, PAIRS, strict=True):
        theirs = tf.random.experimental.stateless_shuffle(tf.range(n_series), pair).numpy()
        np.testing.assert_array_equal(order, theirs)


@pytest.mark.parametrize("name", ["HeUniform", "GlorotUniform", "Orthogonal"])
@pytest.mark.parametrize("shape", [(8, 1, 128), (5, 12), (12, 5), (7, 3, 5)])
@pytest.mark.parametrize("seed", [0, 4_000_000_000])
def test_initial_weights_are_keras_own_to_the_bit(name, shape, seed):
    theirs = getattr(keras.initializers, name)(seed=seed)(shape, "float32")
    np.testing.assert_array_equal(getattr(initial, name)(seed=seed)(shape, "float32"), theirs)


def test_what_is_drawn_without_tensorflow_is_the_same_but_for_its_last_bits(monkeypatch):
    theirs = initial.Orthogonal(seed=3)((12, 40), "float32")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    np.testing.assert_allclose(initial.Orthogonal(seed=3)((12, 40), "float32"), theirs, atol=2e-6)
