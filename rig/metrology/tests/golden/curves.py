#!/usr/bin/env python3
"""Makes pulses.csv and curves.csv beside it: a pseudo-random pulse record, and its curves in exact rational arithmetic.

    python3 rig/metrology/tests/golden/curves.py

The route is another one than the rig's: every window of every length is counted from the pulse times themselves with a binary search,
all volumes and times are fractions, and only the results are rounded, to 17 digits. The record: 50 h at 20.8 µL/h, strokes of 1 µL of
4 pulses 130 ms apart, each stroke up to 8 s early or late, each fifth or so with a pulse less or more, now and then a pulse back, a
pause of 11 min, and pulses that lie exactly on instants of the sample grid.
"""
import random
from bisect import bisect_right
from fractions import Fraction as F
from pathlib import Path

HERE = Path(__file__).parent
NS = 10**9
MINUTE, HOUR = 60 * NS, 3600 * NS
RATE = F(208, 10)  # µL/h
PULSE = F(1, 4)  # µL
LIMIT = F(15)


def pulses():
    rng = random.Random(20260101)
    cycle = F(3600 * NS) / RATE
    out = []
    for i in range(1, 1041):
        at = int(i * cycle) + rng.randrange(-8 * NS, 8 * NS)
        if 300 * cycle < i * cycle < 300 * cycle + 11 * MINUTE:
            continue
        if i % 17 == 0:
            at = round(at / (30 * NS)) * 30 * NS
        n = 4 + rng.choice([0] * 8 + [1, -1])
        out += [(at + k * 130 * 10**6, 1) for k in range(n)]
        if i % 41 == 0:
            out.append((at + 2 * NS, -1))
    return sorted(out)


RECORD = pulses()
TIMES = [t for t, _ in RECORD]
NET = [0]
for _, sign in RECORD:
    NET.append(NET[-1] + sign)


def volume(start, end):
    """In (start, end]."""
    return PULSE * (NET[bisect_right(TIMES, end)] - NET[bisect_right(TIMES, start)])


def error(start, end):
    return 100 * (volume(start, end) / (F(end - start, HOUR) * RATE) - 1)


def spread(errors):
    mean = sum(errors) / len(errors)
    return mean, sum((e - mean) ** 2 for e in errors) / (len(errors) - 1)


def within(errors):
    return F(100 * sum(abs(e) <= LIMIT for e in errors), len(errors))


ROWS = []


def row(name, value):
    ROWS.append((name, f"{float(value):.17g}"))


