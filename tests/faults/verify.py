# SPDX-License-Identifier: BSD-2-Clause
"""Source against sink, record by record: what is missing, there twice, out of order, or was never sent.

A record carries the shard it was written to and its number in it, and its bytes follow from both."""
import re
from collections import defaultdict
from dataclasses import astuple, dataclass

PAD = b"abcdefghijklmnopqrstuvwxyz0123456789" * 8
SHAPE = re.compile(rb'\{"shard":(\d+),"n":(\d+),"pad":"[^"]*"\}')


def value(shard, n):
    """A JSON object of 30 to 230 bytes."""
    return b'{"shard":%d,"n":%d,"pad":"%s"}' % (shard, n, PAD[: (n * 31 + shard) % 200])


def name_of(data):
    """(shard, number) of a record; None when no feeder ever wrote those bytes."""
    m = SHAPE.fullmatch(data or b"")
    if not m:
        return None
    shard, n = int(m[1]), int(m[2])
    return (shard, n) if data == value(shard, n) else None


@dataclass
class Count:
    records: int = 0
    missing: int = 0
    duplicated: int = 0
    reordered: int = 0
    foreign: int = 0  # bytes that were never sent

    def __add__(self, other):
        return Count(*(a + b for a, b in zip(astuple(self), astuple(other))))


def count(sent, got, ordered=True):
    """sent: {shard: how many}; got: the sink's records as bytes, those of one shard in the order in which they stand.

    Where a crash may repeat records, a repeat goes back to a place and through everything behind it again: so each
    record is the next one of its shard, or one that was there before.  Every other step counts as reordered."""
    seen = {shard: bytearray(n) for shard, n in sent.items()}
    last = defaultdict(lambda: -1)
    result = Count(records=sum(sent.values()))
    for data in got:
        place = name_of(data)
        if place is None or place[1] >= sent.get(place[0], 0):
            result.foreign += 1
            continue
        shard, n = place
        result.duplicated += seen[shard][n]
        seen[shard][n] = 1
        result.reordered += ordered and n > last[shard] + 1
        last[shard] = n
    result.missing = sum(marks.count(0) for marks in seen.values())
    return result
