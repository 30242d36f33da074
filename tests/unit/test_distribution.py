"""Probabilities compared with independent computations."""

from __future__ import annotations

import math
import random

import pytest

from hmapdbg.distribution import chi_square_p, poisson, poisson_bound


def exact_p(x: float, freedom: int) -> float:
    """The chi-square tail for even degrees: a finite sum of Poisson terms."""
    assert freedom % 2 == 0
    logs = [k * math.log(x / 2) - x / 2 - math.lgamma(k + 1) for k in range(freedom // 2)]
    return math.fsum(math.exp(log) for log in logs)


def integrated_p(x: float, freedom: int, steps: int = 100_000) -> float:
    """The tail by Simpson's rule, with the logarithm of the density."""

    def density(at: float) -> float:
        half = freedom / 2
        return math.exp((half - 1) * math.log(at) - at / 2 - half * math.log(2) - math.lgamma(half))

    high = x + 60 * math.sqrt(2 * freedom) + 200
    width = (high - x) / steps
    inner = math.fsum((4 if i % 2 else 2) * density(x + i * width) for i in range(1, steps))
    return (density(x) + inner + density(high)) * width / 3


@pytest.mark.parametrize(
    ("x", "freedom", "p"),
    [
        # tables
        (3.841458820694124, 1, 0.05),
        (6.634896601021217, 1, 0.01),
        (5.991464547107979, 2, 0.05),
        (11.070497693516351, 5, 0.05),
        (18.307038053275146, 10, 0.05),
        (124.34211340400407, 100, 0.05),
        # scipy.stats.chi2.sf
        (1000.0, 1000, 0.4940528538),
        (0.001, 1, 0.9747729),
        (30.0, 3, 1.3800570e-06),
        (1.0, 50, 1.0),
    ],
)
def test_chi_square_p_of_tables(x: float, freedom: int, p: float) -> None:
    assert chi_square_p(x, freedom) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("freedom", [2, 4, 10, 100, 1022, 131_072])
@pytest.mark.parametrize("sigmas", [-5, -2, -0.1, 0, 0.1, 1, 3, 6, 9])
def test_chi_square_p_equals_the_finite_sum(freedom: int, sigmas: float) -> None:
    x = freedom + sigmas * math.sqrt(2 * freedom)
    if x > 0:
        assert chi_square_p(x, freedom) == pytest.approx(exact_p(x, freedom), rel=1e-7)


@pytest.mark.parametrize("freedom", [1, 3, 7, 63, 1023, 131_071])
@pytest.mark.parametrize("sigmas", [0.5, 2, 5])
def test_chi_square_p_equals_the_integral(freedom: int, sigmas: float) -> None:
    x = freedom + sigmas * math.sqrt(2 * freedom)
    assert chi_square_p(x, freedom) == pytest.approx(integrated_p(x, freedom), rel=1e-6)


@pytest.mark.parametrize("x", [131_071 + 2000.0, 131_071 - 2000.0])
def test_chi_square_p_of_many_buckets_is_nearly_normal(x: float) -> None:
    # Wilson and Hilferty: the cube root is normal, to about 1e-4 here.
    k = 131_071
    z = ((x / k) ** (1 / 3) - (1 - 2 / (9 * k))) / math.sqrt(2 / (9 * k))
    assert chi_square_p(x, k) == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), rel=1e-3)


@pytest.mark.parametrize(
    ("x", "freedom", "p"),
    [(0, 5, 1.0), (-1.0, 5, 1.0), (5.0, 0, 1.0), (1e9, 5, 0.0), (1e15, 1 << 20, 0.0)],
)
def test_chi_square_p_at_the_ends(x: float, freedom: int, p: float) -> None:
    assert chi_square_p(x, freedom) == p


def test_chi_square_p_falls_with_chi_square() -> None:
    # Also where the series changes to the continued fraction.
    values = [chi_square_p(x / 4, 100) for x in range(1, 1200)]
    assert values == sorted(values, reverse=True)
    assert all(0 <= p <= 1 for p in values)


def test_poisson() -> None:
    assert poisson(2.0, 3) == pytest.approx(math.exp(-2) * 8 / 6)
    assert (poisson(0.0, 0), poisson(0.0, 1)) == (1.0, 0.0)
    assert math.fsum(poisson(6.5, k) for k in range(100)) == pytest.approx(1.0)
    assert poisson(1e6, 3) == 0.0


def tail(mean: float, k: int) -> float:
    """P(X > k), term by term."""
    return math.fsum(poisson(mean, n) for n in range(k + 1, k + 400))


@pytest.mark.parametrize("mean", [0.001, 0.1, 1.0, 4.58, 6.5, 50.0])
@pytest.mark.parametrize("trials", [1, 100, 131_072, 1 << 30])
def test_poisson_bound_is_the_least_that_holds(mean: float, trials: int) -> None:
    bound = poisson_bound(mean, trials)
    assert trials * tail(mean, bound) <= 1e-6
    # The bound on the tail is geometric, so it may be too high by one at most.
    assert trials * tail(mean, bound - 2) > 1e-6


def test_poisson_bound_grows_with_mean_and_trials() -> None:
    assert poisson_bound(0.0, 1000) == 0
    bounds = [poisson_bound(mean / 4, 1000) for mean in range(40)]
    assert bounds == sorted(bounds)
    bounds = [poisson_bound(6.5, 1 << trials) for trials in range(40)]
    assert bounds == sorted(bounds)


def test_uniform_hash_keeps_below_the_bound() -> None:
    dice = random.Random(5)
    buckets, entries = 4096, 4096 * 6
    bound = poisson_bound(entries / buckets, buckets)
    most = 0
    for _ in range(5):
        counts = [0] * buckets
        for _ in range(entries):
            counts[dice.randrange(buckets)] += 1
        most = max(most, max(counts))
    assert most <= bound
    assert bound < 3 * most
