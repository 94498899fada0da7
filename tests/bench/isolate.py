#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What isolate = process costs: file to file, each part in a process of its own or not, in turns.

CPU is of weir and its plugins' processes, start and end included; a ratio is the median of the ratios within each
round.  `--records 0` measures start and end alone."""
import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

import data
from measure import BenchError, Meter

SOURCE, MIDDLE, SINK = 1, 2, 4
RUNS = {
    "nothing isolated": 0,
    "the source": SOURCE,
    "the sink": SINK,
    "source and sink": SOURCE | SINK,
    "with a filter, nothing isolated": -1,
    "the filter": -1 - MIDDLE,
}


def pipeline(folder, isolated):
    """As INI text; a negative number is a pipeline with a filter."""
    middle, isolated = isolated < 0, -1 - isolated if isolated < 0 else isolated

    def alone(part):
        return "isolate = process\n" if isolated & part else ""

    text = f"[source]\nplugin = file\npath = {folder}/in\n{alone(SOURCE)}"
    if middle:
        text += f"[transform all]\nplugin = filter\nwhen = .status > 0\n{alone(MIDDLE)}"
    return text + f"[sink]\nplugin = file\npath = {folder}/out\n{alone(SINK)}"


def one(meter, folder, name, isolated, sent):
    ini, state = folder / "pipeline.ini", folder / "state"
    ini.write_text(pipeline(folder, isolated))
    for old in (folder / "out", *state.glob("*")):
        old.unlink(missing_ok=True)
    cost = meter.run([os.environ.get("WEIR", "./weir"), "run", "--until-end", "--state-dir", state, ini],
                     env={"WEIR_PLUGIN_PATH": os.environ.get("WEIR_PLUGIN_PATH", "plugins/built")})
    if sent.count and (got := data.of_file(folder / "out")) != sent:
        raise BenchError(f"{name}: sent {sent}, got {got}")
    return cost


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--records", type=int, default=1_000_000)
    args.add_argument("--runs", type=int, default=5)
    args.add_argument("--seed", type=int, default=1)
    a = args.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-isolate-") as temporary:
        folder = Path(temporary)
        meter = Meter(folder)
        sent = data.make(folder / "in", a.records, a.seed)
        rounds = [{name: one(meter, folder, name, bits, sent) for name, bits in RUNS.items()} for _ in range(a.runs)]
    print("| in a process of its own | CPU | ratio | wall | ratio |\n| --- | ---: | ---: | ---: | ---: |")
    for name, bits in RUNS.items():
        beside = "with a filter, nothing isolated" if bits < 0 else "nothing isolated"
        cpu, wall = (median(getattr(r[name], f) for r in rounds) for f in ("cpu", "wall"))
        ratios = (median(getattr(r[name], f) / max(getattr(r[beside], f), 1e-6) for r in rounds) for f in ("cpu", "wall"))
        more, longer = (f"{x:.2f}" for x in ratios)
        print(f"| {name} | {cpu:.2f} s | {more} | {wall:.2f} s | {longer} |")


if __name__ == "__main__":
    main()
