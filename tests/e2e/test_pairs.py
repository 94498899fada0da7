# SPDX-License-Identifier: BSD-2-Clause
"""All sixteen pairs of a source and a sink, on the real servers, byte for byte.

The records are those of lib/hostile.py. What a sink wrote is read back by another client (confluent-kafka, plain HTTP,
plain files) and compared with what went in; so are the books and the exit status."""
import json

import pytest

from lib import hostile
from lib.record import Record, from_line, read_lines, to_line

pytestmark = pytest.mark.pipeline
LIMIT = "max-line = 4M"


class Kafka:
    """A topic of two partitions: the hostile records in the first, a few others in the second."""

    def __init__(self, kafka, name):
        self.kafka, self.name = kafka, name

    def source(self):
        return f"plugin=kafka\nbrokers={self.kafka.brokers}\ntopics={self.name}-in\ngroup={self.name}"

    def put(self, records):
        topic = self.kafka.create(f"{self.name}-in", 2)
        first = self.kafka.produce(topic, records)
        return first + self.kafka.produce(topic, records[:4], partition=1)

    def sink(self):
        self.kafka.create(f"{self.name}-out", 2)
        return f"plugin=kafka\nbrokers={self.kafka.brokers}\ntopic={self.name}-out\npartition={{partition|0}}"

    def got(self, result):
        return self.kafka.read(f"{self.name}-out")

    place = staticmethod(lambda records: records)


class File:
    def __init__(self, folder):
        self.folder = folder

    def source(self):
        return f"plugin=file\npath={self.folder}/in\nformat=record\n{LIMIT}"

    def put(self, records):
        records = [r.at("t", 0, i) for i, r in enumerate(records)]
        (self.folder / "in").write_bytes(b"".join(to_line(r) + b"\n" for r in records))
        return records

    def sink(self):
        return f"plugin=file\npath={self.folder}/out\nformat=record"

    def got(self, result):
        return read_lines((self.folder / "out").read_bytes())


class Std:
    def __init__(self):
        self.stdin = b""

    def source(self):
        return f"plugin=std\nformat=record\n{LIMIT}"

    def put(self, records):
        records = [r.at("t", 0, i) for i, r in enumerate(records)]
        self.stdin = b"".join(to_line(r) + b"\n" for r in records)
        return records

    def sink(self):
        return "plugin=std\nformat=record"

    def got(self, result):
        return read_lines(result.out)


class Index:
    def __init__(self, search, name):
        self.search, self.name = search, name

    def source(self):
        return f"plugin=elasticsearch\nurl={self.search.url}\nindex={self.name}-in"

    def put(self, documents):
        """Documents, not records; a search server has nothing else. White space around one is not part of it."""
        self.search.create(f"{self.name}-in")
        for i, d in enumerate(documents):
            self.search.put(f"{self.name}-in", f"doc {i}", d)
        self.search.refresh(f"{self.name}-in")
        return [Record(d.strip(), b"doc %d" % i, topic=f"{self.name}-in") for i, d in enumerate(documents)]

    def sink(self, options="payload=record"):
        self.search.create(f"{self.name}-out")
        return f"plugin=elasticsearch\nurl={self.search.url}\nindex={self.name}-out\n{options}"

    def got_sources(self):
        return self.search.sources(f"{self.name}-out")

    def got(self, result):
        return [from_line(s) for s in self.got_sources().values()]


def move(weir, source, sink, stdin=b"", more=""):
    return weir.run(f"[source]\n{source}\n[sink]\n{sink}\n{more}\n", stdin=stdin)


def by_place(records):
    return sorted(records, key=lambda r: (r.topic or "", r.partition or 0, r.offset or 0, r.key or b""))


def same(got, sent):
    """Equality without two megabytes of difference in the report."""
    assert len(got) == len(sent)
    for g, s in zip(got, sent):
        assert (g.key or b"")[:100] == (s.key or b"")[:100]
        assert g == s, f"{to_line(g)[:500]!r}\n{to_line(s)[:500]!r}"


def endpoint(kind, request, name, tmp_path):
    """Makes the endpoint and asks for its server only if it has one; conftest.py knows it by the parameter."""
    if kind == "kafka":
        return Kafka(request.getfixturevalue("kafka"), name)
    if kind == "file":
        return File(tmp_path)
    return Std()


