# SPDX-License-Identifier: BSD-2-Clause
"""What is printed: one table per lane, medians per million records, ratios within each round."""
import os
import sys
from statistics import median

MB = 1e6
HEAD = ("", "CPU s", "user", "sys", "wall s", "peak RSS", "waits", "CPU ÷ kcat", "CPU ÷ rsyslog")


def bold(text):
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def ratio(costs, name, peer):
    """The median over the rounds; machine noise is alike for two programs that ran one after the other."""
    if name == peer or peer not in costs:
        return None
    return median(a.cpu / b.cpu for a, b in zip(costs[name], costs[peer]))


def row(costs, name, scale):
    def mid(pick, per_record=True):
        return median(map(pick, costs[name])) * (scale if per_record else 1)

    figures = [f"{mid(pick):.2f}" for pick in (lambda c: c.cpu, lambda c: c.user, lambda c: c.sys, lambda c: c.wall)]
    ratios = [ratio(costs, name, peer) for peer in ("kcat", "rsyslog")]
    return [
        name,
        *figures,
        f"{mid(lambda c: c.rss, False) / MB:.1f} MB",
        f"{mid(lambda c: c.waits):.0f}",
        *("–" if r is None else f"{r:.2f}" for r in ratios),
    ]


def verdict(lane, costs):
    """Whether the lane's goal holds, as a sentence; None without both programs."""
    found = ratio(costs, "weir", lane.peer) if "weir" in costs else None
    if found is None:
        return None, ""
    holds = found <= lane.goal
    return holds, f"goal: CPU at most {lane.goal} × {lane.peer}; weir needs {found:.2f} ×: {'holds' if holds else 'MISSED'}"


def title(lane, records, runs):
    return f"{lane.title}: {records} records, per million, median of {runs}"


def markdown(head, rows):
    rows = [head, *rows]
    return "\n".join(
        ["| " + " | ".join(rows[0]) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
        + ["| " + " | ".join(row) + " |" for row in rows[1:]]
    )


def plain(head, rows):
    rows = [head, *rows]
    widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
    return "\n".join(
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in rows
    )


def lane_rows(records, costs):
    return [row(costs, name, 1e6 / records) for name in costs]


def show(lane, records, runs, costs, as_markdown=False):
    rows = lane_rows(records, costs)
    said = title(lane, records, runs)
    if as_markdown:
        print(f"\n**{said}**\n\n{markdown(HEAD, rows)}")
    else:
        print(f"\n{bold(said)}\n{plain(HEAD, rows)}")
    holds, sentence = verdict(lane, costs)
    if sentence:
        print(("\n" if as_markdown else "") + sentence)
    sys.stdout.flush()
    return holds


def progress(text):
    """On a terminal only: what runs now."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
