#!/usr/bin/env python3
"""Golden values for gravimetry and agreement, by a route of their own; writes gravimetry.csv beside this file.

mpmath with 40 digits. Water: the CIPM's formula (Tanaka et al., Metrologia 38 (2001) 301) in decimal arithmetic. Air: the full equation
CIPM-2007 (Picard et al., Metrologia 45 (2008) 149) with 400 ppm of CO2, against which the approximate formula has to hold its 2e-4. Z: from
these. Chance: the two-sided tail of Student's distribution by the regularised incomplete beta function.
"""

import csv
import pathlib

import mpmath as mp

mp.mp.dps = 40
m = mp.mpf


def water(t):
    return m("999.974950") * (1 - (t - m("3.983035")) ** 2 * (t + m("301.797")) / (m("522528.9") * (t + m("69.34881"))))


def air(t, p_kpa, h):
    kelvin, p = t + m("273.15"), p_kpa * 1000
    saturated = mp.e ** (m("1.2378847e-5") * kelvin**2 - m("1.9121316e-2") * kelvin + m("33.93711047") - m("6.3431645e3") / kelvin)
    enhancement = m("1.00062") + m("3.14e-8") * p + m("5.6e-7") * t**2
    vapour = h / 100 * enhancement * saturated / p
    second = m("1.58123e-6") - m("2.9331e-8") * t + m("1.1043e-10") * t**2
    second += (m("5.707e-6") - m("2.051e-8") * t) * vapour + (m("1.9898e-4") - m("2.376e-6") * t) * vapour**2
    compressibility = 1 - p / kelvin * second + (p / kelvin) ** 2 * (m("1.83e-11") - m("0.765e-8") * vapour**2)
    dry, wet = m("28.96546e-3"), m("18.01528e-3")
    return p * dry / (compressibility * m("8.314472") * kelvin) * (1 - vapour * (1 - wet / dry))


def z(liquid, air_density):
    return 1000 / liquid * (1 - air_density / 8000) / (1 - air_density / liquid)


def chance(t, dof):
    if dof == mp.inf:
        return mp.erfc(abs(t) / mp.sqrt(2))
    return mp.betainc(dof / 2, m("0.5"), 0, dof / (dof + t**2), regularized=True)


def rows():
    for t in (0, 4, 10, 15, "18.5", 20, 22, 25, 30, 37, 40):
        yield "water", t, "", "", water(m(t))
        yield "z", t, "1.2", "", z(water(m(t)), m("1.2"))
    for t, p, h in ((20, "101.325", 50), (20, "101.325", 65), (15, 95, 40), (25, 100, 60), (30, 90, 80), (23, 105, 0), (18, 98, 30)):
        yield "air", t, p, h, air(m(t), m(p), m(h))
    for t in (0, "0.5", 1, 2, "2.9", 3, 4, 6):
        for dof in ("inf", 200, 30, 14, 3, "1.5"):
            yield "chance", t, dof, "", chance(m(t), m(dof))
    yield "limit", "", "", "", mp.sqrt(2) * mp.erfinv(1 - m(1) / 300)


with (pathlib.Path(__file__).parent / "gravimetry.csv").open("w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["kind", "x", "y", "z", "value"])
    for *key, value in rows():
        writer.writerow([*key, mp.nstr(value, 17)])
