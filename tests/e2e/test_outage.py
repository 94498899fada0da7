# SPDX-License-Identifier: BSD-2-Clause
"""A server that is away or stands still: it is retried, said once, and nothing is lost; memory stays in its bounds."""
import contextlib
import os
import re
import signal
import time

import pytest

from lib.record import Record
from lib.wait import until

MIB = 1 << 20
CHECKED = os.environ.get("WEIR_SANITIZED") == "yes"  # sanitizers multiply the memory of a program


def troubles(run, section):
    """Log lines of that section that are no information: what an operator would have to read. Not the one that
    comes after a minute, which a server needs to start on a machine that has much else to do."""
    lines = [line for line in run.err.splitlines() if re.search(r" (warning|error) ", line) and section in line]
    return [line for line in lines if "again and again" not in line]


def kafka_to(sink, kafka, name, pipeline="", source=""):
    return (
        f"[pipeline]\ncommit=50ms\n{pipeline}\n[source]\nplugin=kafka\nbrokers={kafka.brokers}\n"
        f"topics={name}-in\ngroup={name}\n{source}\n[sink]\n{sink}"
    )


def to_index(search, name):
    return f"plugin=elasticsearch\nurl={search.url}\nindex={name}\nretry.initial=20ms\nretry.max=200ms"


@contextlib.contextmanager
def stopped(services, server):
    """All processes of a server stand still."""
    pids = services.pids(server)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def answers(search):
    with contextlib.suppress(Exception):
        return search.http.get(f"{search.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5).status_code == 200


def test_broker_away_at_the_start(weir, tmp_path, free_port):
    """Unreachable is no failure: it is said once, and a signal ends the waiting."""
    run = weir.start(
        f"[source]\nplugin=kafka\nbrokers=127.0.0.1:{free_port}\ntopics=t\ngroup=g\n[sink]\nplugin=file\npath={tmp_path}/out"
    )
    run.wait_line("not connected, trying on")
    begin = time.monotonic()
    run.wait_for(lambda: time.monotonic() > begin + 4, "some more attempts are made")
    assert len(troubles(run, "[source]")) == 1, run.err
    said = troubles(run, "[source]")[0]
    assert f"127.0.0.1:{free_port}" in said and "refused" in said, said
    result = run.stop()
    assert result.status == 0 and result.books.read == 0, result.err


def test_index_away_at_the_start(weir, kafka, name, free_port):
    kafka.fill(kafka.create(f"{name}-in"), 100)
    sink = f"plugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\nindex={name}\nretry.initial=20ms\nretry.max=100ms"
    run = weir.start(kafka_to(sink, kafka, name, "drain=100ms"))
    run.wait_line("trying on")
    begin = time.monotonic()
    run.wait_for(lambda: time.monotonic() > begin + 3, "some more attempts are made")
    assert len(troubles(run, "[sink]")) == 1, run.err
    result = run.stop().failed("100 records were not delivered")
    assert result.books.undelivered == 100 and kafka.committed(name, f"{name}-in") == {}


@pytest.mark.slow
def test_index_killed_and_started_again(weir, kafka, es, services, name):
    """kill -9 of Elasticsearch while records flow; when it is back all of them are there, once."""
    kafka.create(f"{name}-in", 2)
    es.create(name)
    kafka.fill(f"{name}-in", 500, 2)
    run = weir.start(kafka_to(to_index(es, name), kafka, name))
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 250, 1: 250}, "the first half is committed")
    services.kill("elasticsearch")
    try:
        kafka.fill(f"{name}-in", 500, 2, first=500)
        run.wait_line("trying on")
    finally:
        services.start("elasticsearch")
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 500, 1: 500}, "all is committed")
    result = run.stop().ok(1000)
    away, *starting = troubles(run, "[sink]")
    assert "not connected" in away and len(starting) <= 1, result.err
    assert all("HTTP status 503" in line for line in starting), result.err  # it answers and has not all its data yet
    assert len(result.lines("is well again")) == 1, result.err
    assert sorted(es.ids(name)) == sorted(f"{name}-in+{p}+{o}" for p in (0, 1) for o in range(500))


