"""Random numbers: Philox as published, and what is made from its words has the distribution that it claims."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule.formulas.draws import Stream, kept, normal, normal_quantile, permutation, uniform, words

U64 = 2**64
seeds = st.integers(0, U64 - 1)


def philox(counter, key):
    """Philox4x64 with 10 rounds: Salmon et al. 2011, section 3.3, on Python's integers."""
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * x0, 0xCA5A826395121157 * x2
        x0, x1, x2, x3 = (q >> 64) ^ x1 ^ k0, q % U64, (p >> 64) ^ x3 ^ k1, p % U64
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % U64, (k1 + 0xBB67AE8584CAA73B) % U64
    return [x0, x1, x2, x3]


def test_the_philox_here_is_the_published_one():
    # known answers of the authors' Random123 library, kat_vectors, philox4x64 10
    assert philox([0] * 4, [0] * 2) == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip
    assert philox([U64 - 1] * 4, [U64 - 1] * 2) == [
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    ]  # fmt: skip


@given(seeds, st.sampled_from(Stream), st.lists(seeds, max_size=3), st.integers(0, 13))
def test_words_are_philox_blocks_from_counter_one_on(seed, stream, place, count):
    after_first = (place + [0] * 3)[:3]
    blocks = [philox([1 + i, *after_first], [seed, int(stream)]) for i in range(-(-count // 4))]
    assert words(count, seed, stream, *place).tolist() == [word for block in blocks for word in block][:count]


def test_streams_and_places_differ():
    drawn = [tuple(words(2, 1, stream, *place)) for stream in Stream for place in [(), (1,), (0, 1), (0, 0, 1), (1, 1)]]
    assert len(set(drawn)) == len(drawn)


def test_uniform_is_uniform():
    u = uniform(20_000, 3, Stream.SPLIT)
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert np.array_equal(u, (np.floor(u * 2**52) + 0.5) / 2**52), "middles of 2^52 intervals"
    assert 0 < u.min() < u.max() < 1


@given(st.integers(0, 200), seeds, st.integers(0, 1000))
def test_permutation_is_a_permutation(m, seed, epoch):
    assert sorted(permutation(m, seed, Stream.SHUFFLE, epoch).tolist()) == list(range(m))


@pytest.mark.parametrize("m", [2, 3, 5, 8])
def test_every_index_goes_everywhere_equally_often(m):
    drawn = 2000
    counts = np.zeros((m, m))
    for epoch in range(drawn):
        counts[np.arange(m), permutation(m, 5, Stream.SHUFFLE, epoch)] += 1
    # rows and columns sum to `drawn`, which leaves (m - 1)^2 degrees of freedom
    chi2 = ((counts - drawn / m) ** 2 / (drawn / m)).sum() * (m - 1) / m
    assert stats.chi2.sf(chi2, (m - 1) ** 2) > 0.01


def test_all_orders_of_three_are_equally_frequent():
    orders = [tuple(permutation(3, seed, Stream.SPLIT).tolist()) for seed in range(3000)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 0.01


def test_normal_quantile_is_scipys():
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 10_001), 0.5 + np.array([-0.425, 0.425]), 2.0 ** -np.arange(1, 54)])
    z = normal_quantile(p)
    assert z == pytest.approx(stats.norm.ppf(p), rel=2e-14, abs=1e-16)
    p = np.array([0.25, 2.0**-40])
    assert normal_quantile(1 - p) == pytest.approx(-normal_quantile(p), rel=1e-15)


def test_normal_is_normal():
    z = normal(20_000, 0, Stream.INITIALIZE, 2)
    assert stats.kstest(z, "norm").pvalue > 0.01


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_kept_as_often_as_it_says(p):
    mask = kept(p, 101, 2000, seed=1, step=3, l=2)
    n = mask.size
    assert abs(mask.mean() - (1 - p)) <= 3 * np.sqrt(p * (1 - p) / n)
    # and independent of the neighbours, unit by unit and example by example
    assert abs((mask[1:] & mask[:-1]).mean() - (1 - p) ** 2) <= 0.005
    assert abs((mask[:, 1:] & mask[:, :-1]).mean() - (1 - p) ** 2) <= 0.005


@given(st.integers(1, 9), st.integers(1, 20), st.integers(0, 20), seeds)
def test_the_first_examples_do_not_depend_on_how_many_follow(n, m, more, seed):
    assert np.array_equal(kept(0.4, n, m + more, seed, 5, 1)[:, :m], kept(0.4, n, m, seed, 5, 1))


def test_masks_differ_by_step_layer_and_seed():
    masks = [kept(0.5, 8, 8, seed, step, l).tobytes() for seed in (0, 1) for step in (0, 1) for l in (1, 2)]
    assert len(set(masks)) == len(masks)