PLAIN = ["kafka", "file", "std"]


PAIRS = [pytest.param(a, b, id=f"{a}-{b}") for a in PLAIN for b in PLAIN]


@pytest.mark.parametrize("a,b", PAIRS)
def test_any_record(weir, request, name, tmp_path, a, b):
    """kafka, file and std into each other: key, value, headers and time, whatever the bytes."""
    source, sink = endpoint(a, request, name, tmp_path), endpoint(b, request, name, tmp_path)
    sent = source.put(hostile.RECORDS)
    result = move(weir, source.source(), sink.sink(), getattr(source, "stdin", b"")).ok(len(sent))
    assert result.sinks[b].delivered == len(sent)
    got = sink.got(result)
    if b == "kafka":  # the place is the new topic's; order within the partition is what counts
        same([g.payload_only() for g in got], [s.payload_only() for s in by_place(sent)])
        assert [g.partition for g in got] == sorted(s.partition for s in sent)
    elif a == "kafka":  # lines of two partitions are mixed, each in its order
        for p in (0, 1):
            same([g for g in got if g.partition == p], [s for s in sent if s.partition == p])
    else:
        same(got, sent)


@pytest.mark.parametrize("a,b", PAIRS)
def test_lines(weir, request, name, tmp_path, a, b):
    """format = raw: lines of any bytes."""
    lines = hostile.LINES
    data = b"".join(line + b"\n" for line in lines)
    source, sink = endpoint(a, request, name, tmp_path), endpoint(b, request, name, tmp_path)
    if a == "kafka":
        kafka = request.getfixturevalue("kafka")
        kafka.produce(kafka.create(f"{name}-in"), [Record(line) for line in lines])
    (tmp_path / "in").write_bytes(data)
    raw = lambda text: text.replace("=record", "=raw").replace("{partition|0}", "0")  # noqa: E731
    result = move(weir, raw(source.source()), raw(sink.sink()), data if a == "std" else b"").ok(len(lines))
    if b == "kafka":
        assert [r.value for r in sink.got(result)] == lines
    else:
        assert (result.out if b == "std" else (tmp_path / "out").read_bytes()) == data


@pytest.mark.parametrize("a", PLAIN)
def test_any_record_into_index(weir, search, request, name, tmp_path, a):
    """payload = record: any bytes are in _source as the record's one line, exactly."""
    source, sink = endpoint(a, request, name, tmp_path), Index(search, name)
    sent = source.put(hostile.RECORDS)
    result = move(weir, source.source(), sink.sink(), getattr(source, "stdin", b"")).ok(len(sent))
    assert result.sinks["elasticsearch"].delivered == len(sent)
    got = sink.got_sources()
    assert sorted(got.values()) == sorted(to_line(r) for r in sent)
    if a == "kafka":
        assert {f"{r.topic}+{r.partition}+{r.offset}" for r in sent} == set(got)


@pytest.mark.parametrize("a", PLAIN)
def test_documents_into_index(weir, search, request, name, tmp_path, a):
    """payload = json: an object on one line is in _source byte for byte."""
    source, sink = endpoint(a, request, name, tmp_path), Index(search, name)
    records = [Record(d, b"%d" % i) for i, d in enumerate(hostile.DOCUMENTS)]
    sent = source.put(records)
    move(weir, source.source(), sink.sink("payload=json"), getattr(source, "stdin", b"")).ok(len(sent))
    assert sorted(sink.got_sources().values()) == sorted(r.value for r in sent)


@pytest.mark.parametrize("a", PLAIN)
def test_multiline_documents_into_index(weir, search, request, name, tmp_path, a):
    """Line feeds between tokens go, what the document says stays."""
    source, sink = endpoint(a, request, name, tmp_path), Index(search, name)
    sent = source.put([Record(text, b"%d" % i) for i, (text, _) in enumerate(hostile.MULTILINE)] * 2)
    move(weir, source.source(), sink.sink("payload=json\nid={key}"), getattr(source, "stdin", b"")).ok(len(sent))
    got = sink.got_sources()
    for i, (_, meaning) in enumerate(hostile.MULTILINE):
        assert b"\n" not in got[str(i)]
        assert json.loads(got[str(i)]) == meaning


