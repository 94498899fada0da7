# SPDX-License-Identifier: BSD-2-Clause
"""What surrounds the value: time, topic, headers and key, set by transforms, from Kafka to Kafka and in a process of its own."""
import pytest

from lib.record import Record, read_lines, to_line

MORNING = 1769850000000  # 2026-01-31T09:00:00Z

CHAIN = """
[transform time]
plugin=timestamp
field=.time
from=%d/%b/%Y:%H:%M:%S %z
to=unix-ms
{more}
[transform own]
plugin=timestamp
field=.time
from=unix-ms
to=record
{more}
[transform headers]
plugin=header
remove=trace-*
set.tenant={{.tenant}}
set."x-day"={{time:%F}}
{more}
[transform key]
plugin=key
field.id={{.id}}
field.at={{topic}}
{more}
[transform topic]
plugin=route
regex=(.*)-in
replacement=$1-out
{more}
"""


def before(i):
    value = b'{"id":%d.0,"tenant":"t%d","time":"31/Jan/2026:10:00:%02d +0100"}' % (i, i % 3, i % 60)
    return Record(value, b"k%d" % i, [("trace-id", b"1"), ("tenant", b"old"), ("other", b"\xff")], MORNING - 10**9)


def after(i, topic):
    ms = MORNING + i % 60 * 1000
    value = b'{"id":%d.0,"tenant":"t%d","time":%d}' % (i, i % 3, ms)
    key = b'{"id":%d.0,"at":"%s"}' % (i, topic.encode())
    return Record(value, key, [("other", b"\xff"), ("tenant", b"t%d" % (i % 3)), ("x-day", b"2026-01-31")], ms)


def test_kafka_gets_what_the_transforms_made(weir, kafka, name):
    kafka.create(f"{name}-in")
    kafka.create(f"{name}-out")
    kafka.produce(f"{name}-in", [before(i) for i in range(500)])
    weir.run(
        f"[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={name}-in\ngroup={name}\n{CHAIN.format(more='')}"
        f"[sink]\nplugin=kafka\nbrokers={kafka.brokers}\n"
    ).ok(500)
    want = [after(i, f"{name}-in").at(f"{name}-out", 0, i) for i in range(500)]
    assert kafka.read(f"{name}-out") == want
    assert kafka.committed(name, f"{name}-in") == {0: 500}


@pytest.mark.pipeline
@pytest.mark.parametrize("more", ["", "isolate=process"])
def test_the_same_from_file_to_file(weir, tmp_path, more):
    """Workers, and plugins in processes of their own; a tombstone keeps its key and has no time in it."""
    records = [before(i).at("web-in", 0, i) for i in range(1000)]
    gone = Record(None, b"k", [("trace-id", b"1")], MORNING, "web-in", 0, 1000)
    bad = Record(b'{"id":1,"tenant":"a","time":"31/Feb/2026:10:00:00 +0100"}', b"k", [], MORNING, "web-in", 0, 1001)
    (tmp_path / "in").write_bytes(b"".join(to_line(r) + b"\n" for r in [*records, gone, bad]))
    weir.run(
        f"[pipeline]\nworkers=2\n[source]\nplugin=file\npath={tmp_path}/in\nformat=record\n{CHAIN.format(more=more)}"
        f"[sink]\nplugin=file\npath={tmp_path}/out\nformat=record\n"
        f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record\n"
    ).ok(1001, dead=1)
    got = read_lines((tmp_path / "out").read_bytes())
    want = [after(i, "web-in").at("web-out", 0, i) for i in range(1000)]
    assert got == [*want, Record(None, b"k", [("x-day", b"2026-01-31")], MORNING, "web-out", 0, 1000)]
    (dead,) = read_lines((tmp_path / "dead").read_bytes())
    assert dead.value == bad.value and dead.topic == "web-in"
