# SPDX-License-Identifier: BSD-2-Clause
"""Where reading begins and goes on: `start`, what is found later, positions that are gone, outside the log, or of others."""
import signal
import sqlite3

import pytest

from lib.kafka import Kafka
from lib.services import Services
from lib.wait import until

pytestmark = pytest.mark.pipeline


def pipeline(kafka, topic, group, tmp_path, more=""):
    return f"""[source]
        plugin=kafka
        brokers={kafka.brokers}
        topics={topic}
        group={group}
        rdkafka.topic.metadata.refresh.interval.ms=500
        {more}
        [sink]
        plugin=file
        path={tmp_path}/out"""


def numbers(n, first=0):
    return [b'{"n":%d}' % i for i in range(first, first + n)]


def got(tmp_path):
    return (tmp_path / "out").read_bytes().splitlines() if (tmp_path / "out").exists() else []


def stored(weir):
    """How much the plugins have put into the state."""
    try:
        (file,) = weir.state.glob("*.db")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM kv").fetchone()[0]
    except (ValueError, sqlite3.OperationalError):
        return 0


def recreate(kafka, topic, partitions=1):
    for future in kafka.admin.delete_topics([topic]).values():
        future.result(30)
    until(lambda: topic not in kafka.admin.list_topics(timeout=10).topics, "the topic is gone")
    kafka.producer = kafka.new_producer()  # the old one knows another topic of that name
    return kafka.create(topic, partitions)


# --- start ---


def test_latest_begins_at_the_end_and_goes_on_from_there(weir, kafka, name, tmp_path):
    """The first run stores where the end was, though it read nothing; the second reads what came between."""
    topic = kafka.create(f"{name}-in", 2)
    kafka.fill(topic, 10, 2)
    ini = pipeline(kafka, topic, name, tmp_path, "start=latest")
    weir.run(ini).ok(0)
    kafka.fill(topic, 6, 2, first=10)
    weir.run(ini).ok(6)
    assert sorted(got(tmp_path)) == sorted(numbers(6, 10))


def test_stored_needs_a_position(weir, kafka, name, tmp_path):
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 5)
    stopped = weir.run(pipeline(kafka, topic, name, tmp_path, "start=stored")).failed(f"{topic}/0", "start = stored")
    assert stopped.books.read == 0
    weir.run(pipeline(kafka, topic, name, tmp_path)).ok(5)
    kafka.fill(topic, 5, first=5)
    weir.run(pipeline(kafka, topic, name, tmp_path, "start=stored")).ok(5)
    assert got(tmp_path) == numbers(10)


def test_start_does_not_hold_where_there_is_a_position(weir, kafka, name, tmp_path):
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 5)
    weir.run(pipeline(kafka, topic, name, tmp_path)).ok(5)
    kafka.fill(topic, 5, first=5)
    weir.run(pipeline(kafka, topic, name, tmp_path, "start=latest")).ok(5)
    assert got(tmp_path) == numbers(10)


# --- found later ---


def test_partitions_found_later_are_read_whole(weir, kafka, name, tmp_path):
    """`start = latest` holds for what was there; partitions that are added while weir runs begin at their beginning."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 5)
    run = weir.start(pipeline(kafka, topic, name, tmp_path, "start=latest"))
    run.wait_line("1 partitions assigned")
    kafka.grow(topic, 3)
    kafka.fill(topic, 9, 3, first=100)
    run.wait_for(lambda: len(got(tmp_path)) >= 9, "all new records are there")
    run.stop().ok(9)
    assert sorted(got(tmp_path)) == sorted(numbers(9, 100))


def test_files_found_later_are_read_whole(weir, tmp_path):
    """The same for files: `start = end` skips what is there at the very first start only."""
    (tmp_path / "a.log").write_bytes(b"old\n")
    ini = f"[source]\nplugin=file\npath={tmp_path}/*.log\nstart=end\n[sink]\nplugin=file\npath={tmp_path}/out"
    run = weir.start(ini)
    run.wait_for(lambda: stored(weir), "it knows the file that is there")
    (tmp_path / "warm.log").write_bytes(b"warm\n")
    run.wait_for(lambda: got(tmp_path) == [b"warm"], "the file that came is read")
    (tmp_path / "b.log").write_bytes(b"whole\nof it\n")
    run.wait_for(lambda: len(got(tmp_path)) == 3, "the next file is read")
    run.stop().ok(3)
    (tmp_path / "c.log").write_bytes(b"while away\n")
    weir.run(ini).ok(1)
    assert got(tmp_path) == [b"warm", b"whole", b"of it", b"while away"]


# --- positions that do not fit ---


def test_expired_group_offsets(weir, kafka, name, tmp_path):
    """The group forgot (offsets.retention.minutes): weir's own copy serves, and that is said."""
    topic = kafka.create(f"{name}-in", 2)
    kafka.fill(topic, 10, 2)
    ini = pipeline(kafka, topic, name, tmp_path, "instance=")
    weir.run(ini).ok(10)
    until(lambda: not kafka.members(name), "the group is empty")
    for future in kafka.admin.delete_consumer_groups([name]).values():
        future.result(30)
    kafka.fill(topic, 4, 2, first=10)
    again = weir.run(ini).ok(4)
    assert len(again.lines("has no position for 2 partitions")) == 1
    assert sorted(got(tmp_path)) == sorted(numbers(14))
    assert weir.run(ini).ok(0).lines("has no position") == []


