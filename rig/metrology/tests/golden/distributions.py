"""Golden values of distributions.csv: normal, chi-square and Student's t, from mpmath at 40 digits.

    python3 distributions.py > distributions.csv

Quantiles are roots of the distribution functions, which mpmath has from other series than the Rust code.
"""

import mpmath as mp

mp.mp.dps = 40


def normal(x):
    return mp.ncdf(x)


def chi_square(x, dof):
    return mp.gammainc(dof / 2, 0, x / 2, regularized=True)


def student(t, dof):
    tail = mp.betainc(dof / 2, mp.mpf(1) / 2, 0, dof / (dof + t * t), regularized=True) / 2
    return tail if t < 0 else 1 - tail


def root(f, low, high):
    """Bisection: slow and safe; 300 halvings, since a quantile may be as small as 1e-35."""
    for _ in range(300):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return (low + high) / 2


def show(name, dof, p, x):
    print(f"{name},{mp.nstr(mp.mpf(dof), 17)},{mp.nstr(p, 17)},{mp.nstr(x, 17)}")


TAILS = ["1e-9", "1e-4", "0.01", "0.025", "0.05", "0.3", "0.5", "0.8", "0.95", "0.975", "0.999"]
# The probabilities as the doubles that the Rust code gets.
PROBABILITIES = [mp.mpf(float(p)) for p in TAILS]

print("distribution,dof,p,quantile")
for p in [p for p in PROBABILITIES if p != 0.5]:
    show("normal", "inf", p, root(lambda x: normal(x) - p, mp.mpf(-50), mp.mpf(50)))
for dof in [0.5, 1, 2, 3, 4.5, 10, 29, 99, 500, 5000]:
    for p in PROBABILITIES:
        show("chi_square", dof, p, root(lambda x: chi_square(x, mp.mpf(dof)) - p, mp.mpf(0), mp.mpf(20 * dof + 200)))
for dof in [1, 1.5, 2, 3, 4.2, 7, 10, 50, 99.9, 999, 1000, 20000]:
    for p in PROBABILITIES:
        if p != 0.5:
            sign = -1 if p < 0.5 else 1
            tail = min(p, 1 - p)
            show("student", dof, p, sign * root(lambda t: tail - student(-t, mp.mpf(dof)), mp.mpf(0), mp.mpf(10) ** 10))
for dof in [1, 1.5, 2, 3, 4, 5, 7, 10, 20, 33.3, 50, 100, 1000, "inf"]:
    tail = (1 - mp.mpf(0.9544997361036416)) / 2
    if dof == "inf":
        show("coverage_factor", dof, 1 - 2 * tail, -root(lambda x: normal(x) - tail, mp.mpf(-50), mp.mpf(50)))
    else:
        show("coverage_factor", dof, 1 - 2 * tail, root(lambda t: tail - student(-t, mp.mpf(dof)), mp.mpf(0), mp.mpf(10) ** 6))
# Several comparisons at once: the column `dof` holds their number.
for comparisons in [1, 2, 5, 31, 119, 1000, 100000]:
    tail = (1 - mp.mpf(0.9544997361036416)) / 2 / comparisons
    show("family", comparisons, 1 - 2 * tail * comparisons, -root(lambda x: normal(x) - tail, mp.mpf(-50), mp.mpf(50)))
