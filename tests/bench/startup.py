# SPDX-License-Identifier: BSD-2-Clause
"""From the start of a program to its first record, Kafka → file, and what it holds while nothing comes."""
import os
import time
from statistics import median

from lanes import clean, file_size, from_topic
from programs import kcat_read

IDLE = 1.5  # seconds after the first record until the program counts as idle, and for which it is watched then


class Watch:
    """progress() of a program: 1 once it has written and was watched idle.  One run gives all three figures."""

    def __init__(self, path):
        self.path, self.pid, self.begin = path, None, time.monotonic()
        self.first = self.rss = self.waits = self.watched = None

    def waits_now(self):
        tasks = (self.status(f"task/{t}/status", "voluntary_ctxt_switches") for t in self.tasks())
        return sum(tasks)

    def tasks(self):
        return os.listdir(f"/proc/{self.pid}/task")

    def status(self, file, name):
        with open(f"/proc/{self.pid}/{file}") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(name + ":"))

    def __call__(self):
        now = time.monotonic()
        if self.first is None:
            self.first = now - self.begin if file_size(self.path) else None
        elif self.watched is None and now >= self.begin + self.first + IDLE:
            self.watched, self.waits = now, self.waits_now()
        elif self.watched is not None and now >= self.watched + IDLE:
            self.rss = self.status("status", "VmRSS") * 1024
            self.waits = (self.waits_now() - self.waits) / (now - self.watched)
            return 1
        return 0


def programs(b):
    """Name and word -> (command, the file it writes)."""
    brokers, output = b.servers.kafka.brokers, b.folder / "output"

    def weir(word):
        ini, path = b.folder / f"{word}.ini", b.folder / f"{word}.out"
        b.weir.write(ini, {"source": from_topic(b, word), "sink": {"plugin": "file", "path": path}})
        return b.weir.run(b.folder / f"{word}.state", ini, end=False), path

    def kcat(word):
        return [*(part for part in kcat_read(brokers, b.topic) if part != "-e"), "-u"], output

    def rsyslog(word):
        path = b.folder / f"{word}.out"
        return b.rsyslog.command(word, b.rsyslog.from_kafka(brokers, b.topic, word), b.rsyslog.to_file(path)), path

    return {"weir": weir, "kcat": kcat, "rsyslog": rsyslog}


def once(b, name, make, turn):
    word = b.fresh("start", name, turn)
    command, path = make(word)
    clean(path)
    env = b.weir.env if name == "weir" else None
    watch = Watch(path)
    started = b.meter.start(command, b.folder / "output", env)
    watch.pid, watch.begin = started.pid, started.started
    cost = started.until(watch, 1, interval=0.001)
    clean(path, b.folder / f"{word}.state")
    return {"first": watch.first, "idle_rss": watch.rss, "idle_waits": watch.waits, "cpu": cost.cpu}


def run(b, runs):
    """{program: {figure: median}}, of a topic of a thousand records."""
    b.load(1000)
    b.load_topic("start")
    found = {}
    for turn in range(runs):
        for name, make in programs(b).items():
            found.setdefault(name, []).append(once(b, name, make, turn))
    return {name: {k: round(median(r[k] for r in all_of), 4) for k in all_of[0]} for name, all_of in found.items()}
