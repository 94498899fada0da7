# SPDX-License-Identifier: BSD-2-Clause
"""What a record costs as something grows: records, partitions, their size, pipelines of one process, workers.

A point is one lane at one value.  It is run in pairs: once with nothing to read (the lanes are opened, the positions
stored, nothing else), once with all records.  The difference of the CPU, divided by the records, is the cost of a record.
There are two pairs, and up to five where they take little time; the middle one counts, of an even number the lower, since
other work on the machine only ever adds.  Each output is compared with its input as everywhere in this bench."""
import os
import time
from dataclasses import asdict, dataclass, replace

import data
import table
from lanes import Bench, clean
from programs import kcat_read, kcat_write

MIB = 1 << 20
BARE = {  # documents are kept and counted, hardly indexed: what is measured is the client
    "settings": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
    "mappings": {"dynamic": False, "properties": {"n": {"type": "long"}}},
}


@dataclass(frozen=True)
class Shape:
    records: int = 300_000
    size: int = data.SIZE
    partitions: int = 3
    pipelines: int = 1
    workers: int = 0  # 0: no transform, and so no thread for one


@dataclass(frozen=True)
class Sweep:
    name: str
    title: str
    axis: str
    lanes: tuple
    values: tuple
    quick: tuple
    shape: object  # value -> Shape


