# SPDX-License-Identifier: BSD-2-Clause
"""Records that can never succeed: into the dead letters with their reason, and the rest goes on; without dead letters
the pipeline stops in front of them with a sentence, and nothing is lost."""
import json

import pytest

from lib.record import Record, read_lines

pytestmark = pytest.mark.pipeline

ERRORS = "__connect.errors."
NAMES = [
    "topic",
    "partition",
    "offset",
    "connector.name",
    "task.id",
    "stage",
    "class.name",
    "exception.class.name",
    "exception.message",
    "exception.stacktrace",
]
GOOD = [b'{"n":1}', b'{"n":2}', b'{"n":3}']


def reasons(record):
    """The ten headers without their prefix."""
    found = {n[len(ERRORS) :]: v.decode() for n, v in record.headers if n.startswith(ERRORS)}
    assert list(found) == NAMES
    return found


class Case:
    """A pipeline whose sink (or source, or transform) refuses one kind of record."""

    def __init__(self, source, sink, transform, bad, reason, stage, plugin):
        self.source, self.sink, self.transform = source, sink, transform
        self.bad, self.reason, self.stage, self.plugin = bad, reason, stage, plugin

    def ini(self, dead=""):
        return f"[source]\n{self.source}\n{self.transform}\n[sink]\n{self.sink}\n{dead}"


def from_kafka(kafka, name, bad):
    """Good records around the bad one."""
    topic = kafka.create(f"{name}-in")
    records = [Record(GOOD[0], b"a"), Record(GOOD[1], b"b"), bad, Record(GOOD[2], b"c")]
    return kafka.produce(topic, records), f"plugin=kafka\nbrokers={kafka.brokers}\ntopics={topic}\ngroup={name}"


def to_file(tmp_path, more=""):
    return f"plugin=file\npath={tmp_path}/out\n{more}"


def case(kind, kafka, es, name, tmp_path):
    """Makes the case, with its record in place; returns it, and the record."""
    headers = [("h", b"1"), ("h", None)]
    bad = {
        "not JSON": Record(b"no json \xff\n", b"k", headers, 5000),
        "no object": Record(b"[1]", b"k", headers, 5000),
        "mapping": Record(b'{"n":"text"}', b"k", headers, 5000),
        "line feed": Record(b"two\nlines", b"k", headers, 5000),
        "tombstone": Record(None, b"k", headers, 5000),
        "template": Record(b'{"m":1}', b"k", headers, 5000),
        "path": Record(b'{"n":"../x"}', b"k", headers, 5000),
        "expression": Record(b'{"n":[]}', b"k", headers, 5000),
        "case": Record(b'{"n":null}', b"k", headers, 5000),
        "topic": Record(b'{"n":"a b"}', b"k", headers, 5000),
    }[kind]
    sent, source = from_kafka(kafka, name, bad)
    index = f"plugin=elasticsearch\nurl={es.url}\nindex={name}\nid={{key}}" if es else ""
    if es:
        es.create(name, {"mappings": {"properties": {"n": {"type": "long"}}}})
    topics = f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={name}-{{.n}}"
    made = {
        "not JSON": (index, "", "JSON", "TASK_PUT", "elasticsearch"),
        "no object": (index, "", "object", "TASK_PUT", "elasticsearch"),
        "mapping": (index, "", "failed to parse", "TASK_PUT", "elasticsearch"),
        "line feed": (to_file(tmp_path), "", "record", "TASK_PUT", "file"),
        "tombstone": (to_file(tmp_path), "", "tombstone", "TASK_PUT", "file"),
        "template": (f"plugin=file\npath={tmp_path}/out.{{.n}}", "", "{.n} is missing", "TASK_PUT", "file"),
        "path": (f"plugin=file\npath={tmp_path}/out.{{.n}}", "", "holds a slash", "TASK_PUT", "file"),
        "expression": (
            to_file(tmp_path),
            "[transform t]\nplugin=filter\nwhen=.n | type == \"number\" or startswith(\"x\")",
            "the expression fails at column",
            "TRANSFORMATION",
            "filter",
        ),
        "case": (
            to_file(tmp_path),
            '[transform t]\nplugin=case\nto=upper\nfield=.n\non-missing=reject\nwhen=.n | type != "number"',
            "the field is not a string",
            "TRANSFORMATION",
            "case",
        ),
        "topic": (topics, "", "is no topic name", "TASK_PUT", "kafka"),
    }[kind]
    sink, transform, reason, stage, plugin = made
    return Case(source, sink, transform, bad, reason, stage, plugin), sent[2]


