# SPDX-License-Identifier: BSD-2-Clause
"""weir dlq: dead letters are counted, shown and sent again as the records they were: same topic, partition, offset, so
the same _id; nothing twice, nothing lost, whatever happens in between."""
import json
import re

import pytest

from lib.record import Record, read_lines
from lib.wait import until

pytestmark = pytest.mark.pipeline

NUMBER = {"mappings": {"properties": {"n": {"type": "long"}}}}
TEXT = {"mappings": {"properties": {"n": {"type": "keyword"}}}}
ATTEMPTS = "weir.redrive.attempts"


class Setup:
    """Kafka -> Elasticsearch, where some documents do not fit the index, and dead letters in Kafka or a file."""

    def __init__(self, weir, kafka, es, name, kind, records, sink="", transform="", pipeline=""):
        self.weir, self.kafka, self.es, self.name, self.kind = weir, kafka, es, name, kind
        self.source = kafka.create(f"{name}-in", partitions=2)
        self.sent = kafka.produce(self.source, records)
        if kind == "kafka":
            self.dead = kafka.create(f"{name}-dead", partitions=2)
            dead = f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={self.dead}"
        else:
            self.dead = weir.folder / "dead"
            dead = f"plugin=file\npath={self.dead}\nformat=record"
        self.ini = weir.ini(
            f"""[pipeline]
            {pipeline}
            [source]
            plugin=kafka
            brokers={kafka.brokers}
            topics={self.source}
            group={name}
            {transform}
            [sink]
            plugin=elasticsearch
            url={es.url}
            index={name}
            {sink}
            [dead-letter]
            {dead}""",
            "web",
        )

    def index(self, body):
        self.es.call("DELETE", self.name, ok=(200, 404))
        self.es.create(self.name, body)

    def run(self):
        return self.weir.run([self.ini])

    def dlq(self, verb, *options, status=0):
        result = self.weir.call("dlq", verb, "--state-dir", self.weir.state, *options, self.ini)
        assert result.status == status, f"exit status {result.status}\n{result.err}"
        return result

    def letters(self):
        if self.kind == "kafka":
            return self.kafka.read(self.dead)
        return read_lines(self.dead.read_bytes())

    def groups(self, *options):
        out = self.dlq("ls", "--json", *options).out
        return [json.loads(line) for line in out.splitlines()]

    def ids(self):
        return {f"{r.topic}+{r.partition}+{r.offset}" for r in self.sent}


def mixed(good, bad):
    """Good and bad records in turns, over two partitions; headers, keys and times that must come through."""
    out = []
    for i in range(good + bad):
        wrong = i % ((good + bad) // bad) == 1 if bad else False
        value = b'{"n":"x%d"}' % i if wrong else b'{"n":%d}' % i
        out.append(Record(value, b"k%d" % i, [("h", b"%d" % i), ("h", None)], 1000 + i, partition=i % 2))
    return out


@pytest.mark.parametrize("kind", ["kafka", "file"])
def test_redrive_completes_the_index(weir, kafka, es, name, kind):
    """A wrong mapping, mended: the index is complete, ids are what they would have been, nothing is there twice."""
    s = Setup(weir, kafka, es, name, kind, mixed(90, 10))
    s.index(NUMBER)
    s.run().ok(90, dead=10)
    (group,) = s.groups()
    assert (group["count"], group["stage"], group["section"], group["code"]) == (10, "TASK_PUT", "sink", 400)
    assert group["pipeline"] == "web" and "failed to parse" in group["example"]
    assert (group["first"], group["last"]) == (1001, 1091)
    before = len(es.ids(name))
    assert before == 90
    plan = s.dlq("redrive", "--dry-run")
    assert b"would send 10 of 10 dead letters" in plan.out and len(es.ids(name)) == 90
    es.call("PUT", f"{name}/_settings", {"index.mapping.ignore_malformed": True}, ok=(200, 400))
    s.index(TEXT)
    s.weir.call("dlq", "redrive", "--state-dir", weir.state, s.ini).ok(10)
    assert set(es.ids(name)) <= s.ids() and len(es.ids(name)) == 10
    assert s.groups() == []
    again = s.dlq("redrive")
    assert "there is no dead letter to send" in again.err and "10 dead letters redriven before" in again.err
    assert len(s.letters()) == 10
    assert sum(g["count"] for g in s.groups("--all")) == 10


def test_what_fails_again(weir, kafka, es, name):
    """It is a dead letter again, with its attempts counted, and only the new letter is sent the next time."""
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2))
    s.index(NUMBER)
    s.run().ok(8, dead=2)
    first = {r.key: r for r in s.letters()}
    for attempt in (1, 2):
        weir.call("dlq", "redrive", "--state-dir", weir.state, s.ini).ok(0, dead=2)
        newest = [r for r in s.letters() if dict(r.headers).get(ATTEMPTS) == b"%d" % attempt]
        assert len(newest) == 2 and len(s.letters()) == 2 + 2 * attempt
        for r in newest:
            old = first[r.key]
            assert (r.value, r.timestamp, r.headers[:2]) == (old.value, old.timestamp, old.headers[:2])
            assert [h for h in r.headers if h[0] != ATTEMPTS] == old.headers
        assert sum(g["count"] for g in s.groups()) == 2
    s.index(TEXT)
    weir.call("dlq", "redrive", "--state-dir", weir.state, s.ini).ok(2)
    assert set(es.ids(name)) <= s.ids() and len(es.ids(name)) == 2


