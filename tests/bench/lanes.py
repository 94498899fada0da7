# SPDX-License-Identifier: BSD-2-Clause
"""The four lanes: which programs run, in which order, against which peer weir is judged, how an output is checked.

A lane's prepare() gives its jobs; a job runs one program once and returns its cost after its whole output was compared
with the input.  What a run made is removed at once, so the disk holds one output at a time."""
import itertools
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

import data
from measure import BenchError
from programs import kcat_read, kcat_write

SMALL = "16M"
CHECKS = "rsyslog with mmjsonparse"


@dataclass
class Job:
    name: str
    run: Callable  # (round) -> Cost
    limit: bool = False  # no peer: what the work costs at the least
    memory: bool = False  # only with --memory


@dataclass
class Lane:
    name: str
    title: str
    peer: str  # the job that weir is measured by
    goal: float  # weir's CPU is at most so many times the peer's
    needs: tuple  # servers
    prepare: Callable
    aim: tuple  # where weir is to get: so many times the CPU of which job
    memory: tuple  # and the peak RSS, in MB, with little memory and by default
    limit: tuple  # the jobs that together do the least that has to be done
    share: float = 1.0  # of --records


class Bench:
    """What the lanes share: folder, servers, programs, input."""

    def __init__(self, folder, servers, meter, weir, rsyslog, seed):
        self.folder, self.servers, self.meter = Path(folder), servers, meter
        self.weir, self.rsyslog, self.seed = weir, rsyslog, seed
        self.full = self.input = self.topic = self.print = None
        self.records = 0
        self.serial = itertools.count()

    def load(self, records):
        """Makes the input, if another lane with as many records has not."""
        if self.records == records:
            return
        if self.topic:
            self.servers.kafka.delete(self.topic)
        self.input = self.folder / "input.ndjson"
        self.topic = None
        self.print = data.make(self.input, records, self.seed)
        os.sync()  # or the first fsync of a run has to write the input too
        self.records = records

    def load_topic(self, lane):
        if self.topic:
            return
        self.topic = self.fresh(lane, "input")
        self.servers.kafka.fill(self.topic, self.input)
        self.check("kcat, filling the topic", self.servers.kafka.print_of(self.topic))

    def fresh(self, *words):
        """A name for a topic, a group, an index that nobody used."""
        words = ("bench", os.getpid(), next(self.serial), *words)
        return "-".join(map(str, words)).replace(" ", "-").replace("=", "-").lower()

    def check(self, who, found):
        self.compare(who, found, self.print)

    def compare(self, who, found, expected):
        if found != expected:
            said = self.meter.said()
            raise BenchError(f"{who} lost or changed records\n  input:  {expected}\n  output: {found}\n{said}")

    def work(self, name, command, progress=None, target=0):
        """A program to its end, or a daemon until progress() reaches target."""
        weir = command[0] == self.weir.program
        if progress:
            return self.meter.start(command).until(progress, target)
        return self.meter.run(command, self.folder / "output", self.weir.env if weir else None)


