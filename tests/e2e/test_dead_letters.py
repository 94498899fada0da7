# SPDX-License-Identifier: BSD-2-Clause
"""weir dlq: dead letters are counted, shown and sent again as the records they were: same topic, partition, offset, so
the same _id; nothing twice, nothing lost, whatever happens in between."""
import contextlib
import json
import resource
import sqlite3

import pytest

from lib.record import Record, read_lines

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
    s.index(TEXT)
    s.dlq("redrive").ok(10)
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
        s.dlq("redrive").ok(0, dead=2)
        newest = [r for r in s.letters() if dict(r.headers).get(ATTEMPTS) == b"%d" % attempt]
        assert len(newest) == 2 and len(s.letters()) == 2 + 2 * attempt
        for r in newest:
            old = first[r.key]
            assert (r.value, r.timestamp, r.headers[:2]) == (old.value, old.timestamp, old.headers[:2])
            assert [h for h in r.headers if h[0] != ATTEMPTS] == old.headers
        assert sum(g["count"] for g in s.groups()) == 2
    s.index(TEXT)
    s.dlq("redrive").ok(2)
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


def test_ls_in_a_pipe(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "file", mixed(8, 2) + [Record(b"no json", partition=0)])
    s.index(NUMBER)
    s.run().ok(8, dead=3)
    head, *rows = [line.split("\t") for line in s.dlq("ls").out.decode().splitlines()]
    assert head == ["PIPELINE", "COUNT", "STAGE", "SECTION", "ERROR", "CODE", "FIRST", "LAST", "EXAMPLE"]
    assert [row[:5] for row in rows] == [
        ["web", "2", "TASK_PUT", "sink", "document_parsing_exception"],
        ["web", "1", "TASK_PUT", "sink", "refused_by_weir"],
    ]


def test_where_leaves_the_rest_for_later(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "file", mixed(90, 10))
    s.index(NUMBER)
    s.run().ok(90, dead=10)
    s.index(TEXT)
    some = '.n == "x11" or .n == "x51" or .n == "x91"'
    s.dlq("redrive", "--where", some).ok(3)
    assert sum(g["count"] for g in s.groups()) == 7
    s.dlq("redrive").ok(7)
    assert len(es.ids(name)) == 10 and set(es.ids(name)) <= s.ids()


@pytest.mark.parametrize("kind", ["kafka", "file"])
def test_killed_redrive_goes_on(weir, kafka, es, name, kind):
    """kill -9 in the middle: the next one does the rest, and nothing is there twice."""
    n, parts = 3000, ("a", "b", "c")
    s = Setup(weir, kafka, es, name, kind, [], sink="in-flight=1", pipeline="commit=20ms")
    s.ini.write_text(s.ini.read_text().replace(f"index={name}", f"index={name}-{{.part}}") + "stop-after=0\n")
    part_of = lambda i: parts[i * len(parts) // n].encode()  # noqa: E731
    value = lambda i: b'{"n":"x%d","part":"%s"}' % (i, part_of(i))  # noqa: E731
    s.sent = kafka.produce(s.source, [Record(value(i), b"%d" % i, partition=i % 2) for i in range(n)])
    for part in parts:
        es.create(f"{name}-{part}", NUMBER)
    s.run().ok(0, dead=n)
    for part in parts:
        es.delete(f"{name}-{part}")
        es.create_held(f"{name}-{part}", TEXT)
    s.ini.write_text(s.ini.read_text().replace("in-flight=1", "in-flight=1\nbatch.records=5"))
    for part in parts[:2]:
        es.let_go(f"{name}-{part}")
        before = redriven(weir)
        running = weir.start_call("dlq", "redrive", "--state-dir", weir.state, s.ini)
        running.wait_for(lambda: redriven(weir) > before, "some more are known to be redriven")
        running.kill()  # with c held it can not have come to its end
    left = sum(g["count"] for g in s.groups())
    assert n // len(parts) <= left < n
    es.let_go(f"{name}-{parts[2]}")
    result = s.dlq("redrive")
    assert result.books.undelivered == 0 and result.books.delivered == left
    got = [i for part in parts for i in es.ids(f"{name}-{part}")]
    assert len(got) == n and set(got) == s.ids()
    assert s.groups() == []


def redriven(weir):
    """How much of the dead letters is remembered as redriven, in positions: rows of where a run begins and ends."""
    total = 0
    for file in weir.state.glob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            try:
                rows = db.execute("SELECT key, value FROM kv WHERE owner = 'redriven'").fetchall()
            except sqlite3.OperationalError:  # it is being made
                continue
        total += sum(int.from_bytes(end, "big") - int.from_bytes(key[-8:], "big") for key, end in rows)
    return total


def test_transforms_run_once(weir, kafka, es, name):
    """A dead letter is the record as it was read, which its value shows; redriven it is transformed as any other."""
    upper = '[transform up]\nplugin=case\nto=upper\nfield=.s'
    records = [Record(b'{"n":"x","s":"Stra\xc3\x9fe"}', b"k", partition=0)]
    s = Setup(weir, kafka, es, name, "kafka", records, transform=upper)
    s.index(NUMBER)
    s.run().ok(0, dead=1)
    (letter,) = s.letters()
    assert letter.value == records[0].value
    s.index(TEXT)
    s.dlq("redrive").ok(1)
    (document,) = es.sources(name).values()
    assert json.loads(document)["s"] == "STRASSE"


def test_older_over_newer_only_by_force(weir, kafka, es, name):
    """An id of the operator's own without version: the letter may be older than what is there."""
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2), sink="id={key}")
    s.index(NUMBER)
    s.run().ok(8, dead=2)
    s.index(TEXT)
    refused = s.dlq("redrive", status=2)
    assert "id is set and version is not" in refused.err and es.ids(name) == []
    s.dlq("redrive", "--force").ok(2)
    assert sorted(es.ids(name)) == ["k1", "k6"]


