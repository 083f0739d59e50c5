#!/usr/bin/env python3
"""Golden values of budgets and decisions, by a route of their own; writes budgets.csv beside this file.

    python3 budgets.py

Values, variances, degrees of freedom and acceptance limits are exact fractions of the decimal numbers in the tables below; square roots, Student's
and the normal distribution are mpmath's, with 40 digits. Coverage factors are roots of the distribution function by bisection.

From elsewhere are: the inputs and the result of the end gauge (GUM H.1.6, as the documentation of `WelchSatter` in the R package `propagate` has
them: u = 25, 9.7, 2.9 and 16.6 nm with 18, 25.6, 50 and 2 degrees of freedom give 16.7 and t for 99 % of 2.92); and the tolerance of ±5 % with
u = 0.6 %, and the 100 µL at 4.1 pulses/µL, of the project's collection of the field's numbers.
"""

import csv
import pathlib
from fractions import Fraction as F

import mpmath as mp

mp.mp.dps = 40
COVERAGE = mp.erf(mp.sqrt(2))
INFINITE = "inf"


def real(x):
    return mp.mpf(x.numerator) / x.denominator if isinstance(x, F) else mp.mpf(x)


def student_upper(t, dof):
    return mp.betainc(dof / 2, mp.mpf(1) / 2, 0, dof / (dof + t * t), regularized=True) / 2


def factor(dof, tail):
    """The deviate with this upper tail."""
    upper = (lambda t: mp.erfc(t / mp.sqrt(2)) / 2) if dof == INFINITE else (lambda t: student_upper(t, real(dof)))
    low, high = mp.mpf(0), mp.mpf(1000)
    for _ in range(150):
        middle = (low + high) / 2
        low, high = (middle, high) if upper(middle) > tail else (low, middle)
    return low


TWO_SIDED = (1 - COVERAGE) / 2


class Budget:
    """Rows are (variance, dof, common, bound); all exact."""

    def __init__(self, value, rows):
        self.value, self.rows = value, rows
        self.variance = sum(r[0] for r in rows)
        spent = sum(r[0] ** 2 / r[1] for r in rows if r[1] != INFINITE)
        self.dof = self.variance**2 / spent if spent else INFINITE
        self.u = mp.sqrt(real(self.variance))
        self.k = factor(self.dof, TWO_SIDED)

    def figures(self):
        return {"value": real(self.value), "u": self.u, "dof": mp.inf if self.dof == INFINITE else real(self.dof), "k": self.k, "U": self.k * self.u}

    def extreme(self, members):
        common = mp.sqrt(real(sum((r[0] for r in self.rows if r[2]), F(0))))
        single = mp.sqrt(real(sum((r[0] for r in self.rows if not r[2]), F(0))))
        bounds = [r[3] for r in self.rows if not r[2] and r[0]]
        spread = factor(INFINITE, TWO_SIDED / members) * single
        own, risk = spread, 2 * TWO_SIDED
        if None not in bounds and real(sum(bounds, F(0))) <= spread:
            own, risk = real(sum(bounds, F(0))), TWO_SIDED
        return {"U": max(2 * common + own, self.k * self.u), "risk": risk}


def row(u_squared, common=False, bound=None, dof=INFINITE):
    return (u_squared, dof, common, bound)


def rectangular(a, common=False):
    return row(a * a / 3, common, None if common else abs(a))


GATES = {"free": (F(1, 6), F(1), F(0)), "edge": (F(1, 12), F(1, 2), F(1, 2)), "interpolated": (F(0), F(0), F(0))}


def relative(a, value):
    part = value / 100
    rows = [row((value * a["uk"] / 200) ** 2, True)]
    rows += [rectangular(part * a["lin"], True), rectangular(part * a["per_k"] * a["band"], True), rectangular(part * a["missed"] / 2, True)]
    return rows


