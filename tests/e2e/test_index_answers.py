# SPDX-License-Identifier: BSD-2-Clause
"""What Elasticsearch may answer, however wrong: only what failed is sent again, nothing is lost, nothing loops."""
import email.utils
import time

import pytest

from lib.bulk import Bulk, items, say
from lib.record import read_lines
from test_bad_records import reasons

pytestmark = pytest.mark.pipeline


@pytest.fixture
def bulk():
    server = Bulk()
    yield server
    server.stop()


def lines(n):
    return b"".join(b'{"n":%d}\n' % i for i in range(n))


def pipeline(url, tmp_path, more="", dead=""):
    return f"""[source]
        plugin=file
        path={tmp_path}/in
        [sink]
        plugin=elasticsearch
        url={url}
        index=i
        id={{.n}}
        in-flight=1
        retry.initial=10ms
        retry.max=50ms
        {more}
        {dead}"""


def to_dead(tmp_path):
    return f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"


def letters(tmp_path):
    return {r.value: reasons(r) for r in read_lines((tmp_path / "dead").read_bytes())}


def test_only_what_failed_is_sent_again(weir, bulk, tmp_path):
    """429 and 503 for some items, twice; a 400 among them is a dead letter at once."""
    (tmp_path / "in").write_bytes(lines(10))
    fails = [
        {"1": (429, "es_rejected_execution_exception"), "4": (503, "unavailable_shards_exception"), "7": (400, "odd_exception")},
        {"4": (429, "circuit_breaking_exception")},
    ]
    bulk.answer = lambda n, ids: fails[n] if n < 2 else None
    weir.run(pipeline(bulk.url, tmp_path, dead=to_dead(tmp_path))).ok(9, dead=1)
    assert [sorted(a.ids) for a in bulk.asked] == [[str(i) for i in range(10)], ["1", "4"], ["4"]]
    assert bulk.writes == 9
    assert letters(tmp_path)[b'{"n":7}']["exception.class.name"] == "odd_exception"


def cut(handler, actions):
    """Half of the answer, then the end."""
    body = items([i for i, _ in actions], {"none": (0, None)})
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def malformed(handler, actions):
    say(handler, 200, b'{"took":1,"errors":true,"items":[{"index":{"status":2' + b"}" * 9)


def too_few(handler, actions):
    say(handler, 200, items([i for i, _ in actions][1:], {"x": (0, None)}).replace(b"false", b"true"))


def page(handler, actions):
    say(handler, 200, b"<html><body>welcome to the proxy</body></html>")


def hang_up(handler, actions):
    handler.close_connection = True
    handler.connection.close()


def slowly(handler, actions):
    """A byte at a time, but whole."""
    bulk = handler.bulk
    with bulk.lock:
        bulk.store(actions)
    body = items([i for i, _ in actions], {})
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for at in range(len(body)):
        handler.wfile.write(body[at : at + 1])
        handler.wfile.flush()


@pytest.mark.parametrize("how", [cut, malformed, too_few, page, hang_up, slowly])
def test_an_answer_that_makes_no_sense(weir, bulk, tmp_path, how):
    """It counts as none: everything is sent again until an answer says what became of it."""
    (tmp_path / "in").write_bytes(lines(20))

    def wrong(handler, actions):
        handler.bulk = bulk
        how(handler, actions)

    bulk.answer = lambda n, ids: wrong if n < 3 else None
    weir.run(pipeline(bulk.url, tmp_path, "batch.records=20")).ok(20)
    assert len(bulk.documents) == 20
    assert all(sorted(a.ids) == sorted(bulk.asked[0].ids) for a in bulk.asked)
    assert len(bulk.asked) == (1 if how is slowly else 4)


def test_a_request_too_large_is_halved(weir, bulk, tmp_path):
    """413 above three records; record 5 alone is too large too, and becomes a dead letter."""
    (tmp_path / "in").write_bytes(lines(16))

    def large(handler, actions):
        say(handler, 413)

    bulk.answer = lambda n, ids: large if len(ids) > 3 or "5" in ids else None
    weir.run(pipeline(bulk.url, tmp_path, dead=to_dead(tmp_path))).ok(15, dead=1)
    assert sorted(map(int, bulk.documents)) == [i for i in range(16) if i != 5] and bulk.writes == 15
    assert list(letters(tmp_path)) == [b'{"n":5}']
    assert max(len(a.ids) for a in bulk.asked[1:]) == 8


