# SPDX-License-Identifier: BSD-2-Clause
"""The real Kafka and Elasticsearch of tests/services, and what the lanes ask of them."""
import json
import os
import subprocess
import time
from pathlib import Path

import requests
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from data import Print, of_command
from measure import BenchError

SCRIPTS = Path(__file__).resolve().parents[1] / "services"
PARTITIONS = 3
MAPPING = {
    "settings": {"number_of_shards": 1, "number_of_replicas": 0},
    "mappings": {
        "properties": {
            "n": {"type": "long"},
            "time": {"type": "date"},
            "status": {"type": "long"},
            "ms": {"type": "long"},
            **{k: {"type": "keyword"} for k in ("host", "client", "method", "path", "note")},
        }
    },
}


class Servers:
    """Started by us below `folder`, or found up in the run folder $WEIR_SERVICES."""

    def __init__(self, folder, names):
        self.own = None
        self.kafka = self.es = None
        if not names:
            return
        run = os.environ.get("WEIR_SERVICES")
        if not run:
            run = self.own = str(Path(folder) / "servers")
            self.script("up", "--owner", str(os.getpid()), run, *names)
        env = dict(line.split("=", 1) for line in Path(run, "env").read_text().split())
        if "kafka" in names:
            self.kafka = Kafka(env["KAFKA"])
        if "elasticsearch" in names:
            self.es = Elastic(env["ES"])

    @staticmethod
    def script(name, *args):
        done = subprocess.run([SCRIPTS / name, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"tests/services/{name} failed:\n{done.stderr}")

    def down(self):
        if self.own:
            self.script("down", self.own)


class Kafka:
    def __init__(self, brokers):
        self.brokers = brokers
        self.admin = AdminClient({"bootstrap.servers": brokers, "log_level": 2})
        self.watcher = Consumer({"bootstrap.servers": brokers, "group.id": "bench-watcher", "log_level": 2})
        self.partitions = {}

    def create(self, topic, partitions=PARTITIONS):
        """Records of up to 2 MiB fit in; the default is a bit less than one of 1 MiB needs."""
        new = NewTopic(topic, partitions, 1, config={"max.message.bytes": str(2 << 20)})
        for future in self.admin.create_topics([new]).values():
            future.result(60)
        self.partitions[topic] = partitions
        self.wait_led(topic)
        return topic

    def wait_led(self, topic, patience=30.0):
        """A new topic is answered for only when its leaders know: no program's time."""
        until = time.monotonic() + patience
        while True:
            try:
                self.watcher.list_topics(topic, 10)  # or the client may go on with what it once knew
                return self.count(topic)
            except KafkaException as e:
                if time.monotonic() > until:
                    raise BenchError(f"topic {topic} has no leader after {patience:.0f} s: {e}") from None
                time.sleep(0.05)

    def delete(self, topic):
        for future in self.admin.delete_topics([topic]).values():
            future.result(60)

    def fill(self, topic, path, partitions=PARTITIONS):
        """The records are spread evenly: librdkafka's own choice is one partition for whole batches."""
        options = ("message.max.bytes=2000000", "sticky.partitioning.linger.ms=0", "linger.ms=100")
        options = [part for option in options for part in ("-X", option)]
        self.create(topic, partitions)
        subprocess.run(["kcat", "-b", self.brokers, "-P", "-t", topic, *options, "-l", path], check=True)

    def count(self, topic):
        """Records in the topic now."""
        ends = (self.watcher.get_watermark_offsets(TopicPartition(topic, p), 30) for p in range(self.partitions[topic]))
        return sum(high - low for low, high in ends)

    def print_of(self, topic):
        return of_command(["kcat", "-b", self.brokers, "-C", "-q", "-e", "-o", "beginning", "-t", topic])


class Elastic:
    PAGE = 10000

    def __init__(self, url):
        self.url = url
        self.http = requests.Session()

    def call(self, method, path, body=None):
        answer = self.http.request(method, f"{self.url}/{path}", json=body, timeout=60)
        if answer.status_code != 200:
            raise BenchError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def create(self, index, mapping=None):
        self.call("PUT", index, mapping or MAPPING)

    def delete(self, index):
        self.call("DELETE", index)

    def count(self, index):
        """Documents written, searchable or not."""
        stats = self.call("GET", f"{index}/_stats/indexing")
        return stats["_all"]["primaries"]["indexing"]["index_total"]

    def print_of(self, index, page=PAGE):
        """Of every document, written as the records are: read page by page in the order of n."""
        self.call("POST", f"{index}/_refresh")
        count, total, after = 0, 0, []
        while True:
            query = {"size": page, "sort": ["n"], "track_total_hits": False} | after_of(after)
            hits = self.call("POST", f"{index}/_search", query)["hits"]["hits"]
            if not hits:
                return Print(count, total)
            lines = (json.dumps(h["_source"], separators=(",", ":")) + "\n" for h in hits)
            total += sum(hash(line.encode()) for line in lines)
            count += len(hits)
            after = hits[-1]["sort"]


def after_of(after):
    return {"search_after": after} if after else {}
