# SPDX-License-Identifier: BSD-2-Clause
"""What is delivered, and what the books say of it: resume, stop, several pipelines, lanes, several sinks, rebalance."""
import signal

import pytest

from lib.record import Record
from lib.wait import until

pytestmark = pytest.mark.pipeline
KEPT = "rdkafka.session.timeout.ms=600000"  # a static member keeps its place however long the next run takes to come


def kafka_source(kafka, topic, group, more=""):
    return f"[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={topic}\ngroup={group}\n{more}\n"


def kafka_sink(kafka, topic, more=""):
    return f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={topic}\n{more}\n"


def numbers(n, first=0):
    return [b'{"n":%d}' % i for i in range(first, first + n)]


def values(records):
    return [r.value for r in records]


# --- resume ---


def test_resume_from_kafka(weir, kafka, name):
    source, out = kafka.create(f"{name}-in", 2), kafka.create(f"{name}-out")
    ini = kafka_source(kafka, source, name) + "[sink]\n" + kafka_sink(kafka, out)
    kafka.fill(source, 100, 2)
    weir.run(ini).ok(100)
    assert kafka.committed(name, source) == {0: 50, 1: 50}
    weir.run(ini).ok(0)
    kafka.fill(source, 60, 2, first=100)
    weir.run(ini).ok(60)
    assert sorted(values(kafka.read(out))) == sorted(numbers(160))


def test_weir_keeps_its_own_copy_of_offsets(weir, kafka, name, tmp_path):
    """The group's offsets are gone (retention, a new cluster of brokers): the state still knows."""
    source = kafka.create(f"{name}-in")
    kafka.fill(source, 50)
    ini = kafka_source(kafka, source, name, "instance=") + f"[sink]\nplugin=file\npath={tmp_path}/out"
    weir.run(ini).ok(50)
    until(lambda: not kafka.members(name), "it has left the group")
    for future in kafka.admin.delete_consumer_groups([name]).values():
        future.result(30)
    kafka.fill(source, 5, first=50)
    weir.run(ini).ok(5)
    assert (tmp_path / "out").read_bytes().splitlines() == numbers(55)


def test_resume_from_file(weir, tmp_path):
    path = tmp_path / "in"
    ini = f"[source]\nplugin=file\npath={path}\n[sink]\nplugin=file\npath={tmp_path}/out"
    path.write_bytes(b"one\ntwo\n")
    weir.run(ini).ok(2)
    weir.run(ini).ok(0)
    with path.open("ab") as f:
        f.write(b"three\nfour")
    weir.run(ini).ok(2)
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_resume_from_index(weir, search, name, tmp_path):
    """With a unique sort a later run reads only what sorts behind."""
    search.create(name, {"mappings": {"properties": {"n": {"type": "long"}}}})
    ini = (
        f"[source]\nplugin=elasticsearch\nurl={search.url}\nindex={name}\nsort=n\nbatch=7\n"
        f"[sink]\nplugin=file\npath={tmp_path}/out"
    )
    for first, n in [(0, 20), (20, 5)]:
        for i in range(first, first + n):
            search.put(name, f"d{i}", b'{"n":%d}' % i)
        search.refresh(name)
        weir.run(ini).ok(n)
    weir.run(ini).ok(0)
    assert (tmp_path / "out").read_bytes().splitlines() == numbers(25)


def test_start_end_reads_only_what_comes_later(weir, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"old\n")
    ini = f"[source]\nplugin=file\npath={path}\nstart=end\n[sink]\nplugin=file\npath={tmp_path}/out"
    weir.run(ini).ok(0)
    with path.open("ab") as f:
        f.write(b"new\n")
    weir.run(ini).ok(1)
    assert (tmp_path / "out").read_bytes() == b"new\n"


