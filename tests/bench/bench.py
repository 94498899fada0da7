# SPDX-License-Identifier: BSD-2-Clause
"""weir, kcat and rsyslog side by side.  `run` calls it; README.md says what it does."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import page
import profiles
import requests
import scale
import startup
import table
import transforms
from confluent_kafka import KafkaException
from lanes import LANES, Bench
from measure import BenchError, Meter
from programs import Rsyslog, Weir
from servers import Servers


PARTS = "startup,lanes,transforms,profile,scale"


def arguments():
    p = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    names = ",".join(lane.name for lane in LANES)
    p.add_argument("--records", type=int, default=1_000_000, metavar="N", help="default 1000000")
    p.add_argument("--lanes", default=names, metavar="LIST", help=f"default {names}")
    p.add_argument("--runs", type=int, default=3, metavar="N", help="rounds; of --scale at least 2 pairs; default 3")
    p.add_argument("--programs", metavar="LIST", help="only programs whose name starts so, as in weir,kcat")
    p.add_argument("--memory", action="store_true", help="also weir with memory = 16M")
    p.add_argument("--seed", type=int, default=1, metavar="N", help="of the records; default 1")
    p.add_argument("--json", metavar="FILE", help="keeps every figure of every run")
    p.add_argument("--markdown", action="store_true", help="tables for a page")
    p.add_argument("--strict", action="store_true", help="exit status 1 also if a goal is missed")
    p.add_argument("--page", action="store_true", help="measures everything and writes docs/performance.md anew")
    p.add_argument("--parts", default=PARTS, metavar="LIST", help=f"of --page, the others stay as they are; default {PARTS}")
    p.add_argument("--note", metavar="TEXT", help="of --page: a sentence on what was special this time")
    p.add_argument("--scale", action="store_true", help="only: cost of a record as sizes, partitions, ... grow")
    p.add_argument("--transforms", action="store_true", help="only: cost of each transform, file to file; no server")
    p.add_argument("--sweeps", default=scale.NAMES, metavar="LIST", help=f"of --scale; default {scale.NAMES}")
    p.add_argument("--quick", action="store_true", help="--scale with few records: that it works, not what it costs")
    p.add_argument("--build", type=Path, required=True, metavar="DIR", help="build folder of weir; default: made anew")
    a = p.parse_args()
    a.lanes = a.lanes.split(",")
    for name in a.lanes:
        if name not in names.split(","):
            p.error(f"no lane {name!r}; there are {names}")
    for name in a.sweeps.split(","):
        if name not in scale.NAMES.split(","):
            p.error(f"no sweep {name!r}; there are {scale.NAMES}")
    for name in a.parts.split(","):
        if name not in PARTS.split(","):
            p.error(f"no part {name!r}; there are {PARTS}")
    if a.page and (a.lanes != names.split(",") or a.sweeps != scale.NAMES):
        p.error("--page takes all lanes and sweeps; --parts says which of its parts are measured anew")
    if a.runs < 1 or a.records < 1000:
        p.error("at least one run and 1000 records")
    a.memory |= a.page
    a.parts = a.parts.split(",") if a.page else ["scale"] if a.scale else ["transforms"] if a.transforms else ["lanes"]
    a.sweeps = [sweep for sweep in scale.SWEEPS if sweep.name in a.sweeps.split(",")]
    return a


def wanted(job, a):
    if job.memory and not a.memory:
        return False
    return not a.programs or any(job.name.startswith(name) for name in a.programs.split(","))


def run_lane(lane, bench, a):
    """Costs of every program by name, round by round: A B C A B C; and whether the goal holds."""
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
    return {"records": records, "peer": lane.peer, "goal": lane.goal, "holds": holds, "programs": figures}


def run_lanes(bench, a):
    return {lane.name: run_lane(lane, bench, a) for lane in LANES if lane.name in a.lanes}


def run_scale(bench, a):
    lanes = [*a.lanes, *(more for more, lane in scale.MORE.items() if lane in a.lanes)]
    found = {}
    for sweep in a.sweeps:
        found[sweep.name] = scale.run(bench, sweep, lanes, 1 if a.quick else min(2, a.runs), a.quick)
        head, rows = page.scale_rows(found[sweep.name])
        print(f"\n{table.bold(sweep.title)}\n{table.plain(head, rows)}", flush=True)
    return found


def run_transforms(bench, a):
    found = transforms.run(bench, a.records, a.runs)
    print(f"\n{table.bold('Transforms, file → file')}\n{table.plain(*transforms.rows(found))}")
    for what, figure, most in transforms.aims(found):
        print(f"goal: {what}, at most {most:.2f}; it is {figure:.2f}: {'holds' if figure <= most else 'MISSED'}", flush=True)
    return found


def needs(a):
    if a.parts == ["transforms"]:
        return []
    if a.parts == ["scale"]:
        return scale.needs(a.sweeps, a.lanes)
    if a.page:
        return ["kafka", "elasticsearch"]
    return sorted({name for lane in LANES if lane.name in a.lanes for name in lane.needs})


def run_all(a, folder):
    table.progress("starting " + (", ".join(needs(a)) or "no server"))
    measure = {
        "startup": lambda bench: startup.run(bench, a.runs),
        "lanes": lambda bench: run_lanes(bench, a),
        "transforms": lambda bench: run_transforms(bench, a),
        "profile": lambda bench: profiles.run(bench, a.records),
        "scale": lambda bench: run_scale(bench, a),
    }
    servers = Servers(folder, needs(a))
    figures = {"machine": {}}
    try:
        bench = Bench(folder, servers, Meter(folder), Weir(a.build.resolve(), folder), Rsyslog(folder), a.seed)
        for part in a.parts:
            figures["machine"][part] = machine() | ({"note": a.note} if a.note else {})
            figures[part] = measure[part](bench)
            if a.json:
                Path(a.json).write_text(page.as_text(figures))
    finally:
        servers.down()
    if a.page:
        page.write(figures)
    return all(f["holds"] is not False for f in figures.get("lanes", {}).values())


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    kcat = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout.strip().splitlines()[-1]
    rsyslog = subprocess.run(["rsyslogd", "-v"], capture_output=True, text=True).stdout.splitlines()[0].strip()
    git = ["git", "-C", Path(__file__).parent, "rev-parse", "--short=7", "HEAD"]
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": subprocess.run(git, capture_output=True, text=True).stdout.strip() or "?",
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "kernel": os.uname().release,
        "kcat": kcat,
        "rsyslog": rsyslog,
    }


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