def volume(a):
    variance, bound, more = GATES[a["gate"]]
    corrected = (a["net"] + more) / a["k"] * (1 + a["missed"] / 200)
    rows = [row(variance / a["k"] ** 2, False, bound / a["k"]), *relative(a, corrected), rectangular(a["ss"], True)]
    rows.append(row((a["zero"] / 2 * a["hours"]) ** 2, True))
    return Budget(corrected, rows)


def scaled(budget, by):
    return [(r[0] * by**2, r[1], r[2], None if r[3] is None else r[3] * by) for r in budget.rows]


def mean_flow(a):
    came, by = volume(a), 1 / a["hours"]
    return Budget(came.value * by, [*scaled(came, by), rectangular(came.value * by * a["ppm"] / 1_000_000, True)])


def rate(a):
    value = a["between"] / a["k"] / (a["seconds"] / 3600) * (1 + a["missed"] / 200)
    stamps = a["stamp_us"] / 1_000_000 * value / a["seconds"]
    rows = [*relative(a, value), row(stamps**2 * 2 / 3, False, 2 * stamps), rectangular(value * a["ppm"] / 1_000_000, True)]
    return Budget(value, rows)


def time(a):
    pulse = {"instant": (a["pulse"] ** 2 / 3, a["pulse"]), "pulse": (a["pulse"] ** 2 * 7 / 6, 2 * a["pulse"])}[a["start"]]
    stamp = a["stamp_us"] / 1_000_000
    return Budget(a["value"], [row(pulse[0], False, pulse[1]), row(stamp**2 * 2 / 3, False, 2 * stamp), rectangular(a["value"] * a["ppm"] / 1_000_000, True)])


def duration(a):
    return Budget(a["value"], [rectangular(a["first"]), rectangular(a["second"]), rectangular(a["value"] * a["ppm"] / 1_000_000, True)])


def pressure(a):
    return Budget(a["value"], [row((a["U"] / 2) ** 2, True), rectangular(a["step"] / 2)])


def combined(a):
    return Budget(F(0), [row(u * u, dof=d) for u, d in zip(a["u"], a["dof"])])


def decided(a):
    """JCGM 106: the chance to conform, and the limits within which the rule says PASS."""
    u = mp.sqrt(real(a["u"] ** 2))
    expanded = factor(a["dof"], TWO_SIDED) * u
    cdf = lambda limit: mp.ncdf((real(limit) - real(a["y"])) / u)
    lower, upper = a.get("lower"), a.get("upper")
    out = {"p": (cdf(upper) if upper is not None else 1) - (cdf(lower) if lower is not None else 0)}
    guard = {"simple": 0, "guarded": real(a["r"]) * expanded, "three-way": expanded}[a["rule"]]
    y, inside = real(a["y"]), lambda w: (lower is None or y >= real(lower) + w) and (upper is None or y <= real(upper) - w)
    if lower is not None:
        out["acceptance_lower"] = real(lower) + guard
    if upper is not None:
        out["acceptance_upper"] = real(upper) - guard
    if lower is not None and upper is not None:
        out["ratio"] = real(upper - lower) / 2 / expanded
    other = -1 if a["rule"] != "three-way" or not inside(-expanded) else 0
    out["verdict"] = 1 if inside(guard) else other
    return out


METER = {"uk": "1", "lin": "0.5", "per_k": "0.1", "band": "2", "missed": "0.3", "ss": "0.2", "zero": "0", "ppm": "100", "stamp_us": "10", "k": "10"}
PLAIN = {**METER, "lin": "0", "per_k": "0", "band": "0", "missed": "0", "ss": "0"}
# The field's pulse channel: 100 µL at 4.1 pulses/µL, U of K 1 %, linearity ±0.5 %.
FIELD = {**PLAIN, "k": "4.1", "lin": "0.5"}

