# SPDX-License-Identifier: BSD-2-Clause
"""Where records come from and where they go: three sources, three sinks, and the lanes that are made of them.

A source is fed by feed.py's thread alone; a sink's progress() is asked by watch.py's thread, the rest by the main one."""
import contextlib
import os
import sqlite3
import threading
import time

from confluent_kafka import KafkaException, TopicPartition
from lib.es import ANY
from verify import name_of, value

PARTITIONS = 3
LOOK = 30  # seconds that one question to a search server may take; who is killed breaks it off, who stands still answers later


class Source:
    """`sent` tells how many records each shard was given, once they are safe."""

    def __init__(self, run):
        self.run = run
        self.sent = {}
        self.bytes = 0

    def total(self):
        return sum(self.sent.values())

    def note(self, shard, values):
        self.sent[shard] = self.sent.get(shard, 0) + len(values)
        self.bytes += sum(map(len, values)) + len(values)

    def next_of(self, shard, n):
        first = self.sent.get(shard, 0)
        return [value(shard, i) for i in range(first, first + n)]


class KafkaSource(Source):
    parts = {"broker", "group"}

    def __init__(self, run):
        super().__init__(run)
        self.kafka = run.bench.kafka
        self.topic = self.kafka.create(f"{run.name}-in", PARTITIONS, **run.bench.topic_options)
        self.producer = self.kafka.new_producer()

    def options(self):
        return {"plugin": "kafka", "brokers": self.run.brokers(), "topics": self.topic, "group": self.run.name}

    def put(self, n):
        """A shard is a partition; a record counts as sent when the broker has it."""
        errors = []
        batches = {p: self.next_of(p, n // PARTITIONS) for p in range(PARTITIONS)}
        for p, values in batches.items():
            for v in values:
                self.producer.produce(self.topic, v, partition=p, on_delivery=lambda e, m: e and errors.append(e))
            self.producer.poll(0)
        left = self.producer.flush(240)
        assert not errors and not left, f"the bench cannot feed {self.topic}: {errors[:1]}, {left} unsent"
        for p, values in batches.items():
            self.note(p, values)

    def settled(self):
        """All is acknowledged and committed."""
        committed = self.kafka.committed(self.run.name, self.topic)
        return all(committed.get(p, 0) >= n for p, n in self.sent.items())


class FileSource(Source):
    """Files that grow.  Whenever one is begun anew, its records are a new shard's."""

    parts = {"files"}
    FILES = 2

    def __init__(self, run):
        super().__init__(run)
        self.folder = run.folder / "in"
        self.folder.mkdir()
        self.lock = threading.Lock()  # the feeder appends, the main thread rotates
        self.shards = list(range(self.FILES))
        self.rotated = 0
        for i in range(self.FILES):
            self.path(i).touch()

    def path(self, i):
        return self.folder / f"app-{i}.log"

    def options(self):
        return {"plugin": "file", "path": f"{self.folder}/app-*.log"}

    def put(self, n):
        for i in range(self.FILES):
            with self.lock:
                shard = self.shards[i]
                values = self.next_of(shard, n // self.FILES)
                data = b"".join(v + b"\n" for v in values)
                with open(self.path(i), "ab", buffering=0) as f:  # pieces, so that weir meets unfinished lines
                    for at in range(0, len(data), 1000):
                        f.write(data[at : at + 1000])
                self.note(shard, values)

    def anew(self, i):
        """File i is another one from now on; returns a name for the old one."""
        self.shards[i] = max(self.shards) + 1
        self.rotated += 1
        return self.path(i).with_suffix(f".log.{self.rotated}")

    def rename(self, i):
        """logrotate's `create`."""
        with self.lock:
            self.path(i).rename(self.anew(i))
            self.path(i).touch()

    def copy_truncate(self, i):
        """logrotate's `copytruncate`, between two writes, so that the method itself loses nothing."""
        with self.lock:
            self.anew(i).write_bytes(self.path(i).read_bytes())
            os.truncate(self.path(i), 0)

    def truncate(self, i):
        """No copy: what was not read yet is gone, so the caller has seen to it that all was."""
        self.anew(i)
        os.truncate(self.path(i), 0)

    def settled(self):
        """The positions in weir's state, one for each file that ever was, are all there is."""
        state = sqlite3.connect(f"file:{self.run.weir.state / self.run.pipeline('p')}.db?mode=ro", uri=True)
        with contextlib.closing(state):
            return state.execute("SELECT sum(next) FROM position").fetchone()[0] == self.bytes


class Sink:
    parts = set()

    def __init__(self, run):
        self.run = run

    def stop(self):
        pass


class FileSink(Sink):
    parts = {"sink-file"}

    def options(self):
        return {"plugin": "file", "path": self.run.out}

    def progress(self):
        try:
            return os.stat(self.run.out).st_size
        except FileNotFoundError:
            return 0

    def complete(self):
        return self.progress() >= self.run.source.bytes

    def read(self):
        with open(self.run.out, "rb") as f:
            for line in f:
                yield line.removesuffix(b"\n")


class KafkaSink(Sink):
    """A thread reads along (committed records only), so that progress is what another consumer sees."""

    parts = {"broker", "shared"}
    more = {}

    def __init__(self, run):
        super().__init__(run)
        self.kafka = run.bench.kafka
        self.topic = self.kafka.create(f"{run.name}-out", PARTITIONS, **run.bench.topic_options)
        self.distinct = set()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def options(self):
        place = "{partition}" if "group" in self.run.source.parts else "0"
        return {"plugin": "kafka", "brokers": self.run.brokers(), "topic": self.topic, "partition": place, **self.more}

    def follow(self):
        consumer = self.kafka.consumer()
        consumer.assign([TopicPartition(self.topic, p, 0) for p in range(PARTITIONS)])
        while not self.ending.is_set():
            for message in consumer.consume(500, 0.05):
                if not message.error():
                    self.distinct.add(name_of(message.value()))
        consumer.close()

    def progress(self):
        return len(self.distinct)

    def complete(self):
        return self.progress() >= self.run.source.total()

    def read(self):
        """The whole topic once more, from its beginning."""
        consumer = self.kafka.consumer()
        ends = {p: n for p, n in self.kafka.ends(self.topic).items() if n}
        consumer.assign([TopicPartition(self.topic, p, 0) for p in ends])
        moved = time.monotonic()
        while ends:
            for m in consumer.consume(2000, 0.2):
                moved = time.monotonic()
                if m.error():  # the end of a partition
                    ends.pop(m.partition(), None)
                else:
                    yield m.value()
            if time.monotonic() > moved + 30:
                raise KafkaException(f"{self.topic} cannot be read to its end, partitions {list(ends)}")
        consumer.close()

    def stop(self):
        self.ending.set()
        self.thread.join(30)


class OnceKafkaSink(KafkaSink):
    more = {"delivery": "exactly-once"}


class IndexSink(Sink):
    parts = {"es", "shared"}

    def __init__(self, run):
        super().__init__(run)
        self.es = run.bench.es
        settings = {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": -1}
        self.index = self.es.create(run.name, {**ANY, "settings": settings})

    def options(self):
        return {"plugin": "elasticsearch", "url": self.run.url(), "index": self.index}

    def progress(self):
        self.es.http.post(f"{self.es.url}/{self.index}/_refresh", timeout=LOOK)
        answer = self.es.http.get(f"{self.es.url}/{self.index}/_count", timeout=LOOK)
        answer.raise_for_status()
        return answer.json()["count"]

    def complete(self):
        return self.progress() >= self.run.source.total()

    def read(self):
        """The default _id of a topic's record is its place, and so its number."""
        topic = getattr(self.run.source, "topic", None)
        for doc_id, source in self.es.all(self.index):
            place = name_of(source)
            good = not topic or place and doc_id == "{}+{}+{}".format(topic, *place)
            yield source if good else b"under another id: " + source

    def stop(self):
        self.es.delete(self.index)


class LatestSink(IndexSink):
    """One document for each shard, written over by every record of it: a repeat must not put an older one in its place.

    So a document stands for all records up to its own."""

    def options(self):
        return {**super().options(), "id": "{.shard}", "version": "offset"}

    def documents(self):
        self.es.http.post(f"{self.es.url}/{self.index}/_refresh", timeout=LOOK)
        answer = self.es.http.get(f"{self.es.url}/{self.index}/_search?size={PARTITIONS}", timeout=LOOK)
        answer.raise_for_status()
        return [hit["_source"] for hit in answer.json()["hits"]["hits"]]

    def progress(self):
        return sum(doc["n"] + 1 for doc in self.documents())

    def read(self):
        for doc in self.documents():
            yield from (value(doc["shard"], n) for n in range(doc["n"] + 1))


class Lane:
    """once: a repeat is a failure.  ordered: the sink has an order that can be looked at."""

    def __init__(self, name, source, sink, once, ordered=True):
        self.name, self.source, self.sink, self.once, self.ordered = name, source, sink, once, ordered
        self.parts = {"weir"} | source.parts | sink.parts
        self.parts |= {"net"} if self.parts & {"broker", "es"} else set()
        self.parts |= {"once"} if once else set()


LANES = {
    lane.name: lane
    for lane in (
        Lane("kafka-es", KafkaSource, IndexSink, once=True, ordered=False),
        Lane("kafka-es-latest", KafkaSource, LatestSink, once=True, ordered=False),
        Lane("kafka-kafka", KafkaSource, KafkaSink, once=False),
        Lane("kafka-kafka-once", KafkaSource, OnceKafkaSink, once=True),
        Lane("kafka-file", KafkaSource, FileSink, once=True),
        Lane("file-kafka", FileSource, KafkaSink, once=False),
        Lane("file-es", FileSource, IndexSink, once=True, ordered=False),
        Lane("file-file", FileSource, FileSink, once=True),
    )
}