def test_a_topic_made_anew_is_told_by_its_end(weir, kafka, name, tmp_path):
    """The new log ends before the position: the pipeline stops with both numbers, or begins anew when told to."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 10)
    ini = pipeline(kafka, topic, name, tmp_path)
    weir.run(ini).ok(10)
    recreate(kafka, topic)
    kafka.fill(topic, 4, first=100)
    stopped = weir.run(ini).failed("the position 10 is after the end of the log, 4", "made anew", "on-gap = earliest")
    assert stopped.books.read == 0
    weir.run(pipeline(kafka, topic, name, tmp_path, "on-gap=earliest")).ok(4)
    assert got(tmp_path) == numbers(10) + numbers(4, 100)


def test_a_topic_made_anew_that_has_grown_beyond_the_position(weir, kafka, name, tmp_path):
    """Nothing in the log tells it from the old one; that the group has lost its position is said, with what follows."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 3)
    ini = pipeline(kafka, topic, name, tmp_path)
    weir.run(ini).ok(3)
    recreate(kafka, topic)
    until(lambda: kafka.committed(name, topic) == {}, "the group has lost its position")
    kafka.fill(topic, 8, first=100)
    again = weir.run(ini).ok(5)
    (line,) = again.lines("has no position for 1 partitions")
    assert f"{topic}/0 goes on at 3" in line and "made anew" in line
    assert got(tmp_path) == numbers(3) + numbers(5, 103)


def test_a_topic_made_anew_under_a_running_pipeline(weir, kafka, name, tmp_path):
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 10)
    run = weir.start(pipeline(kafka, topic, name, tmp_path))
    run.wait_for(lambda: kafka.committed(name, topic) == {0: 10}, "all is committed")
    recreate(kafka, topic)
    kafka.fill(topic, 4, first=100)
    # it may look before there are all four
    result = run.wait().failed("the position 10 is after the end of the log, ", "made anew", "on-gap = earliest")
    assert result.books.undelivered == 0 and got(tmp_path) == numbers(10)


def test_records_deleted_under_a_running_pipeline(weir, kafka, name, tmp_path):
    """What retention takes away before it was read is told in numbers, also while weir runs: it stands still meanwhile."""
    from confluent_kafka import TopicPartition

    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 10)
    run = weir.start(pipeline(kafka, topic, name, tmp_path))
    run.wait_for(lambda: kafka.committed(name, topic) == {0: 10}, "all is committed")
    run.signal(signal.SIGSTOP)
    kafka.fill(topic, 20000, first=10)
    for future in kafka.admin.delete_records([TopicPartition(topic, 0, 20000)]).values():
        future.result(30)
    run.signal(signal.SIGCONT)
    run.wait().failed("before the start of the log, 20000", "offsets were deleted before they were read", "on-gap")
    assert got(tmp_path)[:10] == numbers(10)


@pytest.mark.slow
def test_another_cluster_is_refused(weir, kafka, name, tmp_path):
    """The same topic names on other brokers: positions of one mean nothing in the other."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 5)
    weir.run(pipeline(kafka, topic, name, tmp_path, "instance=")).ok(5)
    other = Services({"kafka"})
    other.dir = None
    try:
        there = Kafka(other.of("kafka"))
        there.create(topic)
        there.fill(topic, 8)
        stopped = weir.run(pipeline(there, topic, name, tmp_path, "instance=")).failed("cluster", "a new pipeline name or state directory")
        assert stopped.books.read == 0
        weir.run([weir.ini(pipeline(there, topic, name, tmp_path, "instance="), "afresh")]).ok(8)
    finally:
        other.down(failed=False)


# --- ends ---


def test_until_end_with_nothing_assigned(weir, kafka, name, tmp_path):
    """Another member holds the only partition: that is said, and the run ends."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 5)
    first = weir.start([weir.ini(pipeline(kafka, topic, name, tmp_path, "instance="), "one")])
    first.wait_for(lambda: kafka.committed(name, topic) == {0: 5}, "the first has all")
    result = weir.run([weir.ini(pipeline(kafka, topic, name, tmp_path / "two", "instance="), "two")])
    assert result.status == 0 and result.books.read == 0
    assert len(result.lines("1 partitions of its topics are held by other members")) == 1, result.err
    first.stop().ok(5)
