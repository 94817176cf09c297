"""The table of what clients saw, and what of it misses its aim."""

import os

from botocore.exceptions import ClientError

from failoverbench.waiting import TooLate

# p50 and max in ms, on a machine that is idle otherwise
AIMS_MS = {"crash": (30, 100), "hang": (1300, 1500), "host": (1700, 1700), "pause": (1700, 1700), "partition": (1700, 1700),
           "switch": (40, 100)}
STORM_P99_MS = 3000
SENTINEL_SHARE = 20

HEAD = "house     fault      runs  gap p50      p99      max    lost  split   load"


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Row:
    """All runs of one fault. What ended before its time has the runs that came about, and says why there are no more."""

    def __init__(self, house, fault):
        self.house, self.fault = house, fault
        self.runs = self.lost = self.split = 0
        self.gaps_ms, self.why_not = [], None

    def add(self, gaps_ms, lost, split):
        self.runs += 1
        self.gaps_ms += gaps_ms
        self.lost += lost
        self.split += split

    def fill(self, run, runs):
        try:
            for number in range(runs):
                self.add(*run(number))
        except (TooLate, ClientError) as e:
            self.why_not = str(e)

    def at(self, share):
        return percentile(self.gaps_ms, share)

    def __str__(self):
        gaps = "".join(f"{self.at(share):9.1f}" for share in (0.5, 0.99, 1)) if self.runs else "        -" * 3
        ended = f"  {self.why_not}" if self.why_not else ""
        return f"{self.house:9} {self.fault:9} {self.runs:5} {gaps} {self.lost:7} {self.split:6} {os.getloadavg()[0]:6.2f}{ended}"


def misses(rows, wanted):
    """A sentence for each aim that Larder missed; rows by house and fault, and what the bench was asked for."""
    for (house, fault), row in rows.items():
        if row.why_not:
            yield f"{house}: {fault}: {row.why_not}"
        if house == "larder" and row.runs:
            yield from misses_of_larder(row, rows.get(("sentinel", fault)), wanted)


def misses_of_larder(row, other, wanted):
    is_asked = wanted.driver == "redis" and row.fault == "crash"  # redis-server tells nobody that its link ended
    p50_ms, max_ms = (None, None) if is_asked else AIMS_MS.get(row.fault, (None, None))
    if p50_ms and (row.at(0.5) > p50_ms or row.at(1) > max_ms):
        yield f"{row.fault}: p50 {row.at(0.5):.1f} ms, max {row.at(1):.1f} ms; aimed at {p50_ms} and {max_ms}"
    if row.fault == "storm" and row.at(0.99) > STORM_P99_MS:
        yield f"storm: p99 {row.at(0.99):.1f} ms; aimed at {STORM_P99_MS}"
    if row.split:
        yield f"{row.fault}: {row.split} writes were acknowledged by a primary of before"
    if row.lost and (row.fault == "switch" or wanted.durability == "sync"):
        yield f"{row.fault}: {row.lost} acknowledged writes are gone"
    if row.fault == "crash" and not is_asked and other and other.runs and row.at(0.5) * SENTINEL_SHARE > other.at(0.5):
        yield f"crash: more than 1/{SENTINEL_SHARE} of Sentinel's {other.at(0.5):.1f} ms"
