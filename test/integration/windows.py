"""Anchored months by another road than core/subscription/billing-window.ts, for windows.test.ts.

Walks every day of 1969-12 to 2100-02 once and notes on which days a month of each anchor begins: the anchor's
day, or the last day of a month that has none. A window is then found by bisection, not computed.

Arguments: seed, number of samples. Writes rows of four 64-bit floats (all whole): anchor day, instant, first
instant of its window, first instant after it; instants in epoch milliseconds.
"""

import calendar
import datetime
import random
import sys
from array import array
from bisect import bisect_right

DAY_MS = 86_400_000
EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST, LAST = datetime.date(1969, 12, 1).toordinal(), datetime.date(2100, 2, 28).toordinal()
FROM_MS, TO_MS = 0, (datetime.date(2100, 1, 1).toordinal() - EPOCH) * DAY_MS


def starts_of_all_anchors():
    """For each anchor day the first instants of its months, ascending."""
    starts = {anchor: [] for anchor in range(1, 32)}
    for ordinal in range(FIRST, LAST + 1):
        date = datetime.date.fromordinal(ordinal)
        is_last = date.day == calendar.monthrange(date.year, date.month)[1]
        for anchor in range(date.day, 32 if is_last else date.day + 1):
            starts[anchor].append((ordinal - EPOCH) * DAY_MS)
    return starts


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    draw = random.Random(seed)
    starts = starts_of_all_anchors()
    rows = array("d")
    for sample in range(count):
        anchor = 1 + int(draw.random() * 31)
        at = FROM_MS + int(draw.random() * (TO_MS - FROM_MS))
        if sample % 4 == 0:  # a quarter lies at an edge: the first or the last millisecond of a day
            at = at // DAY_MS * DAY_MS - sample // 4 % 2
        at = max(at, FROM_MS)
        edges = starts[anchor]
        index = bisect_right(edges, at)
        rows.extend((anchor, at, edges[index - 1], edges[index]))
    sys.stdout.buffer.write(rows.tobytes())


main()