@pytest.mark.parametrize("status", [400, 418, 422, 431])
def test_an_unknown_refusal_costs_one_record(weir, bulk, tmp_path, status):
    """A status nobody expects, for every request that holds record 3: it neither kills nor loops."""
    (tmp_path / "in").write_bytes(lines(8))

    def no(handler, actions):
        say(handler, status, b'{"error":{"type":"never_heard_of_it","reason":"no"}}')

    bulk.answer = lambda n, ids: no if "3" in ids else None
    weir.run(pipeline(bulk.url, tmp_path, dead=to_dead(tmp_path))).ok(7, dead=1)
    assert letters(tmp_path)[b'{"n":3}']["exception.class.name"] == "never_heard_of_it"
    assert bulk.writes == 7


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(weir, bulk, tmp_path, as_date):
    (tmp_path / "in").write_bytes(lines(3))

    def busy(handler, actions):
        value = email.utils.formatdate(time.time() + 3, usegmt=True) if as_date else "2"
        say(handler, 429, b"{}", [("Retry-After", value)])

    bulk.answer = lambda n, ids: busy if n == 0 else None
    weir.run(pipeline(bulk.url, tmp_path)).ok(3)
    assert len(bulk.asked) == 2 and bulk.asked[1].at - bulk.asked[0].at >= 1.9


def test_failed_nodes_rest_and_come_back(weir, bulk, tmp_path, free_port):
    """One address is dead, one answers 503 at first: the third takes all, and the second is asked again later."""
    ill, gone = Bulk(lambda n, ids: (lambda h, a: say(h, 503)) if n == 0 else None), f"http://127.0.0.1:{free_port}"
    path = tmp_path / "in"
    path.write_bytes(lines(1))
    try:
        run = weir.start(pipeline(f"{gone}, {ill.url}, {bulk.url}", tmp_path, "batch.records=1\nbatch.linger=0"))
        sent = 1

        def asked_again():
            nonlocal sent
            if len(bulk.documents) + len(ill.documents) == sent:
                with path.open("ab") as f:
                    f.write(b'{"n":%d}\n' % sent)
                sent += 1
            return len(ill.documents) >= 1

        run.wait_for(asked_again, "the node that was ill gets requests again")
        run.wait_for(lambda: len(bulk.documents) + len(ill.documents) == sent, "all is there")
        run.stop().ok(sent)
    finally:
        ill.stop()
    assert ill.asked[1].at - ill.asked[0].at >= 0.9


def test_one_node_that_wants_to_be_left_alone_holds_nothing_up(weir, bulk, tmp_path):
    """Its Retry-After is its own: the others are well and take the batch at once."""
    ill = Bulk(lambda n, ids: lambda h, a: say(h, 503, b"{}", [("Retry-After", "60")]))
    (tmp_path / "in").write_bytes(lines(20))
    try:
        weir.run(pipeline(f"{ill.url}, {bulk.url}", tmp_path, "batch.records=5")).ok(20)
    finally:
        ill.stop()
    assert len(ill.asked) == 1
    assert max(asked.at for asked in bulk.asked) - ill.asked[0].at < 30


def test_the_operator_says_what_an_error_means(weir, bulk, tmp_path):
    """error.NAME: by type and by status, for records and for requests; fatal stops with the reason."""
    (tmp_path / "in").write_bytes(lines(6))
    fails = [{"1": (400, "strict_mapping"), "2": (400, "odd"), "3": (507, "full")}]
    bulk.answer = lambda n, ids: fails[n] if n < 1 else None
    more = "error.strict_mapping=retry\nerror.odd=duplicate\nerror.507=reject"
    result = weir.run(pipeline(bulk.url, tmp_path, more, to_dead(tmp_path))).ok(5, dead=1)
    sink = result.sinks["elasticsearch"]
    assert (sink.delivered, sink.duplicate, sink.dead) == (4, 1, 1) and sorted(bulk.documents) == ["0", "1", "4", "5"]
    (tmp_path / "in").write_bytes(lines(6) + b'{"n":6}\n')
    bulk.answer = lambda n, ids: lambda h, a: say(h, 507, b'{"error":{"type":"full","reason":"no room"}}')
    weir.run(pipeline(bulk.url, tmp_path, "error.full=fatal")).failed("no room")
    refused = weir.call("check", weir.ini(pipeline(bulk.url, tmp_path, "error.full=never\nerror.20=retry"), "wrong"))
    assert refused.status == 2 and "error.full = never: must be retry, reject, fatal, split or duplicate" in refused.err
    assert "error.20: the destination has no error of that name or code" in refused.err


# --- the real server ---


