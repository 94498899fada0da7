# SPDX-License-Identifier: BSD-2-Clause
"""Runs a case under callgrind, once with N records and once with 2 N: the difference is what N records cost.

So start and end of weir drop out.  Counted is what belongs to weir and its plugins: the threads of librdkafka and libcurl poll as
long as they happen to wait, and the C library chooses its memcpy by the processor.  Waits are counted by the kernel, without
callgrind, which lets one thread run at a time."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import callgrind
import inputs
from peers import Broker, Search

RECORDS = 5000  # twice as many stay below the 5 MB that a partition of the mock broker holds
SIZES = (RECORDS, 2 * RECORDS)
MANY, PARTITIONS = 50000, 16  # where waits are counted
AT_ONCE = 4  # more than there are processors: what reads Kafka waits three seconds for its group
ALLOCATES = {"malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "posix_memalign", "strdup", "strndup"}
INPUTS = {"lines": inputs.line, "records": inputs.record, "docker": inputs.docker, "csv": inputs.csv,
          "logfmt": inputs.logfmt, "syslog": inputs.syslog, "access": inputs.access}
PIPELINE = "[pipeline]\ncommit = 1h\n[source]\n{source}{transform}[sink]\n{sink}"


class CostError(Exception):
    pass


@dataclass
class Cost:
    """Per record."""

    instructions: float
    calls: float  # into other libraries
    allocations: float
    functions: list  # (instructions, object, function), the dearest first
    called: list  # (calls, object that calls, function), the most often first


class Bench:
    def __init__(self, weir, plugins, folder, cases):
        self.weir, self.plugins, self.folder, self.cases = Path(weir).resolve(), Path(plugins).resolve(), Path(folder), cases
        self.given = [(name, size) for name in sorted({case.input for case in cases}) for size in SIZES]
        if any(case.hot for case in cases):
            self.given.append(("lines", MANY))
        self.objects = {self.weir, *(so.resolve() for so in self.plugins.glob("*.so"))}
        self.broker = self.search = None
        for name, size in self.given:
            with open(self.input(name, size), "w", encoding="utf-8") as f:
                f.writelines(INPUTS[name](n) for n in range(size))

    def __enter__(self):
        needs = {plugin for case in self.cases for plugin in case.needs}
        if "elasticsearch" in needs:
            self.search = Search()
        if "kafka" in needs:
            self.start_broker()
        return self

    def __exit__(self, *_):
        for peer in (self.broker, self.search):
            if peer:
                peer.stop()

    def input(self, name, size):
        return self.folder / f"{name}-{size}"

    def start_broker(self):
        """One partition a topic, so that there is one order, unless the case wants more; many records do not fit into one."""
        sinks = [f"{case.name}-{size}:{PARTITIONS if size == MANY else 1}" for case in self.cases for size in (*SIZES, MANY)]
        read = {(case.input, case.partitions) for case in self.cases if "kafka" in case.needs}
        given = [(name, size, partitions) for name, partitions in sorted(read) for size in SIZES]
        if ("lines", MANY) in self.given:
            given.append(("lines", MANY, PARTITIONS))
        self.broker = Broker(self.weir.parent / "demo" / "mock-broker", sinks + [f"{topic(*g)}:{g[2]}" for g in given])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.fill, *zip(*given)))

    def fill(self, name, size, partitions):
        into = topic(name, size, partitions)
        text = PIPELINE.format(
            transform="",
            source=f"plugin = file\npath = {self.input(name, size)}\n" + ("format = record\n" if name == "records" else ""),
            sink=f"plugin = kafka\nbrokers = {self.broker.address}\ntopic = {into}\n"
            + ("key = {.n}\n" if partitions > 1 else ""),
        )
        self.run(f"fill-{into}", text, size, [])

    def run(self, name, text, size, prefix, stdin=os.devnull):
        """weir to its end, which must have delivered all; returns what the kernel counted."""
        folder = self.folder / name
        folder.mkdir()
        ini, log = folder / "pipeline.ini", folder / "log"
        ini.write_text(text, encoding="utf-8")
        command = [*prefix, self.weir, "run", "--until-end", "--state-dir", folder / "state", ini]
        env = {**os.environ, "WEIR_PLUGIN_PATH": str(self.plugins), "NO_COLOR": "1"}
        with open(stdin, "rb") as given, open(folder / "stdout", "wb") as out, open(log, "wb") as err:
            process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, env=env)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        said = log.read_text(encoding="utf-8", errors="replace")
        if process.returncode != 0 or f": read {size} = " not in said or "undelivered 0" not in said:
            raise CostError(f"{name}: weir did not deliver {size} records:\n{said}")
        return used

    def run_case(self, case, size, prefix=()):
        name = f"{case.name}-{size}"
        known = {"input": self.input(case.input, size), "output": self.folder / name, "fresh": name, "group": name,
                 "topic": topic(case.input, size, PARTITIONS if size == MANY else case.partitions), "brokers": self.broker and self.broker.address,
                 "url": self.search and self.search.url}
        transform = f"[transform it]\n{case.transform}" if case.transform else ""
        text = PIPELINE.format(source=case.source.format(**known), sink=case.sink.format(**known), transform=transform)
        return self.run(name, text, size, prefix, known["input"])

    def count(self, case, size):
        found = self.folder / f"{case.name}-{size}.callgrind"
        self.run_case(case, size, ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={found}"])
        return callgrind.read(found)

    def costs(self):
        """Cases and what a record costs."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            runs = [(case, [pool.submit(self.count, case, size) for size in SIZES]) for case in self.cases]
            for case, (single, double) in runs:
                yield case, self.cost(double.result().minus(single.result()))

    def waits(self):
        """Hot cases and how often a record made a thread of the process wait, start and end included."""
        hot = [case for case in self.cases if case.hot]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(hot, pool.map(lambda case: self.run_case(case, MANY).ru_nvcsw / MANY, hot))

    def ours(self, thing):
        return Path(thing[0]) in self.objects

    def cost(self, counts):
        own = {f: n / RECORDS for f, n in counts.own.items() if self.ours(f)}
        called = {}
        for (here, there), n in counts.calls.items():
            if self.ours(here) and not self.ours(there):
                key = (Path(here[0]).name, plain(there[1]))
                called[key] = called.get(key, 0) + n / RECORDS
        return Cost(
            sum(own.values()),
            sum(called.values()),
            sum(n for (_, name), n in called.items() if name in ALLOCATES),
            sorted(((n, Path(f[0]).name, f[1]) for f, n in own.items()), reverse=True),
            sorted(((n, *key) for key, n in called.items()), reverse=True),
        )


def topic(name, size, partitions):
    return f"{name}-{size}-{partitions}"


def plain(function):
    """Without the symbol's version."""
    return function.partition("@")[0]