def test_offset_outside_the_log(weir, kafka, name, tmp_path):
    """Records that are gone are told in numbers, and booked only on request."""
    from confluent_kafka import TopicPartition

    source = kafka.create(f"{name}-in")
    kafka.fill(source, 10)
    sink = f"[sink]\nplugin=file\npath={tmp_path}/out"
    weir.run(kafka_source(kafka, source, name) + sink).ok(10)
    kafka.fill(source, 10, first=10)
    for future in kafka.admin.delete_records([TopicPartition(source, 0, 14)]).values():
        future.result(30)
    stopped = weir.run(kafka_source(kafka, source, name) + sink).failed(source, "on-gap")
    assert "4" in stopped.lines("on-gap")[0]
    assert stopped.books.read == 0
    weir.run(kafka_source(kafka, source, name, "on-gap=earliest") + sink).ok(6)
    assert (tmp_path / "out").read_bytes().splitlines() == numbers(10) + numbers(6, 14)


# --- stopping ---


def test_sigterm_drains_and_commits(weir, kafka, name, feed):
    """Stopped in full flow: all that was read is delivered and committed, so nothing comes twice."""
    source, out = kafka.create(f"{name}-in", 2), kafka.create(f"{name}-out")
    ini = kafka_source(kafka, source, name) + "[sink]\n" + kafka_sink(kafka, out)
    feeder = feed(lambda first, n: kafka.fill(source, n, 2, first=first), lambda: kafka.count(out))
    for number in (signal.SIGTERM, signal.SIGINT):
        run = weir.start(ini)
        mark = feeder.seen() + 1000
        run.wait_for(lambda: feeder.seen() >= mark, f"{mark} records arrived")
        run.signal(number)
        result = run.wait().ok()
        assert result.books.read == result.books.delivered > 0
    n = feeder.finish()
    weir.run(ini).ok()
    assert sorted(values(kafka.read(out))) == sorted(numbers(n))


def test_second_signal_ends_at_once(weir, kafka, name, free_port):
    """The sink is away, so the drain would take its 30 s."""
    source = kafka.create(f"{name}-in")
    kafka.fill(source, 10)
    run = weir.start(
        kafka_source(kafka, source, name) + f"[sink]\nplugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\nindex={name}"
    )
    run.wait_line("trying on")
    run.signal(signal.SIGTERM)
    run.wait_line("stopping")
    until(lambda: not run.alive() or run.signal(signal.SIGTERM), "a second signal ends it", 25, every=0.2)
    result = run.wait().failed("a second signal: ends at once")
    assert result.books.undelivered == 10
    assert kafka.committed(name, source) == {}


def test_drain_has_an_end(weir, kafka, name, free_port):
    source = kafka.create(f"{name}-in")
    kafka.fill(source, 10)
    run = weir.start(
        "[pipeline]\ndrain=300ms\n"
        + kafka_source(kafka, source, name)
        + f"[sink]\nplugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\nindex={name}"
    )
    run.wait_line("trying on")
    result = run.stop(25).failed("10 records were not delivered within drain = 0.3s")
    assert result.books.undelivered == 10


def test_second_run_is_refused(weir, tmp_path):
    ini = f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=file\npath={tmp_path}/out"
    (tmp_path / "in").write_bytes(b"one\n")
    run = weir.start(ini)
    run.wait_for(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_bytes(), "it runs")
    second = weir.run(ini)
    assert second.status == 1 and "p" in second.err and "runs already" in second.err, second.err
    run.stop().ok(1)
    weir.run(ini).ok(0)


# --- several pipelines ---


def test_one_failing_pipeline_does_not_stop_the_other(weir, tmp_path):
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (tmp_path / "in").write_bytes(b'{"a":1}\nno json\n{"a":2}\n')
    source = f"[source]\nplugin=file\npath={tmp_path}/in\n"
    (folder / "bad.ini").write_text(source + f"[sink]\nplugin=file\npath={tmp_path}/bad.out\nwhen=.a == 1\n")
    (folder / "good.ini").write_text(source + f"[sink]\nplugin=file\npath={tmp_path}/good.out\n")
    run = weir.start([folder])
    run.wait_line("never can succeed")
    with (tmp_path / "in").open("ab") as f:
        f.write(b"later\n")
    good = tmp_path / "good.out"
    run.wait_for(lambda: good.exists() and b"later" in good.read_bytes(), "the other goes on")
    result = run.stop().failed("bad: [sink]")
    assert result.all_books["good"].delivered == 4 and result.all_books["good"].undelivered == 0
    assert result.all_books["bad"].undelivered > 0


