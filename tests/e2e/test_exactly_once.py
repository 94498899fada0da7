# SPDX-License-Identifier: BSD-2-Clause
"""delivery = exactly-once, Kafka to Kafka: who reads what is committed sees each record once and in order, whatever
ends a transaction: kill -9, a pause beyond its time, another process with its id, an outage, a member that comes."""
import random
import signal

import pytest

from lib.feed import crashes
from lib.record import Record
from lib.wait import stays, until

pytestmark = pytest.mark.pipeline
PARTITIONS = 3


def line(i):
    return b'{"n":%d,"pad":"%s"}' % (i, b"x" * (i % 97))


class Lane:
    """A pair of topics, what fills the one, and what must be in the other."""

    def __init__(self, kafka, name, partitions=PARTITIONS, **config):
        self.kafka, self.name, self.partitions = kafka, name, partitions
        self.input = kafka.create(f"{name}-in", partitions)
        self.output = kafka.create(f"{name}-out", partitions, **config)

    def ini(self, pipeline="commit = 100ms", source="", sink="", parts=""):
        return f"""
            [pipeline]
            {pipeline}
            [source]
            plugin = kafka
            brokers = {self.kafka.brokers}
            topics = {self.input}
            group = {self.name}
            {source}
            [sink]
            plugin = kafka
            brokers = {self.kafka.brokers}
            topic = {self.output}
            partition = {{partition}}
            delivery = exactly-once
            {sink}
            {parts}
            """

    def put(self, first, n):
        self.kafka.fill(self.input, n, self.partitions, line, first)

    def arrived(self):
        return sum(self.kafka.committed(self.name, self.input).values())

    def open(self):
        """A transaction is open in the output: what is committed ends before what is there."""
        return self.kafka.ends(self.output) != self.kafka.ends(self.output, "read_uncommitted")

    def once(self, n):
        """Each of the n records once, in order, and the group stands behind the last."""
        got = self.kafka.read(self.output)
        for p in range(self.partitions):
            assert [r.value for r in got if r.partition == p] == [line(i) for i in range(p, n, self.partitions)]
        self.stands_behind_the_last()

    def stands_behind_the_last(self):
        """The group, and that a moment after the commit: the brokers still write what makes it valid."""
        ends = self.kafka.ends(self.input)
        until(lambda: self.kafka.committed(self.name, self.input) == ends, "the group stands behind the last")


@pytest.fixture
def lane(kafka, name):
    return Lane(kafka, name)


@pytest.fixture
def feeder(lane, feed):
    return feed(lane.put, lane.arrived)


def test_a_run_to_the_end(weir, lane):
    lane.put(0, 5000)
    weir.run(lane.ini()).ok(5000)
    lane.once(5000)
    lane.put(5000, 100)
    weir.run(lane.ini()).ok(100)
    lane.once(5100)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kills(weir, lane, feeder, seed):
    """Between any two steps: what was written and not committed is not to be seen, and comes again."""
    crashes(weir, lane.ini(), feeder, random.Random(seed), 6)
    n = feeder.finish()
    weir.run(lane.ini()).ok()
    lane.once(n)


def test_workers_share_one_transaction(weir, lane):
    lane.put(0, 6000)
    weir.run(lane.ini("workers = 3")).ok(6000)
    lane.once(6000)


def test_records_that_no_sink_wants_move_the_group_too(weir, lane):
    lane.put(0, 3000)
    weir.run(lane.ini(sink="when = .n < 0")).ok(0, dropped=3000)
    lane.stands_behind_the_last()


def test_a_pause_longer_than_the_transaction(weir, lane, feeder):
    """The brokers end it, so all of it is read again; the books count each record once."""
    run = weir.start(lane.ini("commit = 1s", sink="rdkafka.transaction.timeout.ms = 3000"))
    try:
        run.wait_for(lambda: feeder.seen() > 500, "records arrived")
        run.wait_for(lambda: outlasted(lane, run), "it stands still until the brokers have ended its transaction")
        run.signal(signal.SIGCONT)
        run.wait_line("it is read again")
        seen = feeder.seen()
        run.wait_for(lambda: feeder.seen() > seen + 500, "it goes on")
    finally:
        run.signal(signal.SIGCONT)
    n = feeder.finish()
    run.wait_for(lambda: feeder.arrived() == n, "all arrived")
    result = run.stop()
    result.ok(n)
    lane.once(n)


