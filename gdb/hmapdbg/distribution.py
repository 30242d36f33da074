"""Probability functions for the statistics of hash maps."""

from __future__ import annotations

import math


def chi_square_p(chi_square: float, freedom: int) -> float:
    """The probability that a chi-square variable of `freedom` degrees is at least `chi_square`.

    >>> round(chi_square_p(3.841, 1), 3)
    0.05
    """
    if freedom <= 0 or chi_square <= 0:
        return 1.0
    return _upper_gamma(freedom / 2, chi_square / 2)


def _upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x), by its series below a + 1 and by
    Lentz's continued fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31)."""
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-15:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - total * scale)
    tiny = 1e-300
    b = x + 1 - a
    c = 1 / tiny
    d = 1 / b
    fraction = d
    for i in range(1, 1_000_000):
        factor = -i * (i - a)
        b += 2
        d = factor * d + b
        d = 1 / (d if abs(d) > tiny else tiny)
        c = b + factor / c
        c = c if abs(c) > tiny else tiny
        step = d * c
        fraction *= step
        if abs(step - 1) < 1e-15:
            break
    return min(1.0, scale * fraction)


def poisson(mean: float, k: int) -> float:
    """The probability of exactly `k` events where `mean` are expected."""
    if mean <= 0:
        return 1.0 if k == 0 else 0.0
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def poisson_bound(mean: float, trials: int, p: float = 1e-6) -> int:
    """The least k such that any of `trials` independent Poisson counts of that mean is above k with
    a probability of at most about `p`."""
    k = int(mean)
    while True:
        # The tail above k is at most its first term over 1 - mean/(k+2), a geometric bound.
        tail = poisson(mean, k + 1) / max(1e-9, 1 - mean / (k + 2)) if k + 2 > mean else 1.0
        if trials * tail <= p:
            return k
        k += 1
