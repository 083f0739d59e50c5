"""Golden values of tolerance.csv: two-sided tolerance factors of a normal sample, by another route than the Rust code.

    python3 tolerance.py > tolerance.csv        (NumPy and SciPy)

The Rust code sums over the error of the mean by the trapezoidal rule. Here the same probability is integrated over the sample's
standard deviation instead: given s, the interval holds the share p exactly if the error of the mean is below a bound, found by
bisection; the probability of that is a normal one, and its mean over the chi distribution of s is taken by Gauss-Legendre quadrature.
"""

import numpy as np
from scipy import optimize, special, stats

NODES, WEIGHTS = np.polynomial.legendre.leggauss(600)


def bound_of_mean(width, p):
    """The largest d with Phi(d + width) - Phi(d - width) >= p; width is large enough that d = 0 holds p."""
    low, high = np.zeros_like(width), width + 10
    for _ in range(200):
        middle = (low + high) / 2
        holds = special.ndtr(middle + width) - special.ndtr(middle - width) >= p
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return low


def confidence(k, n, p):
    dof = n - 1
    # s/sigma below which the interval is too narrow whatever the mean. Near it the bound of the mean rises like a square root,
    # which the substitution s = least + u^2 takes away.
    least = stats.norm.ppf((1 + p) / 2) / k
    end = np.sqrt(1 + 12 / np.sqrt(dof))
    u = (NODES + 1) / 2 * end
    s = least + u * u
    density = stats.chi.pdf(s * np.sqrt(dof), dof) * np.sqrt(dof)
    holds = special.erf(bound_of_mean(k * s, p) * np.sqrt(n / 2))
    return np.sum(WEIGHTS * end / 2 * 2 * u * density * holds)


def factor(n, p, gamma):
    start = stats.norm.ppf((1 + p) / 2)
    return optimize.brentq(lambda k: confidence(k, n, p) - gamma, start * 0.9, start * 400, xtol=1e-13, rtol=1e-13)


print("n,coverage,confidence,factor")
for p in [0.5, 0.9, 0.95, 0.99, 0.999]:
    for gamma in [0.5, 0.9, 0.95, 0.99]:
        for n in [2, 3, 5, 10, 25, 30, 100, 1000]:
            print(f"{n},{p},{gamma},{factor(n, p, gamma):.12g}")
