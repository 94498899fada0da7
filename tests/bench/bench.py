# SPDX-License-Identifier: BSD-2-Clause
"""weir, kcat and rsyslog side by side.  `run` calls it; README.md says what it does."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
import table
from confluent_kafka import KafkaException
from lanes import LANES, Bench
from measure import BenchError, Meter
from programs import Rsyslog, Weir
from servers import Servers


def arguments():
    p = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    names = ",".join(lane.name for lane in LANES)
    p.add_argument("--records", type=int, default=1_000_000, metavar="N", help="default 1000000")
    p.add_argument("--lanes", default=names, metavar="LIST", help=f"default {names}")
    p.add_argument("--runs", type=int, default=3, metavar="N", help="rounds; the median counts; default 3")
    p.add_argument("--programs", metavar="LIST", help="only programs whose name starts so, as in weir,kcat")
    p.add_argument("--memory", action="store_true", help="also weir with memory = 16M")
    p.add_argument("--seed", type=int, default=1, metavar="N", help="of the records; default 1")
    p.add_argument("--json", metavar="FILE", help="keeps every figure of every run")
    p.add_argument("--markdown", action="store_true", help="tables for a page")
    p.add_argument("--strict", action="store_true", help="exit status 1 also if a goal is missed")
    p.add_argument("--build", type=Path, required=True, metavar="DIR", help="build folder of weir; default: made anew")
    a = p.parse_args()
    known = {lane.name: lane for lane in LANES}
    unknown = [name for name in a.lanes.split(",") if name not in known]
    if unknown:
        p.error(f"no lane {unknown[0]!r}; there are {names}")
    if a.runs < 1 or a.records < 1000:
        p.error("at least one run and 1000 records")
    a.lanes = [lane for lane in LANES if lane.name in a.lanes.split(",")]
    return a


def wanted(job, a):
    if job.memory and not a.memory:
        return False
    return not a.programs or any(job.name.startswith(name) for name in a.programs.split(","))


def run_lane(lane, bench, a):
    """Costs of every program by name, round by round: A B C A B C."""
    records = max(1000, int(a.records * lane.share))
    table.progress(f"{lane.title}: making {records} records")
    bench.load(records)
    jobs = [job for job in lane.prepare(bench) if wanted(job, a)]
    costs = {job.name: [] for job in jobs}
    for turn in range(a.runs):
        for job in jobs:
            table.progress(f"{lane.title}: round {turn + 1} of {a.runs}, {job.name}")
            costs[job.name].append(job.run(turn))
    table.progress("")
    holds = table.show(lane, records, a.runs, costs, a.markdown)
    figures = {name: [c.as_dict() for c in all_of] for name, all_of in costs.items()}
    return holds, {"records": records, "peer": lane.peer, "goal": lane.goal, "holds": holds, "programs": figures}


def run_all(a, folder):
    needs = sorted({name for lane in a.lanes for name in lane.needs})
    table.progress("starting " + (", ".join(needs) or "no server"))
    servers = Servers(folder, needs)
    try:
        bench = Bench(folder, servers, Meter(folder), Weir(a.build.resolve(), folder), Rsyslog(folder), a.seed)
        results = {lane.name: run_lane(lane, bench, a) for lane in a.lanes}
    finally:
        servers.down()
    if a.json:
        Path(a.json).write_text(json.dumps({"machine": machine(), **{k: r for k, (_, r) in results.items()}}, indent=1))
    return all(holds is not False for holds, _ in results.values())


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    kcat = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout.splitlines()[-1].strip()
    rsyslog = subprocess.run(["rsyslogd", "-v"], capture_output=True, text=True).stdout.splitlines()[0].strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": os.uname().release, "kcat": kcat, "rsyslog": rsyslog}


def main():
    a = arguments()
    # So that the servers go down with us, and the folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    folder.chmod(0o755)
    try:
        good = run_all(a, folder)
    except (BenchError, KafkaException, requests.RequestException) as e:
        sys.exit(f"tests/bench/run: {e}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if a.strict and not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