@pytest.mark.parametrize("more", ["version={offset}", "op=create"])
def test_what_can_not_overwrite_needs_no_force(weir, kafka, es, name, more):
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2), sink=f"id={{key}}\n{more}")
    s.index(NUMBER)
    s.run().ok(8, dead=2)
    s.index(TEXT)
    s.dlq("redrive").ok(2)
    assert sorted(es.ids(name)) == ["k1", "k6"]


def test_beside_the_running_pipeline(weir, kafka, es, name):
    """Dead letters in Kafka: both run at once. In a file, which one process writes, it is refused."""
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2))
    s.index(NUMBER)
    running = weir.start([s.ini])
    running.wait_for(lambda: len(s.letters()) == 2 and count(es, name) == 8, "two dead letters, and all else")
    assert sum(g["count"] for g in s.groups()) == 2
    s.index(TEXT)
    s.dlq("redrive").ok(2)
    assert len(es.ids(name)) == 2
    kafka.produce(s.source, [Record(b'{"n":1}', partition=0)])
    running.wait_for(lambda: count(es, name) == 3, "the next record")
    running.stop().ok(9, dead=2)


def test_files_are_written_by_one_process(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "file", mixed(8, 2))
    s.index(NUMBER)
    running = weir.start([s.ini])
    written = lambda: s.dead.exists() and s.dead.read_bytes().count(b"\n") == 2  # noqa: E731
    running.wait_for(lambda: written() and count(es, name) == 8, "two dead letters, and all else")
    assert sum(g["count"] for g in s.groups()) == 2  # looking is no trouble
    assert "stop the pipeline first" in s.dlq("redrive", status=1).err
    assert b"would send 2 of 2" in s.dlq("redrive", "--dry-run").out
    running.stop().ok(8, dead=2)
    s.dlq("redrive").ok(0, dead=2)
    assert len(s.letters()) == 4
    s.run()  # nothing of the redrive's is cut off
    assert len(s.letters()) == 4
    s.index(TEXT)
    s.dlq("redrive").ok(2)
    assert len(es.ids(name)) == 2


def test_into_an_exactly_once_topic(weir, kafka, name):
    """Kafka to Kafka in transactions: refused while the pipeline runs, each record once afterwards."""
    source, dead, good, out = (kafka.create(f"{x}-{name}") for x in ("in", "dead", "x", "out"))
    values = [b'{"n":%d,"t":"%s"}' % (i, b"a b" if i % 5 == 1 else b"x") for i in range(50)]
    sent = kafka.produce(source, [Record(v, b"%d" % i) for i, v in enumerate(values)])
    text = f"""[source]
        plugin=kafka
        brokers={kafka.brokers}
        topics={source}
        group={name}
        [sink]
        plugin=kafka
        brokers={kafka.brokers}
        topic=TOPIC
        delivery=exactly-once
        [dead-letter]
        plugin=kafka
        brokers={kafka.brokers}
        topic={dead}"""
    ini = weir.ini(text.replace("TOPIC", "{.t}-" + name), "web")
    running = weir.start([ini])
    running.wait_for(lambda: len(kafka.read(dead)) == 10 and len(kafka.read(good)) == 40, "40 records, 10 letters")
    refused = weir.call("dlq", "redrive", "--state-dir", weir.state, ini)
    assert refused.status == 1 and "stop the pipeline first" in refused.err
    running.stop().ok(40, dead=10)
    ini = weir.ini(text.replace("TOPIC", out), "web")
    weir.call("dlq", "redrive", "--state-dir", weir.state, ini).ok(10)
    got = kafka.read(out)
    assert [(r.key, r.value, r.headers) for r in got] == [(r.key, r.value, []) for r in sent if b"a b" in r.value]
    assert weir.call("dlq", "redrive", "--state-dir", weir.state, ini).status == 0
    assert len(kafka.read(out)) == 10
    kafka.produce(source, [Record(b"{}", b"last")])
    weir.run([ini]).ok(1)