def of_size(size):
    """As many records as fill 96 MB, so that the start is small beside them."""
    return Shape(records=min(300_000, 96_000_000 // size), size=size)


ALL = ("kafka-file", "kafka-es", "file-kafka", "file-file")
SPREAD = "file-kafka-spread"  # each record to a partition at random, as with keys: the same where there is one
LIMIT = "limit"  # kcat to /dev/null: what librdkafka alone costs
LIMIT_WRITE = "limit-write"  # kcat with weir's guarantee, spread likewise: the same of a producer
LIMITS = {LIMIT: "kafka-file", LIMIT_WRITE: SPREAD}  # and which lane they are the limit of
AT_RANDOM = {"sticky.partitioning.linger.ms": 0}
TO_KAFKA = ("file-kafka", SPREAD)
MORE = {SPREAD: "file-kafka", LIMIT: "kafka-file", LIMIT_WRITE: "file-kafka"}  # what is measured with a lane
PAIRS, PATIENCE = 5, 4.0  # most pairs for a point; no further one after so many seconds
# Who shares a topic or a file; others come last.
RUN_ORDER = ("kafka-file", LIMIT, "file-kafka", SPREAD, LIMIT_WRITE, "file-file", "kafka-es")
SWEEPS = (
    Sweep(
        "records", "Records read", "records", ALL, (10_000, 30_000, 100_000, 300_000, 1_000_000),
        (1000, 5000), lambda x: Shape(records=x),
    ),
    Sweep(
        "size", "Size of a record", "bytes of a record", (*ALL, LIMIT),
        (100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, MIB), (100, 10_000, MIB), of_size,
    ),
    Sweep(
        "partitions", "Partitions of the topic", "partitions",
        ("kafka-file", "kafka-es", "file-kafka", SPREAD, LIMIT, LIMIT_WRITE),
        (1, 3, 10, 30, 100, 300, 1000), (1, 10), lambda x: Shape(partitions=x),
    ),
    Sweep(
        "pipelines", "Pipelines in one process", "pipelines", ("kafka-file", "file-file"), (1, 2, 5, 10, 20, 50),
        (1, 3), lambda x: Shape(pipelines=x, partitions=1),
    ),
    Sweep(
        "workers", "Workers, with a filter that reads each record", "workers", ("kafka-file", "kafka-es"), (1, 2, 4, 8),
        (1, 2), lambda x: Shape(workers=x, partitions=8),
    ),
)  # fmt: skip
NAMES = ",".join(sweep.name for sweep in SWEEPS)
ES_SHARE = 3  # Elasticsearch gets so many times fewer records: its own work fills the time


def lanes_of(sweeps, wanted):
    return [lane for lane in (*ALL, *MORE) if lane in wanted and any(lane in s.lanes for s in sweeps)]


def needs(sweeps, wanted):
    lanes = lanes_of(sweeps, wanted)
    kafka = any(lane != "file-file" for lane in lanes)
    return [*(["kafka"] if kafka else []), *(["elasticsearch"] if "kafka-es" in lanes else [])]


class Rig:
    """Makes inputs and topics for a shape, and keeps them until another shape is asked for."""

    def __init__(self, bench: Bench):
        self.b = bench
        self.files, self.topics, self.made = None, None, (None, None)

    def inputs(self, shape):
        key = (shape.records, shape.size, shape.pipelines)
        if self.made[0] != key:
            self.forget()
            each = max(1, shape.records // shape.pipelines)
            paths = [self.b.folder / f"scale-{i}.ndjson" for i in range(shape.pipelines)]
            self.files = [(path, data.make(path, each, self.b.seed + i, shape.size)) for i, path in enumerate(paths)]
            os.sync()  # or the first fsync of a run has to write the inputs too
            self.made = (key, None)
        return self.files

    def filled(self, shape):
        """Names of the topics, one for each pipeline."""
        files = self.inputs(shape)
        if self.made != (self.made[0], shape.partitions):
            self.drop_topics()
            self.topics = [self.b.fresh("scale", i) for i in range(shape.pipelines)]
            for topic, (path, _) in zip(self.topics, files):
                self.b.servers.kafka.fill(topic, path, shape.partitions)
            self.made = (self.made[0], shape.partitions)
        return self.topics

    def drop_topics(self):
        for topic in self.topics or ():
            self.b.servers.kafka.delete(topic)
        self.topics = None

    def forget(self):
        self.drop_topics()
        clean(*(path for path, _ in self.files or ()))
        self.files, self.made = None, (None, None)

    # ---- one run ----
    def source(self, lane, shape, i, word, nothing):
        if lane.startswith("file"):
            start = {"start": "end"} if nothing else {}
            return {"plugin": "file", "path": self.inputs(shape)[i][0], "max-line": "2M"} | start
        start = {"start": "latest"} if nothing else {}
        brokers = self.b.servers.kafka.brokers
        return {"plugin": "kafka", "brokers": brokers, "topics": self.filled(shape)[i], "group": f"{word}-{i}"} | start

    def sink(self, lane, shape, i, word):
        if lane.endswith("-file"):
            return {"plugin": "file", "path": self.b.folder / f"{word}-{i}.out"}
        if lane.endswith("-es"):
            return {"plugin": "elasticsearch", "url": self.b.servers.es.url, "index": f"{word}-{i}"}
        spread = {f"rdkafka.{name}": value for name, value in AT_RANDOM.items() if lane == SPREAD}
        return {"plugin": "kafka", "brokers": self.b.servers.kafka.brokers, "topic": f"{word}-{i}"} | spread

    def open_targets(self, lane, shape, word):
        for i in range(shape.pipelines):
            if lane in TO_KAFKA:
                self.b.servers.kafka.create(f"{word}-{i}", shape.partitions)
            elif lane.endswith("-es"):
                self.b.servers.es.create(f"{word}-{i}", BARE)

    def outcome(self, lane, shape, word):
        """The fingerprint of what came out, which is removed."""
        found = data.Print(0, 0)
        for i in range(shape.pipelines):
            name = f"{word}-{i}"
            if lane.endswith("-file"):
                path = self.b.folder / f"{name}.out"
                found += data.of_file(path) if path.exists() else data.Print(0, 0)
                clean(path)
            elif lane in TO_KAFKA:
                found += self.b.servers.kafka.print_of(name)
                self.b.servers.kafka.delete(name)
            else:
                found += self.b.servers.es.print_of(name, max(1, min(10_000, 8 * MIB // shape.size)))
                self.b.servers.es.delete(name)
        return found

    def run_weir(self, lane, shape, nothing):
        word = self.b.fresh("scale", lane)
        conf = self.b.folder / word
        conf.mkdir()
        for i in range(shape.pipelines):
            sections = {"pipeline": {}, "source": self.source(lane, shape, i, word, nothing)}
            if shape.workers:
                sections["pipeline"] = {"workers": shape.workers}
                sections["transform all"] = {"plugin": "filter", "when": ".n >= 0"}
            self.b.weir.write(conf / f"{word}-{i}.ini", sections | {"sink": self.sink(lane, shape, i, word)})
        self.open_targets(lane, shape, word)
        state = self.b.folder / f"{word}.state"
        cost = self.b.meter.run(self.b.weir.run(state, conf), self.b.folder / "output", self.b.weir.env)
        expected = data.Print(0, 0)
        for _, each in () if nothing else self.inputs(shape):
            expected += each
        self.b.compare(f"weir, {lane}, {shape}", self.outcome(lane, shape, word), expected)
        clean(conf, state)
        return cost

    def run_limit(self, shape, nothing):
        command = kcat_read(self.b.servers.kafka.brokers, self.filled(shape)[0], "end" if nothing else "beginning")
        return self.b.meter.run(command, "/dev/null")

    def run_limit_write(self, shape, nothing):
        word = self.b.fresh("scale", LIMIT_WRITE)
        path, expected = self.inputs(shape)[0]
        same = {"enable.idempotence": "true", "topic.partitioner": "murmur2_random"} | AT_RANDOM
        options = [text for name, value in same.items() for text in ("-X", f"{name}={value}")]
        kafka = self.b.servers.kafka
        kafka.create(word, shape.partitions)
        cost = self.b.meter.run(kcat_write(kafka.brokers, word, "/dev/null" if nothing else path, *options))
        found = kafka.print_of(word)
        kafka.delete(word)
        self.b.compare(f"kcat, {LIMIT_WRITE}, {shape}", found, data.Print(0, 0) if nothing else expected)
        return cost

    def run(self, lane, shape, nothing):
        if lane == LIMIT:
            return self.run_limit(shape, nothing)
        if lane == LIMIT_WRITE:
            return self.run_limit_write(shape, nothing)
        return self.run_weir(lane, shape, nothing)


def middle(pairs):
    """The pair whose records cost the median; of an even number the lower."""
    return sorted(pairs, key=lambda pair: pair[1].cpu - pair[0].cpu)[(len(pairs) - 1) // 2]


def point(rig, lane, shape, value, least, most):
    """One point: the figures that a table and a plot are made of."""
    pairs, began = [], time.monotonic()
    while len(pairs) < least or (len(pairs) < most and time.monotonic() - began < PATIENCE):
        pairs.append((rig.run(lane, shape, True), rig.run(lane, shape, False)))
    nothing, whole = middle(pairs)
    counts = [p[1].instructions - p[0].instructions for p in pairs if p[0].instructions > 0]
    return asdict(shape) | {
        "value": value,
        "pairs": len(pairs),
        "start_ms": round(nothing.cpu * 1e3, 1),
        "us": round(max(0.0, whole.cpu - nothing.cpu) / shape.records * 1e6, 4),
        "wall": round(whole.wall, 3),
        "rss": whole.rss,
        "instructions": round(min(counts) / shape.records) if counts else None,
    }


def shape_of(sweep, lane, value, quick):
    shape = sweep.shape(value)
    if quick:
        shape = replace(shape, records=max(3, shape.records // 100) if shape.records > 5000 else shape.records)
    if lane == "kafka-es" and not quick:
        shape = replace(shape, records=max(64, shape.records // ES_SHARE))
    return shape


def run(bench, sweep, lanes, runs, quick=False):
    """{lane: [point, ...]}"""
    rig = Rig(bench)
    found = {lane: [] for lane in lanes_of([sweep], lanes)}
    for value in sweep.quick if quick else sweep.values:
        for lane in sorted(found, key=RUN_ORDER.index):
            table.progress(f"{sweep.title}: {value}, {lane}")
            shape = shape_of(sweep, lane, value, quick)
            found[lane].append(point(rig, lane, shape, value, runs, runs if quick else max(runs, PAIRS)))
    rig.forget()
    clean(bench.folder / "output")
    table.progress("")
    return found


# ---- what the figures say ----------------------------------------------------------------------------------------
def fit(points):
    """a, b of us = a + b * size with the least sum of squared relative errors; neither below 0."""
    xs, ys = [p["size"] for p in points], [max(p["us"], 1e-6) for p in points]
    w = [1 / (y * y) for y in ys]
    s0, sx, sxx = sum(w), sum(a * x for a, x in zip(w, xs)), sum(a * x * x for a, x in zip(w, xs))
    sy, sxy = sum(a * y for a, y in zip(w, ys)), sum(a * x * y for a, x, y in zip(w, xs, ys))
    det = s0 * sxx - sx * sx
    a, b = (sy * sxx - sx * sxy) / det, (s0 * sxy - sx * sy) / det
    if a < 0:
        return 0.0, sxy / sxx
    if b < 0:
        return sy / s0, 0.0
    return a, b


def worst(points, line):
    """How many times the fit the most expensive size costs, and which it is."""
    a, b = line
    return max((p["us"] / (a + b * p["size"]), p["size"]) for p in points)
