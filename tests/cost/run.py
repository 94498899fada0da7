#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a record costs by count, compared with the table beside this file.  README.md says how.

Usage: run.py [--update] [--functions] [--table FILE] [CASE...]   Environment: WEIR, WEIR_PLUGIN_PATH, CC, CFLAGS.
Exit status: 0 as in the table or better, 1 worse, 2 it could not be measured, 77 nothing to compare with here."""
import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from cases import CASES
from measure import Bench, CostError

HEAD = "# Per record: instructions of weir and its plugins, and their calls into other libraries.  Made by tests/cost/run.py --update\n"
WORSE = 1.03
CALLS_NOISE = 0.25  # calls of loops that wait, which follow the clock
# A batch has some allocations and hundreds of records; one allocation per record would make it 1.
ALLOCATIONS_MAX = 0.03
STAGE_MORE = 0.01  # a further transform makes batches too
PARTITIONS_MORE = 0.03  # batches are as small as what a poll finds of one partition
WAITS_MAX = 0.05


def build():
    """What the counts depend on beside the source: the compiler, its flags, the processor's family."""
    cc = os.environ.get("CC", "gcc").split()
    said = subprocess.run([*cc, "--version"], capture_output=True, text=True, check=True).stdout
    major = subprocess.run([*cc, "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0].strip()
    name = "clang" if "clang" in said else "gcc"
    return f"{name} {major} {platform.machine()} {os.environ.get('CFLAGS', '-g -O2')}"


def read_table(table):
    """The build it was made with, and {case: (instructions, calls)}."""
    known, made_with = {}, None
    for line in table.read_text(encoding="utf-8").splitlines():
        if line.startswith("build:"):
            made_with = line.partition(":")[2].strip()
        elif line and not line.startswith("#"):
            name, instructions, calls = line.split()
            known[name] = (float(instructions), float(calls))
    return made_with, known


def write_table(table, known):
    rows = "".join(f"{case.name:32}{known[case.name][0]:10.0f}{known[case.name][1]:9.1f}\n" for case in CASES if case.name in known)
    table.write_text(f"{HEAD}build: {build()}\n{rows}", encoding="utf-8")


class Verdict:
    def __init__(self, known, update):
        self.known, self.update, self.bad, self.better = known, update, 0, 0

    def worse(self, text):
        self.bad += 1
        print(f"WORSE: {text}")

    def instructions(self, name, cost):
        if self.update:
            return
        if name not in self.known:
            self.worse(f"{name} is not in the table")
            return
        was, calls = self.known[name]
        if cost.instructions > was * WORSE:
            self.worse(f"{name}: {cost.instructions:.0f} instructions per record, the table has {was:.0f}")
        if cost.calls > calls * WORSE + CALLS_NOISE:
            self.worse(f"{name}: {cost.calls:.2f} calls into other libraries per record, the table has {calls:.1f}")
        self.better += cost.instructions < was * (2 - WORSE)

    def at_most(self, name, found, limit, what):
        if found > limit:
            self.worse(f"{name}: {found:.4f} {what} per record, at most {limit} are allowed")

    def end(self):
        if self.bad and not self.update:
            print("What it is spent on: tests/cost/run.py --functions CASE, here and before the change. If it is worth it, say why in the\n"
                  "commit and write the table anew: tests/cost/run.py --update")
        if self.better:
            print(f"notice: {self.better} cases are more than 3 % better than the table; keep that: tests/cost/run.py --update")
        return 1 if self.bad else 0


def show(cost):
    for n, where, name in cost.functions[:25]:
        print(f"    {n:10.2f} instructions  {where} {name}")
    for n, where, name in cost.called[:25]:
        print(f"    {n:10.4f} calls         {where} -> {name}")


def measure(options, cases, verdict):
    with tempfile.TemporaryDirectory() as folder, Bench(options.weir, options.plugins, folder, cases) as bench:
        print(f"{'':32}{'instructions':>13}{'table':>8}{'calls':>9}{'allocations':>13}   per record")
        for case, cost in bench.costs():
            was = verdict.known.get(case.name, (0, 0))[0]
            print(f"{case.name:32}{cost.instructions:13.1f}{was:8.0f}{cost.calls:9.2f}{cost.allocations:13.4f}", flush=True)
            if options.functions:
                show(cost)
            verdict.instructions(case.name, cost)
            most = ALLOCATIONS_MAX + STAGE_MORE * case.transform.count("[transform") + PARTITIONS_MORE * (case.partitions > 1)
            verdict.at_most(case.name, cost.allocations, most, "allocations")
            verdict.known[case.name] = (cost.instructions, cost.calls) if options.update else verdict.known.get(case.name)
        for case, waits in bench.waits():
            print(f"{case.name:32}{waits:13.4f} waits per record", flush=True)
            verdict.at_most(case.name, waits, WAITS_MAX, "waits")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the table")
    parser.add_argument("--functions", action="store_true", help="show what it is spent on")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("table.txt"), help="another one")
    parser.add_argument("case", nargs="*", choices=[[], *(case.name for case in CASES)], metavar="CASE")
    options = parser.parse_args()
    options.weir = os.environ.get("WEIR", "./weir")
    options.plugins = os.environ.get("WEIR_PLUGIN_PATH", "plugins/built")
    made_with, known = read_table(options.table) if options.table.exists() else (build(), {})
    if made_with != build():
        if not (options.update or options.functions):
            print(f"the table is of {made_with}, this build is of {build()}: nothing to compare with")
            return 77
        known = {}
    cases = [case for case in CASES if not options.case or case.name in options.case]
    there = [case for case in cases if all(os.path.exists(f"{options.plugins}/{plugin}.so") for plugin in case.needs)]
    verdict = Verdict(known, options.update)
    try:
        measure(options, there, verdict)
    except (CostError, RuntimeError, OSError) as e:
        print(e)
        return 2
    if options.update:
        write_table(options.table, verdict.known)
    return verdict.end()


if __name__ == "__main__":
    sys.exit(main())
