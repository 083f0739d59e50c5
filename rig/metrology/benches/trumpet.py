"""The trumpet family in straightforward NumPy, beside which the rig's is timed: `trumpet.py EDGES HOURS RATE PULSE RUNS`.

EDGES is a file of 64-bit integers, the time of each edge in ns. Prints the median time of all runs in s, then for each window
of both families the greatest and the least error in %.
"""
import sys
import time

import numpy as np

MINUTE = 60 * 10**9
FAMILIES = [(MINUTE // 2, [1, 2, 5, 11, 19, 31], 1), (15 * MINUTE, [15, 60, 150, 330, 570, 930], 24)]


def trumpets(edges, hours, rate, pulse):
    found = []
    for sample, windows, excluded in FAMILIES:
        grid = np.arange(0, hours * 60 * MINUTE + sample, sample)
        # An edge on a grid instant belongs to the sample that ends there; NumPy's bins hold their beginning instead.
        counts, _ = np.histogram(edges - 1, bins=grid)
        volume = np.concatenate(([0], np.cumsum(counts)))[excluded * 60 * MINUTE // sample :] * pulse
        for minutes in windows:
            k = minutes * MINUTE // sample
            error = 100 * ((volume[k:] - volume[:-k]) * 60 / minutes / rate - 1)
            found.append((error.max(), error.min()))
    return found


def main():
    file, hours, rate, pulse, runs = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    edges = np.fromfile(file, dtype=np.int64)
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        found = trumpets(edges, hours, rate, pulse)
        took.append(time.perf_counter() - began)
    print(np.__version__, sorted(took)[runs // 2])
    for greatest, least in found:
        print(repr(float(greatest)), repr(float(least)))


main()