IN_FILES = ["line feed", "tombstone", "template", "path", "expression", "case", "topic"]
IN_INDEX = ["not JSON", "no object", "mapping"]


def bad_goes(weir, kafka, es, name, tmp_path, kind):
    made, bad = case(kind, kafka, es, name, tmp_path)
    dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"
    result = weir.run(made.ini(dead)).ok(3, dead=1)
    assert result.sinks["dead-letter"].delivered == 1
    (letter,) = read_lines((tmp_path / "dead").read_bytes())
    assert (letter.key, letter.value, letter.timestamp) == (bad.key, bad.value, bad.timestamp)
    assert letter.headers[:2] == bad.headers
    why = reasons(letter)
    assert (why["topic"], why["partition"], why["offset"]) == (bad.topic, "0", "2")
    assert (why["stage"], why["class.name"], why["connector.name"]) == (made.stage, made.plugin, "p")
    assert made.reason in why["exception.message"] and why["exception.message"]
    assert kafka.committed(name, f"{name}-in") == {0: 4}


def bad_stops(weir, kafka, es, name, tmp_path, kind):
    made, bad = case(kind, kafka, es, name, tmp_path)
    result = weir.run(made.ini()).failed("never can succeed", f"{bad.topic}/0@2", made.reason)
    assert result.books.undelivered >= 1
    assert kafka.committed(name, f"{name}-in").get(0, 0) <= 2
    # with dead letters the same pipeline takes up where it stopped
    dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"
    again = weir.run(made.ini(dead))
    assert again.status == 0 and again.books.dead == 1, again.err
    (letter,) = read_lines((tmp_path / "dead").read_bytes())
    assert letter.value == bad.value


@pytest.mark.parametrize("kind", IN_FILES)
def test_bad_record_is_a_dead_letter(weir, kafka, name, tmp_path, kind):
    bad_goes(weir, kafka, None, name, tmp_path, kind)


@pytest.mark.parametrize("kind", IN_INDEX)
def test_refused_by_an_index_is_a_dead_letter(weir, kafka, search, name, tmp_path, kind):
    bad_goes(weir, kafka, search, name, tmp_path, kind)
    assert sorted(search.ids(name)) == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["line feed", "template", "case"])
def test_bad_record_stops_without_dead_letters(weir, kafka, name, tmp_path, kind):
    bad_stops(weir, kafka, None, name, tmp_path, kind)


@pytest.mark.parametrize("kind", IN_INDEX)
def test_refused_by_an_index_stops_without_dead_letters(weir, kafka, es, name, tmp_path, kind):
    bad_stops(weir, kafka, es, name, tmp_path, kind)
    assert sorted(es.ids(name)) == ["a", "b", "c"]


def test_line_too_long_and_line_that_is_no_record(weir, tmp_path):
    """Refused by the source: the reason names the stage, the rest goes on."""
    lines = [b'{"value":"good"}', b'{"value":"' + b"x" * 5000 + b'"}', b"plain", b'{"vallue":"x"}', b'{"value":"last"}']
    (tmp_path / "in").write_bytes(b"\n".join(lines) + b"\n")
    result = weir.run(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        format=record
        max-line=4K
        [sink]
        {to_file(tmp_path)}
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    ).ok(2, dead=3)
    assert (tmp_path / "out").read_bytes() == b"good\nlast\n"
    letters = read_lines((tmp_path / "dead").read_bytes())
    assert [reasons(r)["stage"] for r in letters] == ["TASK_POLL"] * 3
    told = [reasons(r)["exception.message"] for r in letters]
    assert "max-line" in told[0] and "not JSON" in told[1] and 'did you mean "value"' in told[2]
    assert result.sinks["dead-letter"].delivered == 3


def test_line_too_long_on_standard_input(weir, tmp_path):
    ini = "[source]\nplugin=std\nmax-line=1K\n[sink]\nplugin=std"
    stopped = weir.run(ini, stdin=b"a\n" + b"x" * 2000 + b"\nb\n").failed("max-line")
    assert stopped.books.undelivered >= 1
    dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"
    result = weir.run(f"{ini}\n{dead}", stdin=b"a\n" + b"x" * 2000 + b"\nb\n").ok(2, dead=1)
    assert result.out == b"a\nb\n"