def test_into_a_file_that_is_exactly_once(weir, kafka, name, tmp_path):
    """The redrive writes to the pipeline's own file, and the pipeline goes on with it."""
    source, dead = kafka.create(f"{name}-in"), kafka.create(f"{name}-dead")
    kafka.produce(source, [Record(b"one"), Record(b"two\nlines"), Record(b"three")])
    text = f"""[source]
        plugin=kafka
        brokers={kafka.brokers}
        topics={source}
        group={name}
        [sink]
        plugin=file
        path={tmp_path}/out
        format=FORMAT
        [dead-letter]
        plugin=kafka
        brokers={kafka.brokers}
        topic={dead}"""
    raw = text.replace("FORMAT", "raw")
    weir.run([weir.ini(raw, "web")]).ok(2, dead=1)
    ini = weir.ini(text.replace("FORMAT", "record"), "web")
    weir.call("dlq", "redrive", "--state-dir", weir.state, ini).ok(1)
    kafka.produce(source, [Record(b"four")])
    weir.run([weir.ini(raw, "web")]).ok(1)
    lines = (tmp_path / "out").read_bytes().split(b"\n")
    assert lines[:2] == [b"one", b"three"] and lines[3:] == [b"four", b""]
    (letter,) = read_lines(lines[2] + b"\n")
    assert (letter.value, letter.topic, letter.partition, letter.offset) == (b"two\nlines", source, 0, 1)
    assert letter.headers == []


def test_only_the_sink_that_rejected(weir, kafka, es, name, tmp_path):
    """Two sinks: what one of them has must not come to it again."""
    s = Setup(weir, kafka, es, name, "kafka", mixed(8, 2))
    text = s.ini.read_text().replace("[sink]", "[sink es]")
    s.ini.write_text(text + f"[sink archive]\nplugin=file\npath={tmp_path}/archive\nwhen=$partition == 1 or true\n")
    s.index(NUMBER)
    s.run().ok(8, dead=2)
    assert (tmp_path / "archive").read_bytes().count(b"\n") == 10
    s.index(TEXT)
    plan = s.dlq("redrive", "--dry-run").out.decode()
    assert "  es: 2\n" in plan and "archive" not in plan
    s.dlq("redrive").ok(2)
    assert len(es.ids(name)) == 2
    s.run()
    assert (tmp_path / "archive").read_bytes().count(b"\n") == 10


def test_a_file_that_may_not_grow(weir, tmp_path):
    """ulimit -f: the redrive waits and says why, as a run does; what was not written is left for the next."""
    (tmp_path / "in").write_bytes(b"%0999d\n" % 1 * 200)
    pipeline = f"[source]\nplugin=file\npath={tmp_path}/in\n%s[sink]\nplugin=file\npath={tmp_path}/out\n"
    dead = f"[dead-letter]\nplugin=file\nformat=record\npath={tmp_path}/dead\n"
    first = pipeline % "[transform t]\nplugin=filter\nwhen=startswith(\"x\")\n" + dead
    assert weir.run(first).books.dead == 200
    ini = weir.ini(pipeline % "" + dead)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    weir.program, program = "prlimit", weir.program
    running = weir.start_call("--fsize=150000:", program, "dlq", "redrive", "--state-dir", weir.state, ini)
    weir.program = program
    running.wait_line("File too large")
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert running.wait().ok().books.delivered == 200
    assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()


def test_what_the_source_could_not_decode_stays(weir, es, name, tmp_path):
    """It never was a record; a record that another part refused is sent, and its _id is that of the file's lane."""
    es.create(name, NUMBER)
    lines = [b'{"value":"{\\"n\\":\\"x\\"}"}', b"plain", b'{"value":"{\\"n\\":2}","topic":"web","partition":7,"offset":99}']
    (tmp_path / "in").write_bytes(b"\n".join(lines) + b"\n")
    ini = weir.ini(
        f"""[source]
        plugin=file
        path={tmp_path}/in
        format=record
        [sink]
        plugin=elasticsearch
        url={es.url}
        index={name}
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record""",
        "web",
    )
    weir.run([ini]).ok(1, dead=2)
    (good,) = es.ids(name)
    es.call("DELETE", name)
    es.create(name, TEXT)
    result = weir.call("dlq", "redrive", "--state-dir", weir.state, ini).ok(1)
    assert "1 dead letter left: the source could not decode" in result.err
    (bad,) = es.ids(name)
    lane = good.rsplit("+", 1)[0] if "+" in good else good.rsplit("-", 1)[0]
    assert bad in (f"{lane}+0", f"{lane}-0")