def test_same_name_twice_is_refused(weir, tmp_path):
    text = f"[pipeline]\nname=web\n[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=std"
    result = weir.run([weir.ini(text, "a"), weir.ini(text, "b")])
    assert result.status == 2 and 'pipeline "web" is also in' in result.err


# --- lanes and sinks ---


@pytest.mark.parametrize("workers", [1, 3])
def test_shards_keep_their_order(weir, kafka, name, workers):
    source, out = kafka.create(f"{name}-in", 7), kafka.create(f"{name}-out", 7)
    kafka.fill(source, 7000, 7)
    weir.run(
        f"[pipeline]\nworkers={workers}\n"
        + kafka_source(kafka, source, name)
        + "[sink]\n"
        + kafka_sink(kafka, out, "partition={partition}\nbatch.records=100")
    ).ok(7000)
    got = kafka.read(out)
    for p in range(7):
        assert values(r for r in got if r.partition == p) == [b'{"n":%d}' % i for i in range(p, 7000, 7)]


def test_two_sinks_and_when(weir, kafka, name, tmp_path):
    """Every record goes to one, the few that match to the other too; the books count records, the sinks copies."""
    source, errors = kafka.create(f"{name}-in", 2), kafka.create(f"{name}-errors")
    kafka.fill(source, 100, 2)
    result = weir.run(
        kafka_source(kafka, source, name)
        + f"[sink all]\nplugin=file\npath={tmp_path}/all\n"
        + "[sink errors]\nwhen=.n >= 90\n"
        + kafka_sink(kafka, errors)
    ).ok(100)
    assert (result.sinks["all"].delivered, result.sinks["errors"].delivered) == (100, 10)
    assert sorted((tmp_path / "all").read_bytes().splitlines()) == sorted(numbers(100))
    assert sorted(values(kafka.read(errors))) == numbers(10, 90)


def test_a_dead_sink_holds_the_others_back(weir, kafka, name, tmp_path, free_port):
    """fan-out = together: no offset is committed before every sink has the record."""
    source = kafka.create(f"{name}-in")
    kafka.fill(source, 20)
    run = weir.start(
        "[pipeline]\ncommit=20ms\ndrain=300ms\n"
        + kafka_source(kafka, source, name)
        + f"[sink good]\nplugin=std\n[sink dead]\nplugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\nindex={name}"
    )
    run.wait_for(lambda: run.out.count(b"\n") == 20, "the good sink has all")
    run.wait_line("trying on")
    result = run.stop().failed("20 records were not delivered")
    assert result.sinks["good"].delivered == 20 and result.books.undelivered == 20
    assert kafka.committed(name, source) == {}