def test_a_replay_never_puts_an_old_document_over_a_new_one(weir, kafka, search, name, tmp_path):
    """version = offset: repeats, in whatever order they come, are duplicates; without it they win."""
    topic = kafka.create(f"{name}-in")
    kafka.fill(topic, 9, value=lambda i: b'{"id":"%d","v":%d}' % (i % 3, i))
    search.create(name)
    kept = {str(k): b'{"id":"%d","v":%d}' % (k, k + 6) for k in range(3)}

    def run(state, more="", version="version=offset"):
        ini = f"""[source]
            plugin=kafka
            brokers={kafka.brokers}
            topics={topic}
            group={name}-{state}
            [sink]
            plugin=elasticsearch
            url={search.url}
            index={name}
            id={{.id}}
            {version}
            {more}"""
        return weir.run([weir.ini(ini, state)])

    first = run("first").ok(9).sinks["elasticsearch"]
    assert first.delivered >= 3 and search.sources(name) == kept
    whole = run("again").ok(9).sinks["elasticsearch"]
    assert whole.duplicate == 9 and search.sources(name) == kept
    old = run("old", "when=$offset < 3").ok(3, dropped=6).sinks["elasticsearch"]
    assert old.duplicate == 3 and search.sources(name) == kept
    run("harm", "when=$offset < 3", "").ok(3, dropped=6)
    assert search.sources(name) == {str(k): b'{"id":"%d","v":%d}' % (k, k) for k in range(3)}


def test_a_delete_is_not_undone_by_a_replay(weir, kafka, search, name):
    """A tombstone carries its version too (for as long as index.gc_deletes keeps it)."""
    from lib.record import Record

    topic = kafka.create(f"{name}-in")
    kafka.produce(topic, [Record(b'{"v":0}', b"k"), Record(None, b"k")])
    search.create(name)
    search.call("PUT", f"{name}/_settings", {"index.gc_deletes": "1h"})
    ini = f"[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={topic}\ngroup=%s\n[sink]\nplugin=elasticsearch\n"
    ini += f"url={search.url}\nindex={name}\nid={{key}}\nversion=offset\n"
    weir.run([weir.ini(ini % f"{name}-1", "one")]).ok(2)
    assert search.ids(name) == []
    again = weir.run([weir.ini(ini % f"{name}-2" + "when=$offset == 0", "two")]).ok(1, dropped=1)
    assert again.sinks["elasticsearch"].duplicate == 1 and search.ids(name) == []


def test_a_mapping_that_is_mended(weir, es, name, tmp_path):
    """error.strict_dynamic_mapping_exception = retry: the records wait for the operator instead of dying."""
    es.create(name, {"mappings": {"dynamic": "strict", "properties": {"n": {"type": "long"}}}})
    (tmp_path / "in").write_bytes(b'{"n":1}\n{"n":2,"m":2}\n{"n":3}\n')
    run = weir.start(pipeline(es.url, tmp_path, "error.strict_dynamic_mapping_exception=retry").replace("=i\n", f"={name}\n"))
    run.wait_line("strict_dynamic_mapping_exception")
    run.wait_for(lambda: sorted(es.ids(name)) == ["1", "3"], "the others are there")
    es.call("PUT", f"{name}/_mapping", {"properties": {"m": {"type": "long"}}})
    run.wait_for(lambda: sorted(es.ids(name)) == ["1", "2", "3"], "all are there")
    run.stop().ok(3)


@pytest.mark.slow
def test_a_full_disk_of_the_server_is_waited_for(weir, es, name, tmp_path):
    """The flood stage itself: the server blocks its indices, weir waits and says so, and goes on when there is room."""
    es.create(name)
    (tmp_path / "in").write_bytes(lines(5))
    marks = "cluster.routing.allocation.disk"
    keys = [f"{marks}.threshold_enabled", "cluster.info.update.interval"]
    keys += [f"{marks}.watermark.{k}" for k in ("low", "high", "flood_stage")]
    run = weir.start(pipeline(es.url, tmp_path, dead=to_dead(tmp_path)).replace("=i\n", f"={name}\n"))
    run.wait_for(lambda: len(es.ids(name)) == 5, "the first are there")
    try:
        # what must be free: more than any disk has
        es.call("PUT", "_cluster/settings", {"transient": dict(zip(keys, [True, "10s", "3pb", "2pb", "1pb"]))})
        blocked = f"{name}/_settings/index.blocks.read_only_allow_delete"

        def flooded():
            return es.call("GET", blocked).json()

        run.wait_for(flooded, "the server blocks the index")
        with (tmp_path / "in").open("ab") as f:
            f.write(b'{"n":5}\n')
        run.wait_line("cluster_block_exception")
        assert "trying on" in run.err and len(es.ids(name)) == 5
        es.call("PUT", "_cluster/settings", {"transient": dict(zip(keys[2:], ["3b", "2b", "1b"]))})
        run.wait_for(lambda: len(es.ids(name)) == 6, "the last is there when there is room")
    finally:
        es.call("PUT", "_cluster/settings", {"transient": {k: None for k in keys}})
        es.call("PUT", "_all/_settings", {"index.blocks.read_only_allow_delete": None})
    result = run.stop().ok(6)
    # another line comes after a minute, which the server may take to see that there is room
    said = [line for line in result.lines("cluster_block_exception") if "again and again" not in line]
    assert len(said) == 1, result.err