def test_letters_of_kafka_connect(weir, kafka, es, name):
    """Ten headers, whoever wrote them, and what stands behind them stays."""
    s = Setup(weir, kafka, es, name, "kafka", [])
    s.index(TEXT)
    reason = {
        "topic": b"orders",
        "partition": b"3",
        "offset": b"41",
        "connector.name": b"es-sink",
        "task.id": b"0",
        "stage": b"TASK_PUT",
        "class.name": b"io.confluent.Sink",
        "exception.class.name": b"org.apache.kafka.connect.errors.ConnectException",
        "exception.message": None,
        "exception.stacktrace": b"at a\nat b",
    }
    headers = [("a", b"1")] + [(f"__connect.errors.{k}", v) for k, v in reason.items()] + [("trace", b"t")]
    kafka.produce(s.dead, [Record(b'{"n":"1"}', b"k", headers, 77, partition=0), Record(b"foreign", partition=1)])
    (letter,) = [json.loads(line) for line in s.dlq("show", "--json").out.splitlines()]
    assert letter["headers"] == [["a", "1"], ["trace", "t"]]
    result = s.dlq("redrive").ok(1)
    assert es.ids(name) == ["orders+3+41"]
    assert "1 records among the dead letters are none" in result.err


def test_too_large_is_sent_with_more_memory(weir, tmp_path):
    """A record that alone fills the budget is a dead letter, reading goes on behind it, and with more memory it fits."""
    big = b'{"n":"' + b"x" * 6000000 + b'"}'
    (tmp_path / "in").write_bytes(big + b"\nsmall\n")
    text = f"""[pipeline]
        memory=16M
        [source]
        plugin=file
        path={tmp_path}/in
        max-line=16M
        [sink]
        plugin=file
        path={tmp_path}/out
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    weir.run([weir.ini(text, "web")]).ok(1, dead=1)
    ini = weir.ini(text.replace("memory=16M", "memory=64M"), "web")
    weir.call("dlq", "redrive", "--state-dir", weir.state, ini).ok(1)
    assert (tmp_path / "out").read_bytes() == b"small\n" + big + b"\n"


def test_dead_letters_that_can_not_be_written_hold_everything(weir, kafka, name, tmp_path, free_port):
    """A dead-letter sink that is down: nothing behind the record is committed, nothing is lost."""
    source = kafka.create(f"{name}-in")
    kafka.produce(source, [Record(b'{"n":1}'), Record(b"no json"), Record(b'{"n":2}')])
    text = f"""[pipeline]
        drain=1s
        [source]
        plugin=kafka
        brokers={kafka.brokers}
        topics={source}
        group={name}
        [sink]
        plugin=file
        path={tmp_path}/out.{{.n}}
        fsync=none
        [dead-letter]
        plugin=kafka
        topic={name}-dead
        brokers="""
    running = weir.start([weir.ini(f"{text}127.0.0.1:{free_port}", "web")])
    running.wait_for(lambda: (tmp_path / "out.2").exists(), "the record behind it")
    result = running.stop()
    assert result.status == 1 and result.books.undelivered >= 1, result.err
    assert kafka.committed(name, source).get(0, 0) <= 1
    kafka.create(f"{name}-dead")
    result = weir.run([weir.ini(f"{text}{kafka.brokers}", "web")])
    assert result.status == 0 and result.books.dead == 1, result.err
    assert [r.value for r in kafka.read(f"{name}-dead")] == [b"no json"]


def test_the_rejects_before_a_stop_are_dead_letters(weir, kafka, es, name):
    s = Setup(weir, kafka, es, name, "kafka", mixed(0, 0), sink="batch.records=10\nin-flight=1")
    s.ini.write_text(s.ini.read_text() + "stop-after=30\n")
    s.sent = kafka.produce(s.source, [Record(b'{"n":"x%d"}' % i, b"%d" % i, partition=0) for i in range(500)])
    s.index(NUMBER)
    result = s.run().failed("records in a row were rejected (stop-after)")
    assert 30 <= result.books.dead == len(s.letters()) < 500
    assert result.books.undelivered == result.books.read - result.books.dead
    assert kafka.committed(name, s.source)[0] == result.books.dead
    s.index(TEXT)
    s.run().ok(500 - result.books.dead)
    s.dlq("redrive").ok(result.books.dead)
    assert set(es.ids(name)) == s.ids()


def count(es, index):
    es.refresh(index)
    return es.count(index)