def file_size(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def clean(*paths):
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


# ---- what is common to the runs of a program ---------------------------------------------------------------------
def to_file(b, name, make, daemon, turn):
    """make(word, path) gives the command that writes path; None for path: to standard output."""
    word = b.fresh(name, turn)
    path = b.folder / "output"
    clean(path)
    waiting = (lambda: file_size(path), b.input.stat().st_size) if daemon else (None, 0)
    cost = b.work(name, make(word, path), *waiting)
    b.check(name, data.of_file(path))
    clean(path, b.folder / f"{word}.state")
    return cost


def to_kafka(b, name, make, daemon, turn):
    word = b.fresh(name, turn)
    kafka = b.servers.kafka
    kafka.create(word)
    waiting = (lambda: kafka.count(word), b.records) if daemon else (None, 0)
    cost = b.work(name, make(word, word), *waiting)
    b.check(name, kafka.print_of(word))
    kafka.delete(word)
    clean(b.folder / f"{word}.state")
    return cost


def to_elastic(b, name, make, daemon, turn):
    word = b.fresh(name, turn)
    es = b.servers.es
    es.create(word)
    waiting = (lambda: es.count(word), b.records) if daemon else (None, 0)
    cost = b.work(name, make(word, word), *waiting)
    b.check(name, es.print_of(word))
    es.delete(word)
    clean(b.folder / f"{word}.state")
    return cost


def unread(b, name, command, turn):
    """A limit: its output goes nowhere."""
    return b.meter.run(command, "/dev/null")


def weir_jobs(b, run, make, fsync):
    """weir as it is, with what its guarantee costs beside, and in little memory."""
    jobs = [Job("weir", partial(run, b, "weir", partial(make, {}, None), False))]
    if fsync:
        options = {"fsync": "none"}
        jobs.append(Job("weir fsync=none", partial(run, b, "weir fsync=none", partial(make, options, None), False)))
    small = f"weir memory={SMALL}"
    jobs.append(Job(small, partial(run, b, small, partial(make, {}, SMALL), False), memory=True))
    return jobs


# ---- the lanes ---------------------------------------------------------------------------------------------------
def from_topic(b, group):
    return {"plugin": "kafka", "brokers": b.servers.kafka.brokers, "topics": b.topic, "group": group}


def kafka_file(b):
    b.load_topic("kafka-file")
    brokers = b.servers.kafka.brokers

    def weir(options, memory, word, path):
        return b.weir.command(word, from_topic(b, word), {"plugin": "file", "path": path} | options, memory)

    def rsyslog(word, path):
        return b.rsyslog.command(word, b.rsyslog.from_kafka(brokers, b.topic, word), b.rsyslog.to_file(path))

    read = kcat_read(brokers, b.topic)
    return [
        *weir_jobs(b, to_file, weir, True),
        Job("kcat", partial(to_file, b, "kcat", lambda word, path: read, False)),
        Job("rsyslog", partial(to_file, b, "rsyslog", rsyslog, True)),
        Job("limit: kcat to /dev/null", partial(unread, b, "kcat", read), limit=True),
    ]


NO_INDEX = "index-of-the-run"


def ready_posts(b, url):
    """The bulk requests of the whole input, of weir's size, as files; and what tells curl to send one after the other."""
    requests, body, each = [], [], 4000
    asked = f"{url}/{NO_INDEX}/_bulk?filter_path=errors,took,items.*.status,items.*.error.type,items.*.error.reason"

    def end():
        path = b.folder / f"body-{len(requests)}"
        path.write_bytes(b"".join(body))
        body.clear()
        requests.append(
            f'url = "{asked}"\ndata-binary = "@{path}"\nheader = "Content-Type: application/x-ndjson"\n'
            'header = "Expect:"\noutput = "/dev/null"\n'
        )

    with open(b.input, "rb") as lines:
        for n, line in enumerate(lines):
            body += (b'{"index":{"_id":"input+%d+%d"}}\n' % (n % 3, n), line)
            if len(body) == 2 * each:
                end()
    if body:
        end()
    conf = b.folder / "posts"
    conf.write_text("next\n".join(requests))
    return conf


def kafka_es(b):
    b.load_topic("kafka-es")
    brokers = b.servers.kafka.brokers
    url = b.servers.es.url

    def weir(options, memory, word, index):
        sink = {"plugin": "elasticsearch", "url": url, "index": index} | options
        return b.weir.command(word, from_topic(b, word), sink, memory)

    def rsyslog(check, word, index):
        source = b.rsyslog.from_kafka(brokers, b.topic, word)
        return b.rsyslog.command(word, source, b.rsyslog.to_elasticsearch(url, index), check=check)

    posts = ready_posts(b, url)

    def poster(word, index):
        conf = b.folder / f"{word}.curl"
        conf.write_text(posts.read_text().replace(NO_INDEX, index))
        return ["curl", "--silent", "--show-error", "--fail", "--config", conf]

    return [
        *weir_jobs(b, to_elastic, weir, False),
        Job("rsyslog", partial(to_elastic, b, "rsyslog", partial(rsyslog, False), True)),
        Job(CHECKS, partial(to_elastic, b, CHECKS, partial(rsyslog, True), True)),
        Job("limit: kcat to /dev/null", partial(unread, b, "kcat", kcat_read(brokers, b.topic)), limit=True),
        Job("limit: curl, ready bodies", partial(to_elastic, b, "curl", poster, False), limit=True),
    ]


def file_kafka(b):
    brokers = b.servers.kafka.brokers
    safe = ("-X", "enable.idempotence=true")

    def weir(options, memory, word, topic):
        source = {"plugin": "file", "path": b.input}
        return b.weir.command(word, source, {"plugin": "kafka", "brokers": brokers, "topic": topic} | options, memory)

    def rsyslog(word, topic):
        return b.rsyslog.command(word, b.rsyslog.from_file(b.input), b.rsyslog.to_kafka(brokers, topic))

    def kcat(*options):
        return lambda word, topic: kcat_write(brokers, topic, b.input, *options)

    return [
        *weir_jobs(b, to_kafka, weir, False),
        Job("kcat", partial(to_kafka, b, "kcat", kcat(), False)),
        Job("kcat idempotent", partial(to_kafka, b, "kcat idempotent", kcat(*safe), False)),
        Job("rsyslog", partial(to_kafka, b, "rsyslog", rsyslog, True)),
    ]


def file_file(b):
    def weir(options, memory, word, path):
        source = {"plugin": "file", "path": b.input}
        return b.weir.command(word, source, {"plugin": "file", "path": path} | options, memory)

    def rsyslog(word, path):
        return b.rsyslog.command(word, b.rsyslog.from_file(b.input), b.rsyslog.to_file(path))

    cat = ["cat", b.input]
    return [
        *weir_jobs(b, to_file, weir, True),
        Job("rsyslog", partial(to_file, b, "rsyslog", rsyslog, True)),
        Job("limit: cat", partial(to_file, b, "cat", lambda word, path: cat, False), limit=True),
    ]


KCAT_READS, CURL_POSTS, CAT = "limit: kcat to /dev/null", "limit: curl, ready bodies", "limit: cat"
# Elasticsearch comes last: it has another number of records.
LANES = [
    Lane("kafka-file", "Kafka → file", "kcat", 1.3, ("kafka",), kafka_file, (0.85, "kcat"), (24, 80), (KCAT_READS,)),
    Lane("file-kafka", "file → Kafka", "kcat", 1.5, ("kafka",), file_kafka, (1.1, "kcat idempotent"), (24, 80), ("kcat",)),
    Lane("file-file", "file → file", "rsyslog", 0.25, (), file_file, (0.15, "rsyslog"), (12, 24), (CAT,)),
    Lane(
        "kafka-es", "Kafka → Elasticsearch", "rsyslog", 0.3, ("kafka", "elasticsearch"), kafka_es, (0.12, CHECKS),
        (32, 90), (KCAT_READS, CURL_POSTS), 0.3,
    ),
]  # fmt: skip