def test_dead_letters_into_kafka(weir, kafka, search, name, tmp_path):
    """Ten headers behind the record's own, so that what reads Kafka Connect's dead letters reads these."""
    made, bad = case("mapping", kafka, search, name, tmp_path)
    dead = kafka.create(f"{name}-dead")
    weir.run(made.ini(f"[dead-letter]\nplugin=kafka\nbrokers={kafka.brokers}\ntopic={dead}")).ok(3, dead=1)
    (letter,) = kafka.read(dead)
    assert (letter.key, letter.value, letter.timestamp) == (bad.key, bad.value, bad.timestamp)
    assert letter.headers[:2] == bad.headers and len(letter.headers) == 12
    assert "failed to parse" in reasons(letter)["exception.message"]


def test_dead_letters_into_an_index(weir, es, name, tmp_path):
    es.create(f"{name}-dead")
    (tmp_path / "in").write_bytes(b"no json\n")
    weir.run(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=elasticsearch
        url={es.url}
        index={name}
        [dead-letter]
        plugin=elasticsearch
        url={es.url}
        index={name}-dead
        payload=record"""
    ).ok(0, dead=1)
    (document,) = es.sources(f"{name}-dead").values()
    assert json.loads(document)["value"] == "no json"
    assert [n for n, _ in json.loads(document)["headers"]] == [ERRORS + n for n in NAMES] + ["weir.shard", "weir.partition"]


def test_too_large_for_the_topic(weir, kafka, name, tmp_path):
    """The broker refuses one record of a batch; its neighbours arrive.

    Which of them shared its request is librdkafka's timing, and what shared it is sent again behind what was already
    on its way (docs/kafka.md), so their order is not part of the promise here.
    """
    source = kafka.create(f"{name}-in")
    out = kafka.create(f"{name}-out", max_message_bytes=20000)
    kafka.produce(source, [Record(b"a"), Record(bytes(range(256)) * 1000, b"big"), Record(b"c")])
    weir.run(
        f"""[source]
        plugin=kafka
        brokers={kafka.brokers}
        topics={source}
        group={name}
        [sink]
        plugin=kafka
        brokers={kafka.brokers}
        topic={out}
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    ).ok(2, dead=1)
    assert sorted(r.value for r in kafka.read(out)) == [b"a", b"c"]
    (letter,) = read_lines((tmp_path / "dead").read_bytes())
    assert letter.key == b"big" and "large" in reasons(letter)["exception.message"].lower()


def test_stop_after_so_many_in_a_row(weir, es, name, tmp_path):
    """A wrong mapping must not drain a topic into the dead letters; good records in between start the count anew."""
    es.create(name, {"mappings": {"properties": {"n": {"type": "long"}}}})
    good, bad = b'{"n":1}\n', b'{"n":"x"}\n'
    ini = f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=elasticsearch
        url={es.url}
        index={name}
        batch.records=1
        in-flight=1
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record
        stop-after=5"""
    (tmp_path / "in").write_bytes((bad * 4 + good) * 3)
    weir.run([weir.ini(ini, "mixed")]).ok(3, dead=12)
    (tmp_path / "in").write_bytes((bad * 20 + good) * 3)
    (tmp_path / "dead").unlink()
    result = weir.run([weir.ini(ini, "wrong")]).failed("records in a row were rejected (stop-after)")
    assert result.books.read > 0 and result.books.delivered == 0


def test_failing_dead_letter_stops(weir, tmp_path):
    """A dead letter that itself can not be written keeps the record undelivered."""
    (tmp_path / "in").write_bytes(b'{"n":1}\nno json\n{"n":2}\n')
    result = weir.run(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=file
        path={tmp_path}/out.{{.n}}
        [dead-letter]
        plugin=file
        path={tmp_path}/dead.{{.n}}"""
    ).failed("the dead-letter sink itself refused it")
    assert result.books.undelivered >= 1


def test_retry_for_gives_up(weir, name, tmp_path, free_port):
    """With retry.for a batch that is refused too long is a dead letter too."""
    (tmp_path / "in").write_bytes(b'{"n":1}\n')
    weir.run(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=elasticsearch
        url=http://127.0.0.1:{free_port}
        index={name}
        retry.initial=10ms
        retry.max=20ms
        retry.for=200ms
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    ).ok(0, dead=1)
    (letter,) = read_lines((tmp_path / "dead").read_bytes())
    assert reasons(letter)["exception.message"].startswith("given up after")