@pytest.mark.parametrize("b", PLAIN)
def test_documents_out_of_index(weir, search, request, name, tmp_path, b):
    """The exact bytes of _source, line feeds included, with _id as key and the index as topic."""
    source, sink = Index(search, name), endpoint(b, request, name, tmp_path)
    sent = source.put(hostile.DOCUMENTS + [text for text, _ in hostile.MULTILINE])
    result = move(weir, source.source(), sink.sink()).ok(len(sent))
    got = {r.key: r for r in sink.got(result)}
    assert len(got) == len(sent)
    for s in sent:
        assert got[s.key].value == s.value
        assert not got[s.key].headers
        if b != "kafka":
            assert got[s.key].topic == s.topic and got[s.key].timestamp is None


def test_index_to_index(weir, search, name):
    """Documents on one line exactly, others without their line feeds."""
    ends = Index(search, name)
    sent = ends.put(hostile.DOCUMENTS + [text for text, _ in hostile.MULTILINE])
    move(weir, ends.source(), ends.sink("payload=json\nid={key}")).ok(len(sent))
    got = ends.got_sources()
    for s in sent[: len(hostile.DOCUMENTS)]:
        assert got[s.key.decode()] == s.value
    for s in sent[len(hostile.DOCUMENTS) :]:
        assert json.loads(got[s.key.decode()]) == json.loads(s.value)


def test_records_of_index_to_index(weir, search, name):
    """payload = record from an index: any document with its place."""
    ends = Index(search, name)
    sent = ends.put(hostile.DOCUMENTS + [text for text, _ in hostile.MULTILINE])
    move(weir, ends.source(), ends.sink()).ok(len(sent))
    assert {r.key: r.value for r in ends.got(None)} == {r.key: r.value for r in sent}


def test_kafka_to_elasticsearch_to_opensearch(weir, kafka, es, opensearch, name):
    """From one server to the other, through both."""
    records = [Record(d, b"%d" % i) for i, d in enumerate(hostile.DOCUMENTS)]
    kafka.produce(kafka.create(f"{name}-in"), records)
    first, second = Index(es, name), Index(opensearch, name)
    move(weir, Kafka(kafka, name).source(), first.sink("payload=json\nid={key}")).ok(len(records))
    es.refresh(f"{name}-out")
    source = f"plugin=elasticsearch\nurl={es.url}\nindex={name}-out"
    weir.run([weir.ini(f"[source]\n{source}\n[sink]\n{second.sink('payload=json')}\nid={{key}}", "second")]).ok(len(records))
    assert second.got_sources() == {r.key.decode(): r.value.strip() for r in records}


def test_there_and_back_loses_nothing(weir, kafka, es, name, tmp_path):
    """Kafka -> index -> file -> Kafka: the hostile records are what they were, their places included."""
    a, index = Kafka(kafka, name), Index(es, name)
    sent = a.put(hostile.RECORDS)
    move(weir, a.source(), index.sink()).ok(len(sent))
    es.refresh(f"{name}-out")
    out_of = f"plugin=elasticsearch\nurl={es.url}\nindex={name}-out"
    weir.run([weir.ini(f"[source]\n{out_of}\n[sink]\nplugin=file\npath={tmp_path}/in", "two")]).ok(len(sent))
    lines = (tmp_path / "in").read_bytes().split(b"\n")[:-1]
    (tmp_path / "in").write_bytes(b"".join(to_line(r) + b"\n" for r in by_place(map(from_line, lines))))
    weir.run([weir.ini(f"[source]\n{File(tmp_path).source()}\n[sink]\n{a.sink()}", "three")]).ok(len(sent))
    same([r.payload_only() for r in a.got(None)], [r.payload_only() for r in sent])


def test_a_new_file_of_the_same_name_is_another(weir, es, name, tmp_path):
    """After a rotation path and offsets are the same again: the default id must not be."""
    log = tmp_path / "in.log"
    ini = weir.ini(f"[source]\nplugin=file\npath={log}\n[sink]\nplugin=elasticsearch\nurl={es.url}\nindex={name}", "web")
    log.write_bytes(b'{"n":1}\n')
    weir.run([ini]).ok(1)
    log.rename(tmp_path / "in.log.1")
    log.write_bytes(b'{"n":2}\n')
    weir.run([ini]).ok(1)
    assert sorted(es.sources(name).values()) == [b'{"n":1}', b'{"n":2}']