CASES = [
    *[("volume", {**m, "net": n, "gate": g, "hours": "0.5"}) for m in (METER, PLAIN) for n in ("2001", "17", "0", "-3") for g in GATES],
    ("volume", {**FIELD, "net": "410", "gate": "free", "hours": "0.1"}),
    ("volume", {**METER, "k": "100", "net": "2083", "gate": "free", "zero": "6", "hours": "0.25"}),
    ("volume", {**METER, "k": "9.3728", "uk": "5", "net": "123456", "gate": "free", "hours": "72"}),
    *[("mean_flow", {**m, "net": n, "gate": "free", "hours": h}) for m in (METER, PLAIN) for n, h in (("208", "1"), ("5000", "24"), ("9", "0.01"))],
    *[("rate", {**m, "between": b, "seconds": s}) for m in (METER, PLAIN) for b, s in (("4", "0.2"), ("999", "86400"), ("1", "0.001"))],
    *[("time", {**METER, "value": v, "pulse": p, "start": s}) for v, p in (("120.03", "0.06"), ("0.41", "0.000036"), ("7200", "17.28")) for s in ("instant", "pulse")],
    *[("duration", {**METER, "value": v, "first": a, "second": b}) for v, a, b in (("2", "0.005", "0.0066"), ("86400", "0", "0.003"), ("-0.5", "0.005", "0.005"))],
    *[("pressure", {"value": v, "U": u, "step": s}) for v, u, s in (("40", "0.5", "0"), ("0", "0.5", "1.2"), ("-3.25", "2", "0.0625"))],
    *[("extreme_volume", {**METER, "net": "5000", "gate": "free", "hours": "24", "members": m}) for m in ("2", "5", "10000")],
    *[("extreme_rate", {**PLAIN, "stamp_us": "1000", "between": "4", "seconds": "0.2", "members": m}) for m in ("2", "3", "1000")],
    *[("extreme_pressure", {"value": "40", "U": "0.5", "step": "0.2", "members": m}) for m in ("2", "100")],
    # GUM H.1.6.
    ("combined", {"u": "25;9.7;2.9;16.6", "dof": "18;25.6;50;2"}),
    ("combined", {"u": "5.8;3.9;6.7", "dof": "24;5;8"}),
    ("combined", {"u": "1;1", "dof": "5;5"}),
    ("combined", {"u": "0.3;0.0001", "dof": "1;inf"}),
    ("combined", {"u": "3;4;12", "dof": "14.5;inf;2.25"}),
    *[("decided", {"y": y, "u": "0.6", "dof": "inf", "lower": "-5", "upper": "5", "rule": rule, "r": r}) for y in ("3", "4", "4.5", "5", "5.5", "6.3", "-4.5", "-6.3") for rule, r in (("simple", "1"), ("guarded", "1"), ("guarded", "0.5"), ("three-way", "1"))],
    *[("decided", {"y": y, "u": "0.25", "dof": d, "upper": "13.3", "rule": rule, "r": "1"}) for y in ("12", "13", "13.3", "14.1") for d in ("inf", "7", "2.5") for rule in ("guarded", "three-way")],
    *[("decided", {"y": y, "u": "0.05", "dof": "inf", "lower": "99.7", "rule": "three-way", "r": "1"}) for y in ("99.59", "99.75", "100")],
    ("decided", {"y": "60", "u": "3", "dof": "inf", "lower": "-15", "upper": "15", "rule": "three-way", "r": "1"}),
    ("decided", {"y": "0", "u": "10", "dof": "inf", "lower": "-15", "upper": "15", "rule": "three-way", "r": "1"}),
]

WORDS = {"gate", "start", "rule"}


def read(key, text):
    if key in WORDS:
        return text
    numbers = [INFINITE if x == "inf" else F(x) for x in text.split(";")]
    return numbers if ";" in text else numbers[0]


def figures(function, args):
    a = {key: read(key, text) for key, text in args.items()}
    if function == "decided":
        return decided(a)
    if function.startswith("extreme_"):
        return globals()[function[8:]](a).extreme(int(a["members"]))
    return globals()[function](a).figures()


def main():
    with open(pathlib.Path(__file__).with_suffix(".csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "arguments", "figure", "value"])
        for function, args in CASES:
            for name, value in figures(function, args).items():
                out.writerow([function, " ".join(f"{k}={v}" for k, v in args.items()), name, mp.nstr(mp.mpf(value), 17)])


main()
