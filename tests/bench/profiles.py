# SPDX-License-Identifier: BSD-2-Clause
"""Where the CPU of a lane goes: weir under perf, its samples by thread, by library and by function.

The clock of the CPU is sampled, so that it works in a virtual machine too; each lane runs once."""
import re
import subprocess
from collections import Counter

from lanes import LANES, clean, to_elastic, to_file, to_kafka
from measure import BenchError

HERTZ = 4999
PLACES = ("kernel", "C library", "librdkafka", "weir", "other")
RUNNERS = {"kafka-file": to_file, "file-file": to_file, "file-kafka": to_kafka, "kafka-es": to_elastic}


def place(library):
    if library.startswith("[kernel"):
        return "kernel"
    if library.startswith(("libc.so", "ld-linux", "[vdso")):
        return "C library"
    if library.startswith("librdkafka"):
        return "librdkafka"
    return "weir" if library in ("weir", "kafka.so", "file.so", "elasticsearch.so", "std.so") else "other"


def thread(name):
    """Threads of one kind have one name."""
    if name.startswith("rdk:broker"):
        return "librdkafka: brokers"
    if name.startswith("rdk:"):
        return "librdkafka: others"
    return re.sub(r"[ _-]?\d+$", "", name)


def samples(file):
    """(thread, library, function, samples), the most first."""
    command = ["perf", "report", "-i", file, "--stdio", "--no-children", "-F", "sample,comm,dso,sym", "-t", "|"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"perf report: {done.stderr[-500:]}")
    rows = []
    for line in done.stdout.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 4 and parts[0].isdigit():
            rows.append((parts[1], parts[2], re.sub(r"^\[.\] ", "", parts[3]), int(parts[0])))
    return rows


def summary(rows, records):
    total = sum(n for *_, n in rows)
    threads, functions = {}, Counter()
    for comm, library, function, n in rows:
        threads.setdefault(thread(comm), Counter())[place(library)] += n
        functions[(function, place(library))] += n
    us = 1e6 / HERTZ / records
    return {
        "samples": total,
        "us": round(total * us, 4),
        "threads": {
            name: {p: round(n * us, 4) for p, n in c.items()}
            for name, c in sorted(threads.items(), key=lambda item: -sum(item[1].values()))
        },
        "functions": [(name, p, round(n / total, 4)) for (name, p), n in functions.most_common(10)],
    }


def under_perf(b, lane, job):
    """The lane's own job of weir, with perf before its command."""
    file = b.folder / "perf.data"
    record = ["perf", "record", "-q", "-F", str(HERTZ), "-e", "cpu-clock", "-o", file, "--"]
    runner, make = RUNNERS[lane.name], job.run.args[2]
    run = b.meter.run
    b.meter.run = lambda command, out=None, env=None: run([*record, *command], out, env)
    try:
        runner(b, "profile", make, False, 0)
    finally:
        b.meter.run = run
    rows = samples(file)
    clean(file)
    if not rows:
        raise BenchError(f"perf took no sample of {lane.title}")
    return summary(rows, b.records)


def run(b, records):
    """{lane: summary}"""
    found = {}
    for lane in LANES:
        b.load(max(1000, int(records * lane.share)))
        job = next(job for job in lane.prepare(b) if job.name == "weir")
        found[lane.name] = under_perf(b, lane, job)
    return found