@pytest.mark.slow
def test_broker_killed_and_started_again(weir, kafka, services, name, tmp_path):
    """kill -9 of the broker under a source and a sink. The session outlasts that, so that nothing is read again."""
    kafka.create(f"{name}-in")
    out = kafka.create(f"{name}-out")
    kafka.fill(f"{name}-in", 500)
    sink = f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={out}\nrdkafka.reconnect.backoff.max.ms=500"
    source = "rdkafka.reconnect.backoff.max.ms=500\nrdkafka.session.timeout.ms=300000"
    run = weir.start(kafka_to(sink, kafka, name, source=source))
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 500}, "the first half is committed")
    services.kill("kafka")
    try:
        run.wait_for(lambda: troubles(run, "[source]") and troubles(run, "[sink]"), "both say that the broker is away")
    finally:
        services.start("kafka")
    kafka.fill(f"{name}-in", 500, first=500)
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 1000}, "all is committed")
    run.stop().ok(1000)
    # a broker that is just back may refuse commits more than once, with several reasons
    source = [line for line in troubles(run, "[source]") if "a commit failed" not in line]
    assert len(troubles(run, "[sink]")) <= 2 and len(source) <= 2, run.err
    got = [r.value for r in kafka.read(out)]
    assert sorted(set(got)) == sorted(b'{"n":%d}' % i for i in range(1000))


@pytest.mark.slow
@pytest.mark.parametrize("memory", [16])
def test_index_stands_still_behind_a_full_topic(weir, kafka, es, services, name, memory):
    """Elasticsearch accepts and never answers, 100 MB wait in the topic: weir stays inside its memory and in its group."""
    kafka.create(f"{name}-in", 4)
    es.create(name)
    document = Record(b'{"text":"%s"}' % (b"x " * 5000))
    kafka.produce(f"{name}-in", [document] * 100)  # so that the connections are made
    source = "rdkafka.session.timeout.ms=10000\nrdkafka.heartbeat.interval.ms=500"
    run = weir.start(kafka_to(to_index(es, name), kafka, name, f"memory={memory}M", source))
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 100}, "the first records are committed")
    with stopped(services, "elasticsearch"):
        for p in range(4):
            kafka.produce(f"{name}-in", [document] * 2500, p)
        peak, end = 0, time.monotonic() + 15

        def watched():
            nonlocal peak
            peak = max(peak, run.rss())
            return time.monotonic() > end

        run.wait_for(watched, "fifteen seconds have passed")
        if not CHECKED:
            assert peak <= (memory + 24) * MIB, f"resident: {peak / MIB:.1f} MiB"
        assert len(kafka.members(name)) == 1 and "revoked" not in run.err
        assert sum(kafka.committed(name, f"{name}-in").values()) == 100
    until(lambda: answers(es), "Elasticsearch answers again")
    run.wait_for(lambda: sum(kafka.committed(name, f"{name}-in").values()) == 10100, "all is committed")
    run.stop().ok(10100)
    es.refresh(name)
    assert es.count(name) == 10100
    es.delete(name)


def test_index_that_is_blocked_is_waited_for(weir, kafka, es, name):
    """A write block is no fault of the records: nothing becomes a dead letter."""
    kafka.fill(kafka.create(f"{name}-in"), 10)
    es.create(name)
    es.call("PUT", f"{name}/_settings", {"index.blocks.write": True})
    run = weir.start(kafka_to(to_index(es, name), kafka, name) + "\n[dead-letter]\nplugin=std\nformat=record")
    run.wait_line("trying on")
    es.call("PUT", f"{name}/_settings", {"index.blocks.write": False})
    run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 10}, "all is committed")
    assert run.stop().ok(10).out == b""


def test_a_full_pipe_holds_the_source_back(weir, kafka, name, tmp_path):
    """Nobody reads standard output: nothing is lost, nothing is committed beyond what was written."""
    kafka.create(f"{name}-in")
    kafka.produce(f"{name}-in", [Record(b"%06d" % i + b"x" * 1000) for i in range(3000)])
    ini = weir.ini(kafka_to("plugin=std", kafka, name, "memory=16M"))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    run = weir.start([ini], until_end=True, stdout=fifo)
    got = b""

    def drained():
        nonlocal got
        with contextlib.suppress(BlockingIOError):
            got += os.read(reader, 1 << 16)
        return not run.alive()

    until(drained, "weir ends")
    while chunk := os.read(reader, 1 << 16):
        got += chunk
    os.close(reader)
    run.wait().ok(3000)
    assert [line[:6] for line in got.splitlines()] == [b"%06d" % i for i in range(3000)]


def test_a_reader_that_leaves(weir, tmp_path):
    """The reader of standard output is gone: the pipeline stops and says so."""
    (tmp_path / "in").write_bytes(b"x" * 100 + b"\n" * 200000)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    run = weir.start(f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=std", until_end=True, stdout=fifo)
    until(lambda: run.alive() and os.stat(f"/proc/{run.pid}/fd/1"), "it writes")
    os.close(reader)
    run.wait().failed("the reader of standard output left")
