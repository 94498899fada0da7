# SPDX-License-Identifier: BSD-2-Clause
"""One run: a lane is fed, weir carries, the schedule strikes; then everything is mended, and source and sink are counted.

What a fault may use is listed in README.md.  Main thread; feed.py and watch.py have their own."""
import pathlib
import re
import shutil
import signal
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field

import table
from feed import Feed
from lib.wait import until
from lib.weir import Weir
from schedule import schedule
from verify import Count, count
from watch import Watch

MIB = 1 << 20
BUDGET = 16 * MIB  # the pipelines' memory
LIMIT = BUDGET + 24 * MIB  # resident: code and libraries, and what servers send at once
PATIENCE = 120  # seconds in which the sink must gain something once all is well


@dataclass
class Result:
    lane: str
    faults: str
    seed: int
    strikes: int = 0
    kills: int = 0
    count: Count = field(default_factory=Count)
    recovery: float = 0.0  # seconds, the worst
    peak: int = 0  # bytes
    seconds: float = 0.0
    failure: str = ""
    folder: str = ""


class Run:
    def __init__(self, bench, lane, faults, seed, strikes, rate, away):
        self.bench, self.lane, self.seed = bench, lane, seed
        self.faults = [cls() for cls in faults]
        self.steps = schedule(seed, lane, self.faults, strikes)
        self.rate, self.away = rate, away
        self.result = Result(lane.name, "+".join(f.name for f in self.faults), seed)
        self.proxied = any("net" in f.needs for f in self.faults)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"weir-faults-{lane.name}-"))
        self.name = self.folder.name  # of topics, groups and indices
        self.out = self.folder / "out"
        self.budget = BUDGET
        self.weir = Weir(self.folder)
        self.options = {"pipeline": {"commit": "100ms", "memory": f"{BUDGET // MIB}M"}, "source": {}, "sink": {}}
        self.running = None
        self.begun = 0.0  # monotonic, of self.running
        self.feed = self.watch = None
        self.source = lane.source(self)
        self.sink = lane.sink(self)

    # --- for lanes and faults ---

    def brokers(self):
        return self.bench.brokers(self.proxied)

    def url(self):
        return self.bench.url(self.proxied)

    def pipeline(self, name):
        """Its name, which is in transactional ids too: no other run of the cluster has it."""
        return f"{self.name}-{name}"

    def ini(self, name="p"):
        """The pipeline as it is now, as a file; what a fault put into `options` wins."""
        sections = {section: dict(options) for section, options in self.options.items()}
        sections["pipeline"] |= {"name": self.pipeline(name)}
        sections["source"] = {**self.source.options(), **sections["source"]}
        sections["sink"] = {**self.sink.options(), **sections["sink"]}
        order = ["pipeline", "source", *(s for s in sections if s.startswith("transform")), "sink"]
        order += [s for s in sections if s not in order]
        text = "".join(f"[{s}]\n" + "".join(f"{k} = {v}\n" for k, v in sections[s].items()) for s in order)
        return self.weir.ini(text, name)

    def start(self):
        self.begun = time.monotonic()
        self.running = self.launch("p")
        return self.running

    def launch(self, name):
        """A weir process on pipeline NAME; its memory is watched."""
        running = self.weir.start([self.ini(name)])
        self.watch.pids.add(running.pid)
        return running

    def kill(self, running=None, stopping=False):
        """kill -9.  stopping: it was sent SIGTERM before, so it may have ended, and then must have ended well."""
        running = running or self.running
        self.watch.look_at_memory()
        if not stopping:
            self.check()
        running.kill()
        self.watch.pids.discard(running.pid)
        if stopping and running.process.returncode != -signal.SIGKILL:
            running.wait().ok()
        else:
            self.result.kills += 1

    def stop(self, running=None):
        """SIGTERM; weir drains, commits and ends well, and its books balance."""
        running = running or self.running
        self.wait(lambda: self.takes_signals(running), "weir takes signals")
        result = running.stop()
        self.watch.pids.discard(running.pid)
        return result.ok()

    def takes_signals(self, running=None):
        """Before that SIGTERM ends it as kill -9 does; from then on it is blocked, and read."""
        status = pathlib.Path(f"/proc/{(running or self.running).pid}/status").read_text()
        return int(re.search(r"SigBlk:\s+(\w+)", status)[1], 16) >> (signal.SIGTERM - 1) & 1

    def check(self):
        """weir is alive, and so is the feeder."""
        self.feed.check()
        if self.running and not self.running.alive():
            raise AssertionError(f"weir ended by itself ({self.running.process.returncode}):\n{tail(self.running.err)}")

    def pause(self, seconds, check=True):
        """Lets `seconds` go by: the schedule's time, not a wait for something."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if check:
                self.check()
            time.sleep(min(left, 0.2))

    def wait(self, condition, what, patience=PATIENCE):
        def ready():
            self.check()
            return condition()

        until(ready, lambda: f"{what}\n{tail(self.running.err) if self.running else ''}", patience)

    def recovered(self, since, counts=True):
        """Waits until the sink gains something; `since` (monotonic) everything is well.  counts: the time is a recovery.

        What a server finds in its own log when it is back is no gain: the first look after `since` is where counting begins."""
        watch = self.watch
        self.wait(lambda: watch.looked_at > since, "the sink can be looked at")
        base = watch.most
        self.wait(lambda: watch.most > base, "the sink gains something")
        if counts:
            self.result.recovery = max(self.result.recovery, time.monotonic() - since)

    def arrived(self):
        """Everything sent until now is in the sink, and committed.  The feeder must stand still."""
        while not quietly(self.sink.complete):  # however long it takes, as long as it goes on
            base = self.watch.most
            self.wait(lambda: quietly(self.sink.complete) or self.watch.most > base, "all that was sent is in the sink")
        self.wait(lambda: quietly(self.source.settled), "all is committed")

    # --- the run ---

    def go(self):
        begin = time.monotonic()
        try:
            self.strikes()
            self.end()
        except Exception as e:  # whatever it was, the seed and the folder are told
            self.result.failure = f"{type(e).__name__}: {e}".strip()
        finally:
            self.clean_up()
        self.result.seconds = time.monotonic() - begin
        return self.result

    def strikes(self):
        for f in self.faults:
            f.prepare(self)
        self.watch = Watch(self.sink)
        self.feed = Feed(self.source, self.rate)
        self.start()
        self.recovered(self.begun, counts=False)  # the first start makes topics known and joins a new group
        for i, step in enumerate(self.steps):
            table.progress(f"{self.result.lane} {self.result.faults} seed {self.seed}: strike {i} of {len(self.steps)}, next {step}")
            self.pause(step.gap)
            step.fault.strike(self, **step.drawn)
            self.result.strikes += 1

    def end(self):
        """Healed, everything arrives by itself; then a last run finds nothing left undone; then it is counted."""
        for f in self.faults:
            f.heal(self)
        self.recovered(time.monotonic())
        self.feed.finish()
        self.arrived()
        self.stop()
        self.running = None
        self.weir.run([self.ini()]).ok()
        self.result.count = count(self.source.sent, self.sink.read(), self.lane.ordered)
        self.judge()
        for f in self.faults:
            f.finish(self)

    def judge(self):
        c = self.result.count
        bad = [f"{n} {what}" for n, what in ((c.missing, "missing"), (c.reordered, "reordered"), (c.foreign, "never sent")) if n]
        if c.duplicated and self.lane.once:
            bad.append(f"{c.duplicated} duplicated")
        if self.watch.peak > LIMIT:
            bad.append(f"{self.watch.peak / MIB:.1f} MiB resident")
        if bad:
            raise AssertionError(", ".join(bad))

    def clean_up(self):
        """Nothing of the run stays but, after a failure, its folder."""
        steps = [lambda f=f: f.heal(self) for f in self.faults]
        steps += [self.feed.finish] if self.feed else []
        steps += [self.watch.stop] if self.watch else []
        steps += [self.weir.end]
        steps += [] if self.result.failure else [self.sink.stop]
        for step in steps:
            try:
                step()
            except Exception as e:  # the first failure is the one to tell
                self.result.failure = self.result.failure or f"afterwards: {e}"
        self.result.peak = self.watch.peak if self.watch else 0
        if self.result.failure:
            self.result.folder = str(self.folder)
            (self.folder / "schedule").write_text("".join(f"{s}\n" for s in self.steps))
        else:
            shutil.rmtree(self.folder)


def quietly(condition):
    """False while a server does not answer."""
    try:
        return condition()
    except (OSError, sqlite3.Error):
        return False


def tail(text, lines=25):
    return "\n".join(re.sub(r"\s+$", "", line) for line in text.splitlines()[-lines:])
