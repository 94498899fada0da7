# SPDX-License-Identifier: BSD-2-Clause
"""Runs lanes under faults until the time is over, prints one table, and says how to repeat what failed."""
import argparse
import pathlib
import random
import sys
import time

import fault
import table
from bench import Bench
from lanes import LANES
from run import Run
from schedule import schedule

TOP = pathlib.Path(__file__).resolve().parents[2]
# What the short mix runs: (lanes, faults, strikes); one run each.  Servers are not killed: starting them takes longest.
SHORT = [
    ("kafka-es", "kill+cut", 8),
    ("kafka-es-latest", "kill+es-pause", 6),
    ("kafka-kafka", "kill+member", 6),
    ("kafka-kafka-once", "kill+cut+broker-pause", 10),
    ("kafka-file", "kill+term+broker-pause", 12),
    ("file-kafka", "kill+rename+copytruncate", 12),
    ("file-es", "kill+thin+rename", 8),
    ("file-file", "kill+truncate+copytruncate", 16),
]


def arguments():
    a = argparse.ArgumentParser(prog="tests/faults/soak", description=__doc__)
    a.add_argument("--build", type=pathlib.Path, required=True, help="build folder of the weir under test")
    a.add_argument("--minutes", type=float, help="go on with new seeds for so long; without it each lane is run once")
    a.add_argument("--seed", type=int, help="of the first run; further runs count up from it (default: random)")
    a.add_argument("--lanes", default="all", help=f"comma-separated: {','.join(LANES)}")
    a.add_argument("--faults", default="all", help="comma-separated, in one run if joined by `+`: " + ",".join(fault.FAULTS))
    a.add_argument("--strikes", type=int, default=20, help="faults in each run (default 20)")
    a.add_argument("--rate", type=int, default=2000, help="records fed a second (default 2000)")
    a.add_argument("--away", type=float, default=60, help="seconds that es-dead lasts (default 60)")
    a.add_argument("--brokers", type=int, choices=(1, 3), help="Kafka nodes (default 3 when one of the faults is theirs)")
    a.add_argument("--short", action="store_true", help="the fixed mix of tests/faults/run instead")
    a.add_argument("--list", action="store_true", help="print the schedules of one round, run nothing")
    return a.parse_args()


def chosen(text, known, what):
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        for part in name.split("+"):
            if part not in known:
                sys.exit(f"soak: there is no {what} {part!r}; known: {', '.join(known)}")
    return names


def fits(lane, names):
    faults = [fault.FAULTS[n] for n in names.split("+")]
    return all(f.needs <= LANES[lane].parts for f in faults) and (len(faults) == 1 or not any(f.alone for f in faults))


def plan(args):
    """[(lane, faults, strikes)]: one round."""
    if args.short:
        return SHORT
    lanes = chosen(args.lanes, LANES, "lane")
    faults = chosen(args.faults, fault.FAULTS, "fault")
    found = [(lane, f, args.strikes) for lane in lanes for f in faults if fits(lane, f)]
    return found or sys.exit("soak: none of these faults can happen to these lanes")


def servers(args, rounds):
    parts = set().union(*(LANES[lane].parts for lane, _, _ in rounds))
    faults = " ".join(f for _, f, _ in rounds)
    three = args.brokers == 3 or args.brokers is None and "broker-" in faults and not args.short
    names = ["elasticsearch"] if "es" in parts else []
    names += (["kafka", "kafka-2", "kafka-3"] if three else ["kafka"]) if "broker" in parts else []
    return names


def show(rounds, seed):
    for i, (lane, names, strikes) in enumerate(rounds):
        print(f"{lane} {names} seed {seed + i}")
        for step in schedule(seed + i, LANES[lane], [fault.FAULTS[n]() for n in names.split("+")], strikes):
            print(f"  {step}")


def repeat(args, r, strikes):
    return (
        f"tests/faults/soak --lanes {r.lane} --faults {r.faults} --strikes {strikes} --seed {r.seed} --rate {args.rate}"
        + (f" --away {args.away:g}" if "dead" in r.faults else "")
        + (f" --brokers {args.brokers}" if args.brokers else "")
    )


def work(args, bench, rounds, seed):
    results, end = [], time.monotonic() + 60 * (args.minutes or 0)
    while not results or time.monotonic() < end:
        for lane, names, strikes in rounds:
            r = Run(bench, LANES[lane], [fault.FAULTS[n] for n in names.split("+")], seed, strikes, args.rate, args.away).go()
            results.append(r)
            table.say(table.line_of(r))
            if r.failure:
                table.say(f"  {r.failure}\n  kept: {r.folder}\n  again: {repeat(args, r, strikes)}")
            seed += 1
            if args.minutes and time.monotonic() > end:
                break
    return results


def main():
    fault.load()
    args = arguments()
    seed = random.randrange(1000000) if args.seed is None else args.seed
    rounds = plan(args)
    if args.list:
        return show(rounds, seed)
    begin = time.monotonic()
    bench = Bench(args.build.resolve(), servers(args, rounds))
    results = []
    try:
        if any("net" in fault.FAULTS[f].needs for _, names, _ in rounds for f in names.split("+")):
            bench.proxy_all()
        results = work(args, bench, rounds, seed)
    finally:
        bench.close(any(r.failure for r in results))
    print("\n" + table.table(results, LANES))
    failed = sum(bool(r.failure) for r in results)
    print(f"{len(results) - failed} passed, {failed} failed in {time.monotonic() - begin:.0f} s, first seed {seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
