"""The one source of chance, whatever the backend: initial weights, the order of the series, what drops out.

It is Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011), keyed by two numbers as TensorFlow's stateless
functions are: there TensorFlow draws from it, elsewhere these functions do, and both give the same bits.
They take arrays of NumPy or of JAX, uint32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIERS = np.uint32(0xD2511F53), np.uint32(0xCD9E8D57)
KEY_STEPS = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
MIXER = np.uint32(0x3EC8F720), np.uint32(0x02461E29)
"""The key by which TensorFlow makes another, and the first counter, of two numbers."""

HALF = 16
LOW = 0xFFFF

Words = tuple[Any, Any, Any, Any]


def orders(n_series: int, seeds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the orders in which series come.

    Parameters
    ----------
    n_series
        How many there are.
    seeds
        int64, shape (n_orders, 2): for each order a training's seed and its epoch, from 0.

    Returns
    -------
    int64, shape (n_orders, n_series)
        Permutations, by Fisher and Yates: each place in turn is given one of those that are left.
    """
    found = np.tile(np.arange(n_series), (len(seeds), 1))
    if n_series < 2:
        return found
    pair = np.asarray(seeds).astype(np.uint32)[:, :, None]
    drawn = words(np.arange(n_series - 1, dtype=np.uint32)[None], pair[:, 0], pair[:, 1])
    left = np.arange(n_series, 1, -1, dtype=np.uint32)
    chosen = np.arange(n_series - 1) + (drawn % left).astype(np.int64)
    rows = np.arange(len(found))
    for place in range(n_series - 1):
        other = chosen[:, place]
        found[rows, place], found[rows, other] = found[rows, other], found[rows, place]
    return found


def uniform(index: Any, seed: Any, number: Any) -> Any:
    """Return numbers from 0 to 1, float32, at places of a stream.

    Parameters
    ----------
    index
        The places, uint32.
    seed, number
        The stream's two numbers, uint32; of one shape, or of one that `index` can be broadcast with.
    """
    mantissa = (words(index, seed, number) & 0x7FFFFF) | 0x3F800000
    return mantissa.view(np.float32) - np.float32(1)


def normal(index: NDArray[np.uint32], seed: Any, number: Any) -> NDArray[np.float32]:
    """Return numbers of the standard normal distribution, by Box and Muller; see `uniform`."""
    first, second = uniform(index & ~np.uint32(1), seed, number), uniform(index | np.uint32(1), seed, number)
    angle = np.float32(2 * np.pi) * second
    radius = np.sqrt(-2 * np.log(np.maximum(first, np.float32(1e-7))))
    return np.asarray(np.where(index & 1, np.cos(angle), np.sin(angle)) * radius, np.float32)


def words(index: Any, seed: Any, number: Any) -> Any:
    """Return random bits, uint32, at places of a stream; see `uniform`."""
    zero = seed & 0
    mixed = _philox((seed, zero, number, zero), (zero + MIXER[0], zero + MIXER[1]))
    block = index >> 2
    none = block & 0
    four = _philox((block, none, none + mixed[2], none + mixed[3]), (none + mixed[0], none + mixed[1]))
    which = index & 3
    found = four[0] * (which == 0)
    for place in (1, 2, 3):
        found = found + four[place] * (which == place)
    return found


def _philox(counter: Words, key: tuple[Any, Any]) -> Words:
    for _ in range(ROUNDS):
        high_0, low_0 = _product(counter[0], MULTIPLIERS[0])
        high_1, low_1 = _product(counter[2], MULTIPLIERS[1])
        counter = (high_1 ^ counter[1] ^ key[0], low_1, high_0 ^ counter[3] ^ key[1], low_0)
        key = key[0] + KEY_STEPS[0], key[1] + KEY_STEPS[1]
    return counter


def _product(a: Any, b: np.uint32) -> tuple[Any, Any]:
    """Return the upper and the lower 32 bits of a product, without 64, which JAX does not have by default."""
    a_high, a_low, b_high, b_low = a >> HALF, a & LOW, b >> np.uint32(HALF), b & np.uint32(LOW)
    low = a_low * b_low
    middle = a_high * b_low + (low >> HALF)
    other = a_low * b_high + (middle & LOW)
    return a_high * b_high + (middle >> HALF) + (other >> HALF), (other << HALF) | (low & LOW)