def outlasted(lane, run):
    """Whether it stands still since a transaction that was open then, which the brokers have ended: one whose commit was
    on its way to them when the signal came moves the group, at once or when they come to it."""
    run.signal(signal.SIGSTOP)
    before = lane.arrived()
    if stays(lane.open, 2):
        until(lambda: not lane.open(), "the transaction is at its end")
        if lane.arrived() == before:
            return True
    run.signal(signal.SIGCONT)
    return False


def test_a_second_process_takes_over(weir, lane, feeder, tmp_path):
    """The first one ends and says why; nothing is doubled."""
    ini = weir.ini(lane.ini(), "p")
    first = weir.start([ini])
    first.wait_for(lambda: feeder.seen() > 500, "records arrived")
    second = weir.start([ini], "--state-dir", tmp_path / "other")
    first.wait().failed()
    assert "another producer has taken over" in first.err or "another member of group" in first.err
    seen = feeder.seen()
    second.wait_for(lambda: feeder.seen() > seen + 500, "the second goes on")
    n = feeder.finish()
    second.wait_for(lambda: feeder.arrived() == n, "all arrived")
    second.stop().ok()
    lane.once(n)


def test_members_come_and_go(weir, lane, feeder, tmp_path):
    one = weir.start([weir.ini(lane.ini(source="instance = one"), "one")], "--state-dir", tmp_path / "one")
    one.wait_for(lambda: feeder.seen() > 500, "records arrived")
    two = weir.start([weir.ini(lane.ini(source="instance = two"), "two")], "--state-dir", tmp_path / "two")
    lane.kafka.wait_members(lane.name, 2, PARTITIONS)
    seen = feeder.seen()
    two.wait_for(lambda: feeder.seen() > seen + 1000, "both go on")
    two.kill()
    three = weir.start([weir.ini(lane.ini(source="instance = two"), "two")], "--state-dir", tmp_path / "two")
    seen = feeder.seen()
    three.wait_for(lambda: feeder.seen() > seen + 3000, "both go on")
    n = feeder.finish()
    one.wait_for(lambda: feeder.arrived() == n, "all arrived")
    one.stop().ok()
    three.stop().ok()
    lane.once(n)


def test_a_record_that_can_not_be_written_is_a_dead_letter(weir, kafka, name, tmp_path):
    """It voids its transaction once; read again it is left out, its neighbours are not."""
    lane = Lane(kafka, name, 1, cleanup_policy="compact")
    records = [Record(value=line(i), key=None if i == 700 else b"%d" % i) for i in range(1000)]
    kafka.produce(lane.input, records)
    dead = f"[dead-letter]\nplugin = file\npath = {tmp_path}/dead\nformat = record"
    weir.run(lane.ini(parts=dead)).ok(999, dead=1)
    assert [r.value for r in kafka.read(lane.output)] == [line(i) for i in range(1000) if i != 700]
    assert (tmp_path / "dead").read_text().count("\n") == 1


@pytest.mark.parametrize(
    "source, sink, sentence",
    [
        ("plugin = file\npath = /dev/null", "", "exactly-once is for a kafka source on the same cluster"),
        ("isolation = read-uncommitted", "", "exactly-once needs isolation = read-committed"),
        ("", "rdkafka.transaction.timeout.ms = 1500", "1500 is too short"),
    ],
)
def test_what_can_not_be_is_refused(weir, lane, source, sink, sentence):
    ini = lane.ini("commit = 1s", source, sink)
    if source.startswith("plugin"):
        head, tail = ini.split("[source]")
        ini = head + "[source]\n" + source + "\n[sink]" + tail.split("[sink]")[1]
    result = weir.call("check", weir.ini(ini))
    assert result.status == 2 and sentence in result.err, result.err


def test_one_sink_alone_can_be_it(weir, lane):
    head, sink = lane.ini().split("[sink]")
    result = weir.call("check", weir.ini(f"{head}[sink one]{sink}[sink two]{sink}"))
    assert result.status == 2 and "one sink of a pipeline can be exactly once" in result.err, result.err