def trumpet(name, start, end, sample, windows):
    for p in windows:
        p_ns = p * MINUTE
        errors = [error(at, at + p_ns) for at in range(start, end - p_ns + 1, sample)]
        key = f"{name}.{p}"
        row(f"{key}.windows", len(errors))
        row(f"{key}.max", max(errors))
        row(f"{key}.min", min(errors))
        row(f"{key}.mean", sum(errors) / len(errors))
        row(f"{key}.within", within(errors))
        x = F(p_ns) * RATE / HOUR
        row(f"{key}.floor_max", 100 * (F(-(-x.numerator // x.denominator)) / x - 1))
        row(f"{key}.floor_min", 100 * (F(x.numerator // x.denominator) / x - 1))


def hours(name, start, end):
    errors = [error(at, at + HOUR) for at in range(start, end - HOUR + 1, HOUR)]
    mean, variance = spread(errors)
    row(f"{name}.hours", len(errors))
    row(f"{name}.mean", mean)
    row(f"{name}.variance", variance)
    row(f"{name}.max", max(errors))
    row(f"{name}.min", min(errors))
    row(f"{name}.within", within(errors))


def start_up(name, end, sample):
    flows = [volume(at, at + sample) * HOUR / sample for at in range(0, end, sample)]
    row(f"{name}.samples", len(flows))
    row(f"{name}.max", max(flows))
    row(f"{name}.last", flows[-1])
    row(f"{name}.sum_of_i_times_flow", sum((i + 1) * q for i, q in enumerate(flows)))


def strokes(name, start, end, gap, windows):
    """Windows from one stroke's first pulse to another's; the ones over the edges count if even the least they err by is worse."""
    first = [i for i, t in enumerate(TIMES) if i == 0 or t - TIMES[i - 1] > gap]
    begins = [(TIMES[i], PULSE * NET[i]) for i in first if start <= TIMES[i] <= end]
    row(f"{name}.begun", len(first))
    for p in windows:
        n = max(1, round(p * MINUTE * RATE / HOUR))
        errors = [100 * ((b[1] - a[1]) * HOUR / (F(b[0] - a[0]) * RATE) - 1) for a, b in zip(begins, begins[n:])]
        # All strokes of the record: those before the period too.
        every = [(TIMES[i], PULSE * NET[i]) for i in first]
        at = every.index(begins[0])
        inside = [begins[n - 1][1] - every[at - 1][1], PULSE * NET[bisect_right(TIMES, end)] - begins[-n][1]]
        lasting = [begins[n - 1][0] - start, end - begins[-n][0]]
        slow = [100 * (v * HOUR / (F(t) * RATE) - 1) for v, t in zip(inside, lasting)]
        full = 100 * (inside[1] * HOUR / (max(lasting[1], n * HOUR / RATE) * RATE) - 1)
        for e in slow:
            errors += [e] if e < min(errors) else []
        errors += [full] if full > max(errors) else []
        row(f"{name}.{n}.windows", len(errors))
        row(f"{name}.{n}.max", max(errors))
        row(f"{name}.{n}.min", min(errors))
        row(f"{name}.{n}.within", within(errors))


def continuity(name, opened, command, stop, closed):
    inside = [(t, s) for t, s in RECORD if opened < t <= closed]
    forward = [t for t, s in inside if s > 0]
    until = [t for t in forward if t <= stop]
    gaps = [(b - a, -a) for a, b in zip(until, until[1:])]
    row(f"{name}.between", max(gaps)[0])
    row(f"{name}.between_from", -max(gaps)[1])
    row(f"{name}.to_first", forward[0] - opened)
    row(f"{name}.from_last", stop - until[-1])
    row(f"{name}.reverse", PULSE * sum(s < 0 for _, s in inside))
    row(f"{name}.first_delivery", min(t for t in forward if t > command) - command)
    row(f"{name}.after_run", forward[-1] - stop)
    row(f"{name}.after_volume", PULSE * sum(s for t, s in inside if t > stop))


def main():
    end = 50 * HOUR
    short, long = [1, 2, 5, 11, 19, 31], [15, 60, 150, 330, 570, 930]
    row("volumetric.a", error(HOUR, 2 * HOUR))
    row("volumetric.b", error(end - HOUR, end))
    trumpet("volumetric.T1", HOUR, 2 * HOUR, 30 * NS, short)
    trumpet("volumetric.T2", end - HOUR, end, 30 * NS, short)
    hours("volumetric.hour", 0, end)
    start_up("volumetric.start_up", 2 * HOUR, 30 * NS)
    row("ambulatory.a", error(0, 24 * HOUR))
    row("ambulatory.b", error(24 * HOUR, end))
    trumpet("ambulatory.T2", 24 * HOUR, end, 15 * MINUTE, long)
    hours("ambulatory.hour", 24 * HOUR, end)
    start_up("ambulatory.start_up", 24 * HOUR, 15 * MINUTE)
    # 13 strokes take 37.5 min: the shortest window of whole strokes and of whole samples of 30 s.
    errors = [error(at, at + 75 * 30 * NS) for at in range(HOUR, 2 * HOUR - 75 * 30 * NS + 1, 30 * NS)]
    row("aligned.windows", len(errors))
    row("aligned.max", max(errors))
    row("aligned.min", min(errors))
    strokes("strokes", 24 * HOUR, end, 20 * NS, long)
    continuity("continuity", 3 * HOUR, 4 * HOUR, 40 * HOUR, 41 * HOUR)

    (HERE / "pulses.csv").write_text("".join(f"{t},{s}\n" for t, s in RECORD))
    (HERE / "curves.csv").write_text("".join(f"{name},{value}\n" for name, value in ROWS))


main()