def test_show(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2) + [Record(b"\x1b[31m" + b"y" * 500, b"\xff", [], 5000, partition=0)])
    s.index(NUMBER)
    s.run().ok(8, dead=3)
    letters = [json.loads(line) for line in s.dlq("show", "--json").out.splitlines()]
    assert len(letters) == 3
    by_key = {str(x["key"]): x for x in letters}
    one = by_key["k1"]
    place = next(r for r in s.sent if r.key == b"k1")
    assert (one["topic"], one["partition"], one["offset"], one["timestamp"]) == (s.source, 1, place.offset, 1001)
    assert one["headers"] == [["h", "1"], ["h", None]] and one["value"] == '{"n":"x1"}'
    assert one["reason"]["code"] == 400 and one["reason"]["attempts"] == 0 and one["redriven"] is False
    text = s.dlq("show").out.decode()
    assert f"{s.source}/1@{place.offset}  1970-01-01T00:00:01.001Z" in text
    assert "\x1b" not in text and "\\x1b[31m" in text and "... (505 bytes)" in text and "\\xff" in text
    assert "y" * 500 in s.dlq("show", "--full").out.decode()
    assert len(s.dlq("show", "--json", "--limit", "1", "--offset", "2").out.splitlines()) == 1
    assert s.dlq("show", "--json", "--offset", "3").out == b""
    assert len(s.dlq("show", "--json", "--where", '$key == "k1"').out.splitlines()) == 1
    only = '$headers["__connect.errors.exception.class.name"] == "refused_by_weir"'
    assert len(s.dlq("show", "--json", "--where", only).out.splitlines()) == 1
    assert s.dlq("show", "--json", "--stage", "transform").out == b""
    assert kafka.committed(f"weir-web.dlq", s.dead) == {}


def test_ls_in_a_pipe(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "file", mixed(8, 2) + [Record(b"no json", partition=0)])
    s.index(NUMBER)
    s.run().ok(8, dead=3)
    head, *rows = [line.split("\t") for line in s.dlq("ls").out.decode().splitlines()]
    assert head == ["PIPELINE", "COUNT", "STAGE", "SECTION", "ERROR", "CODE", "FIRST", "LAST", "EXAMPLE"]
    assert [row[:5] for row in rows] == [
        ["web", "2", "TASK_PUT", "sink", "document_parsing_exception"],
        ["web", "1", "TASK_PUT", "sink", "refused_by_weir"],
    ] or rows[0][4] == "mapper_parsing_exception"


def test_where_leaves_the_rest_for_later(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "file", mixed(90, 10))
    s.index(NUMBER)
    s.run().ok(90, dead=10)
    s.index(TEXT)
    some = '.n == "x11" or .n == "x51" or .n == "x91"'
    weir.call("dlq", "redrive", "--state-dir", weir.state, "--where", some, s.ini).ok(3)
    assert sum(g["count"] for g in s.groups()) == 7
    weir.call("dlq", "redrive", "--state-dir", weir.state, s.ini).ok(7)
    assert len(es.ids(name)) == 10 and set(es.ids(name)) <= s.ids()


@pytest.mark.parametrize("kind", ["kafka", "file"])
def test_killed_redrive_goes_on(weir, kafka, es, name, kind):
    """kill -9 in the middle: the next one does the rest, and nothing is there twice."""
    n = 3000
    s = Setup(weir, kafka, es, name, kind, mixed(0, 0), sink="batch.records=50\nin-flight=1", pipeline="commit=20ms")
    s.ini.write_text(s.ini.read_text() + "stop-after=0\n")
    s.sent = kafka.produce(s.source, [Record(b'{"n":"x%d"}' % i, b"%d" % i, partition=i % 2) for i in range(n)])
    s.index(NUMBER)
    s.run().ok(0, dead=n)
    s.index(TEXT)
    for part in (500, 1500):
        running = weir.start_call("dlq", "redrive", "--state-dir", weir.state, s.ini)
        running.wait_for(lambda: count(es, name) >= part, f"{part} documents")
        running.kill()
    left = sum(g["count"] for g in s.groups())
    assert 0 < left < n
    result = s.dlq("redrive")
    assert result.books.undelivered == 0 and result.books.delivered <= left
    assert set(es.ids(name)) == s.ids()
    assert s.groups() == []


def count(es, index):
    es.refresh(index)
    return es.count(index)
