# SPDX-License-Identifier: BSD-2-Clause
"""What is printed: a line for each run, or one live line on a terminal, and the table at the end."""
import os
import sys
import time

from verify import Count

HEAD = ("lane", "faults", "runs", "strikes", "kills", "records", "missing", "duplicated", "reordered", "recovery", "peak RSS", "")
MIB = 1 << 20
PLAIN_EVERY = 60  # seconds


def live():
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


told_at = 0.0


def progress(text):
    """What runs now: one live line on a terminal, else a plain line a minute."""
    global told_at
    if live():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() > told_at + PLAIN_EVERY:
        print(text, file=sys.stderr, flush=True)
        told_at = time.monotonic()


def say(text):
    if live():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    print(text, flush=True)


def line_of(r):
    """One run, while others are still to come."""
    text = f"{r.lane} {r.faults} seed {r.seed}: {r.strikes} strikes, {r.kills} kills, {r.count.records} records, {r.seconds:.0f} s"
    return text + (": FAILED" if r.failure else f", recovery {r.recovery:.1f} s, {r.peak / MIB:.1f} MiB")


def group(results):
    """Runs of the same lane and faults are one row, in the order in which they came first."""
    rows = {}
    for r in results:
        rows.setdefault((r.lane, r.faults), []).append(r)
    return rows


def row(lane, faults, runs, ordered):
    total = sum((r.count for r in runs), Count())
    failed = sum(bool(r.failure) for r in runs)
    return (
        lane,
        faults,
        len(runs),
        sum(r.strikes for r in runs),
        sum(r.kills for r in runs),
        total.records,
        total.missing,
        total.duplicated,
        total.reordered if ordered else "–",
        f"{max(r.recovery for r in runs):.1f} s",
        f"{max(r.peak for r in runs) / MIB:.1f} MiB",
        f"{failed} FAILED" if failed else "good",
    )


def table(results, lanes):
    rows = [tuple(map(str, HEAD))]
    rows += [tuple(map(str, row(*key, runs, lanes[key[0]].ordered))) for key, runs in group(results).items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows)