def test_every_column_of_the_books(weir, search, name, tmp_path):
    """dropped, delivered, duplicate, dead-lettered: each record in exactly one."""
    search.create(name, {"mappings": {"properties": {"n": {"type": "long"}}}})
    docs = [b'{"n":%d,"keep":%s}' % (i, b"false" if i % 5 == 0 else b"true") for i in range(20)]
    docs += [b'{"n":"no number","keep":true}', b"no json"]
    (tmp_path / "in").write_bytes(b"".join(d + b"\n" for d in docs))
    ini = f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=elasticsearch
        when=.keep
        url={search.url}
        index={name}
        id={{.n}}
        op=create
        [dead-letter]
        plugin=file
        path={tmp_path}/dead
        format=record"""
    first = weir.run(ini).ok(delivered=16, dead=2, dropped=4)
    sink = first.sinks["elasticsearch"]
    assert (sink.delivered, sink.duplicate, sink.dead) == (16, 0, 1 if sink.read == 17 else 2)
    again = weir.run([weir.ini(ini, "again")]).ok(delivered=16, dead=2, dropped=4)
    sink = again.sinks["elasticsearch"]
    assert (sink.delivered, sink.duplicate) == (0, 16)
    assert len(search.ids(name)) == 16


# --- rebalance ---


def test_two_members_share_a_topic(weir, kafka, name, tmp_path, feed):
    """One joins, one leaves, in full flow: nothing is lost."""
    source, out = kafka.create(f"{name}-in", 6), kafka.create(f"{name}-out", 6)
    ini = "[pipeline]\ncommit=50ms\n" + kafka_source(kafka, source, name, "instance=") + "[sink]\n"
    ini += kafka_sink(kafka, out, "partition={partition}")
    feeder = feed(lambda first, n: kafka.fill(source, n, 6, first=first), lambda: kafka.count(out))
    first = weir.start([weir.ini(ini, "one")])
    first.wait_for(lambda: feeder.seen() >= 1000, "the first works")
    second = weir.start([weir.ini(ini, "two")])
    kafka.wait_members(name, 2, 6)
    mark = feeder.seen() + 2000
    second.wait_for(lambda: feeder.seen() >= mark, "both work")
    left = first.stop().ok()
    kafka.wait_members(name, 1, 6)
    mark = feeder.seen() + 2000
    second.wait_for(lambda: feeder.seen() >= mark, "the other goes on with all")
    n = feeder.finish()
    second.wait_for(lambda: sum(kafka.committed(name, source).values()) == n, "all is committed")
    right = second.stop().ok()
    assert left.books.delivered and right.books.delivered
    got = kafka.read(out)
    for p in range(6):
        assert {r.value for r in got if r.partition == p} == {b'{"n":%d}' % i for i in range(p, n, 6)}


def test_a_static_member_is_back_without_a_rebalance(weir, kafka, name, tmp_path):
    source = kafka.create(f"{name}-in", 2)
    ini = kafka_source(kafka, source, name, KEPT) + f"[sink]\nplugin=file\npath={tmp_path}/out"
    kafka.fill(source, 10, 2)
    weir.run(ini).ok(10)
    before = kafka.members(name)
    kafka.fill(source, 10, 2, first=10)
    weir.run(ini).ok(10)
    after = kafka.members(name)
    assert len(before) == len(after) == 1 and before[0].group_instance_id == after[0].group_instance_id
    assert sorted((tmp_path / "out").read_bytes().splitlines()) == sorted(numbers(20))


def test_a_static_member_with_other_topics_reads_them_at_once(weir, kafka, name, tmp_path):
    """A group gives a static member that is back what it had, whatever it asks for now."""
    word = {w: kafka.create(f"{name}-{w}", 2) for w in "abc"}
    for i, topics in enumerate(("a", "b", "b,c", "a,c")):
        source = ",".join(word[w] for w in topics.split(","))
        for w in topics.split(","):
            kafka.fill(word[w], 10, 2, first=10 * i)
        run = weir.run(kafka_source(kafka, source, name, KEPT) + f"[sink]\nplugin=file\npath={tmp_path}/{topics}")
        run.ok(10 * len(topics.split(",")))
        assert ("joining again" in run.err) == (i > 0)


def test_partitions_that_came_while_a_static_member_was_away_are_read(weir, kafka, name, tmp_path):
    source = kafka.create(f"{name}-in", 2)
    ini = kafka_source(kafka, source, name, KEPT) + f"[sink]\nplugin=file\npath={tmp_path}/out"
    kafka.fill(source, 10, 2)
    weir.run(ini).ok(10)
    kafka.grow(source, 4)
    kafka.fill(source, 20, 4, first=10)
    weir.run(ini).ok(20)
    assert sorted((tmp_path / "out").read_bytes().splitlines()) == sorted(numbers(30))


def test_a_cooperative_static_member_says_what_it_does_not_read(weir, kafka, name, tmp_path):
    source = kafka.create(f"{name}-in", 2)
    ini = kafka_source(kafka, source, name, f"rdkafka.partition.assignment.strategy=cooperative-sticky\n{KEPT}")
    ini += f"[sink]\nplugin=file\npath={tmp_path}/out"
    kafka.fill(source, 10, 2)
    weir.run(ini).ok(10)
    kafka.grow(source, 4)
    kafka.fill(source, 20, 4, first=10)
    assert "new partitions are not read before it rebalances" in weir.run(ini).ok().err


def test_until_end_says_what_other_members_hold(weir, kafka, name, tmp_path):
    source = kafka.create(f"{name}-in", 4)
    ini = kafka_source(kafka, source, name, "instance=") + f"[sink]\nplugin=file\npath={tmp_path}/"
    kafka.fill(source, 40, 4)
    first = weir.start([weir.ini(ini + "one", "one")])
    kafka.wait_members(name, 1, 4)
    run = weir.run(ini + "two")
    assert run.status == 0 and "2 partitions of its topics are held by other members" in run.err
    first.wait_for(lambda: sum(kafka.committed(name, source).values()) == 40, "all is committed")
    assert run.books.read + first.stop().ok().books.read == 40


def test_a_new_topic_is_found_by_its_pattern(weir, kafka, name):
    """Topics found later are read whole."""
    out = kafka.create(f"{name}-out")
    kafka.fill(kafka.create(f"{name}-in-1"), 5)
    run = weir.start(
        kafka_source(kafka, f"^{name}-in-.*", name, "start=latest\nrdkafka.topic.metadata.refresh.interval.ms=500")
        + "[sink]\n"
        + kafka_sink(kafka, out)
    )
    run.wait_line("assigned")
    kafka.fill(kafka.create(f"{name}-in-2"), 5, first=5)
    run.wait_for(lambda: kafka.count(out) == 5, "the new topic's records")
    run.stop().ok(5)
    assert values(kafka.read(out)) == numbers(5, 5)


def test_transactions_are_read_committed(weir, kafka, name, tmp_path):
    """Records of an aborted transaction never leave, and the markers leave no lag behind."""
    from confluent_kafka import Producer

    source = kafka.create(f"{name}-in")
    p = Producer({"bootstrap.servers": kafka.brokers, "transactional.id": name})
    p.init_transactions(30)
    for value, good in [(b"a", True), (b"never", False), (b"b", True)]:
        p.begin_transaction()
        p.produce(source, value, partition=0)
        p.flush(30)
        (p.commit_transaction if good else p.abort_transaction)(30)
    until(lambda: kafka.ends(source) == {0: 6}, "the broker has written that the last transaction is committed")
    weir.run(kafka_source(kafka, source, name) + f"[sink]\nplugin=file\npath={tmp_path}/out").ok(2)
    assert (tmp_path / "out").read_bytes() == b"a\nb\n"
    assert kafka.committed(name, source) == kafka.ends(source)


def test_headers_and_key_by_option(weir, kafka, name):
    """The sink's own options: key, timestamp, headers, tombstone."""
    source, out = kafka.create(f"{name}-in"), kafka.create(f"{name}-out")
    kafka.produce(source, [Record(b'{"id":"x"}', b"k", [("h", b"1")], 1000), Record(None, b"gone", [], 1000)])
    ini = kafka_source(kafka, source, name) + "[sink]\n"
    weir.run(ini + kafka_sink(kafka, out, "key={.id|none}\nheaders=drop\ntimestamp=now\ntombstone=drop")).ok()
    (got,) = kafka.read(out)
    assert (got.key, got.value, got.headers) == (b"x", b'{"id":"x"}', []) and got.timestamp > 1000
