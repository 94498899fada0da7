# SPDX-License-Identifier: BSD-2-Clause
"""--metrics: numbers that are the books, health that says who and why, and being stuck said once."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import threading

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from lib.bulk import say
from lib.wait import until
from test_index_answers import bulk, lines  # noqa: F401
from test_isolate import process_of
from test_outage import answers, stopped
from test_surroundings_plugins import job, rogue  # noqa: F401  (fixtures)

pytestmark = pytest.mark.pipeline

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


class Watched:
    """A running weir with --metrics, and what it answers."""

    def __init__(self, weir, pipelines, address="127.0.0.1:0", run=None):
        self.run = run or weir.start(pipelines, "--metrics", address)
        self.run.wait_line("metrics and health are served at ")
        self.url = re.search(r"served at (http://\S+?)/\n", self.run.err)[1]

    def get(self, path):
        return requests.get(self.url + path, timeout=20)

    def families(self):
        answer = self.get("/metrics")
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {f.name: f for f in text_string_to_metric_families(answer.text)}

    def values(self):
        """{(name, labels): value}; a series that stands twice fails."""
        out = {}
        for family in self.families().values():
            for s in family.samples:
                key = (s.name, tuple(sorted(s.labels.items())))
                assert key not in out, key
                out[key] = s.value
        return out

    def value(self, name, **labels):
        """The only series with these labels among its own."""
        found = [v for (n, ls), v in self.values().items() if n == name and set(labels.items()) <= set(ls)]
        assert len(found) == 1, (name, labels, found)
        return found[0]

    def problems(self, path="/health/ready"):
        """[] when the answer is 200."""
        answer = self.get(path)
        body = answer.json()
        assert (answer.status_code == 200) == (not body.get("problems")), answer.text
        assert answer.status_code in (200, 503)
        return body.get("problems", [])

    def wait_ready(self):
        self.run.wait_for(lambda: not self.problems(), "it is ready")

    def wait_problem(self, why="", **is_):
        """One like this; why: a text in its reason, which may come later than the state does."""
        def there():
            return [p for p in self.problems() if is_.items() <= p.items() and re.search(why, p["why"])]
        return self.run.wait_for(there, f"a problem {is_} {why}")[0]

    def wait_values(self, **values):
        """The parts of weir each count for themselves, so that one may know later what another one has told already."""
        self.run.wait_for(lambda: {n: self.value(f"weir_{n}") for n in values} == values, f"these values: {values}")


@pytest.fixture
def watched(weir):
    return lambda *args, **kw: Watched(weir, *args, **kw)


def file_to_file(tmp_path, pipeline=""):
    return f"[pipeline]\ncommit=50ms\n{pipeline}\n[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=file\npath={tmp_path}/out"


def test_the_numbers_are_the_books(watched, kafka, es, name):
    """Kafka into an index, some records unwanted, some refused for good: each number is the one of the books."""
    kafka.create(f"{name}-in", 3)
    es.create(name, {"mappings": {"properties": {"n": {"type": "integer"}}}})
    kafka.fill(f"{name}-in", 900, 3, value=lambda i: b'{"n":"x"}' if i % 100 == 7 else b'{"n":%d}' % i)
    w = watched(f"[pipeline]\nname=web\ncommit=50ms\n[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={name}-in\n"
                f"group={name}\n[transform some]\nplugin=filter\nwhen=.n != 5\n"
                f"[sink es]\nplugin=elasticsearch\nurl={es.url}\nindex={name}\n"
                f"[dead-letter]\nplugin=std\nformat=record\n")
    w.run.wait_for(lambda: w.value("weir_records_read_total") == 900 and w.value("weir_records_open") == 0
                   and w.value("weir_source_lag") == 0 and w.value("weir_commits_total") >= 1, "all is through")
    w.wait_ready()
    got = w.values()
    lags = {ls: v for (n, ls), v in got.items() if n == "weir_shard_lag"}
    assert lags == {(("partition", str(p)), ("pipeline", "web"), ("topic", f"{name}-in")): 0.0 for p in range(3)}
    families = w.families()
    result = w.run.stop()
    assert result.status == 0, result.err
    b, sink = result.books, result.sinks["es"]
    web = (("pipeline", "web"),)
    es_ = (("pipeline", "web"), ("section", "sink es"))
    assert (b.delivered, b.dead, b.dropped) == (890, 9, 1), result.err
    assert {k: got[k, web] for k in ("weir_records_read_total", "weir_records_delivered_total", "weir_records_dead_lettered_total",
                                     "weir_records_dropped_total", "weir_records_open", "weir_stuck_shards", "weir_shards")} == {
        "weir_records_read_total": b.read, "weir_records_delivered_total": b.delivered, "weir_records_dead_lettered_total": b.dead,
        "weir_records_dropped_total": b.dropped, "weir_records_open": b.undelivered, "weir_stuck_shards": 0, "weir_shards": 3}
    assert (got["weir_sink_records_in_total", es_], got["weir_sink_records_delivered_total", es_],
            got["weir_sink_records_dead_lettered_total", es_]) == (sink.read, sink.delivered, sink.dead)
    assert got["weir_sink_records_delivered_total", (("pipeline", "web"), ("section", "dead-letter"))] == 9
    assert got["weir_commits_total", web] >= 1 and got["weir_memory_limit_bytes", web] == 32 << 20
    assert got["weir_elasticsearch_sink_requests_total", (("pipeline", "web"), ("section", "sink es"), ("worker", "0"))] >= 1
    assert got["weir_kafka_source_rebalances_total", (("pipeline", "web"), ("section", "source"), ("worker", "0"))] >= 1
    as_the_page_says(families)


def as_the_page_says(families):
    """Names, types and meanings that are served are those of docs/metrics.md, and all of it is served."""
    rows = re.findall(r"(?m)^\| `(\w+)` \| (counter|gauge) \| [^|]* \| (.*) \|$", PAGE.read_text())
    said = {name.removesuffix("_total") if kind == "counter" else name: (kind, text) for name, kind, text in rows}
    served = {n: (f.type, f.documentation) for n, f in families.items() if not re.match(r"weir_(kafka|elasticsearch)_", n)}
    assert served == said


def test_asking_all_the_time_while_records_flow(watched, tmp_path):
    """Three askers beside a pipeline that works: no counter ever falls, every answer is well formed."""
    lines = b"".join(b"%d\n" % i for i in range(100000))
    (tmp_path / "in").write_bytes(b"")
    w = watched(file_to_file(tmp_path, "workers=2"))
    ended, errors = threading.Event(), []

    def ask():
        last = {}
        try:
            while not ended.is_set():
                now = {k: v for k, v in w.values().items() if k[0].endswith("_total")}
                assert all(now[k] >= v for k, v in last.items()), (last, now)
                last = now
                w.problems("/health/live")
                w.problems()
        except Exception as e:  # told on the test's thread
            errors.append(e)

    askers = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for t in askers:
        t.start()
    for _ in range(3):
        with open(tmp_path / "in", "ab") as f:
            f.write(lines)
    w.run.wait_for(lambda: errors or w.value("weir_records_delivered_total") == 300000, "all is delivered")
    ended.set()
    for t in askers:
        t.join(30)
    assert not errors, errors[0]
    w.run.stop().ok(300000)


@pytest.mark.slow
def test_ready_while_the_index_stands_still_and_after(watched, kafka, es, services, name):
    """SIGSTOP of Elasticsearch: 503 with the sink as the cause, stuck said once; SIGCONT: all of it is over."""
    kafka.create(f"{name}-in")
    es.create(name)
    kafka.fill(f"{name}-in", 10)
    w = watched(f"[pipeline]\nname=web\ncommit=50ms\nstuck.after=5s\n[source]\nplugin=kafka\nbrokers={kafka.brokers}\n"
                f"topics={name}-in\ngroup={name}\n[sink es]\nplugin=elasticsearch\nurl={es.url}\nindex={name}\ntimeout=3s\n"
                "retry.initial=20ms\nretry.max=200ms\n")
    w.run.wait_for(lambda: kafka.committed(name, f"{name}-in") == {0: 10}, "the first records are committed")
    w.wait_ready()
    before = len(w.run.err)  # a slow start may have been told as one
    with stopped(services, "elasticsearch"):
        kafka.fill(f"{name}-in", 90, first=10)
        p = w.wait_problem(pipeline="web", section="sink es", state="connecting")
        assert p["why"] and w.value("weir_ready") == 0
        w.wait_problem(pipeline="web", section="sink es", state="stuck", why=r"\[sink es\] is not connected")
        assert w.problems("/health/live") == [] and w.value("weir_live") == 1
        assert w.value("weir_pipeline_stuck") == 1 and w.value("weir_stuck_shards") == 1
        assert w.value("weir_instance_state", section="sink es", state="connecting") == 1
        w.wait_values(shard_lag=90, records_open=90)
    until(lambda: answers(es), "Elasticsearch answers again")
    w.run.wait_for(lambda: w.value("weir_source_lag") == 0, "all is through")
    w.wait_ready()
    assert w.value("weir_pipeline_stuck") == 0
    err = w.run.stop().ok(100).err[before:]
    assert err.count("error web: stuck: 1 of 1 shards") == 1 and err.count("no longer stuck") == 1, err


def test_stuck_is_said_without_metrics_too(weir, tmp_path, free_port):
    (tmp_path / "in").write_bytes(b'{"a":1}\n' * 10)
    run = weir.start(f"[pipeline]\nname=web\nstuck.after=5s\ndrain=100ms\n[source]\nplugin=file\npath={tmp_path}/in\n"
                     f"[sink es]\nplugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\nindex=i\n")
    run.wait_line("error web: stuck: 1 of 1 shards have records waiting and had no acknowledgement for ")
    assert "[sink es] is not connected: " in run.err and f"127.0.0.1:{free_port}" in run.err
    assert len(run.stop().lines("stuck")) == 1


def file_to_index(tmp_path, url, pipeline=""):
    return (f"[pipeline]\nname=web\ncommit=50ms\ndrain=500ms\n{pipeline}\n[source]\nplugin=file\npath={tmp_path}/in\n[sink es]\n"
            f"plugin=elasticsearch\nurl={url}\nindex=i\nid={{.n}}\nretry.initial=10ms\nretry.max=50ms\n")


def test_a_record_refused_again_and_again_while_others_pass(watched, bulk, tmp_path):  # noqa: F811
    """One item is answered with 429 for ever: said once, seen in the metrics, and stuck; said once when it is through."""
    (tmp_path / "in").write_bytes(lines(10))
    refused = {"4": (429, "es_rejected_execution_exception")}
    bulk.answer = lambda n, ids: refused if "4" in ids else None
    w = watched(file_to_index(tmp_path, bulk.url, "stuck.after=2s"))
    w.run.wait_line("warning web [sink es]: 1 records are refused again and again, for ")
    w.wait_problem(section="sink es", state="stuck", why="es_rejected_execution_exception")
    w.wait_values(sink_records_retrying=1, sink_records_open=1)
    w.run.wait_for(lambda: w.value("weir_sink_retry_age_seconds") >= 2 and w.value("weir_sink_records_retried_total") >= 2,
                   "it was tried again, and for long")
    bulk.answer = lambda n, ids: None
    w.run.wait_for(lambda: w.value("weir_source_lag") == 0, "it is through")
    w.run.wait_line("what was refused again and again is through")
    w.wait_ready()
    result = w.run.stop().ok(10)
    assert len(result.lines("refused again and again, for")) == 1, result.err
    # once each time: before this one it may have been so because of a slow start
    assert len(result.lines("error web: stuck")) == len(result.lines("no longer stuck")) >= 1, result.err


def test_who_refuses_us_and_who_is_away(watched, bulk, tmp_path, free_port):  # noqa: F811
    """A wrong password and a server that is away are states of their own, each with one log line."""
    (tmp_path / "in").write_bytes(lines(10))
    bulk.answer = lambda n, ids: lambda handler, actions: say(handler, 401, b'{"status":401}')
    w = watched(file_to_index(tmp_path, bulk.url))
    p = w.wait_problem(pipeline="web", section="sink es", state="denied")
    assert "401" in p["why"], p
    assert w.value("weir_instance_state", section="sink es", state="denied") == 1 and w.problems("/health/live") == []
    w.run.signal(signal.SIGTERM)
    result = w.run.wait()
    assert len(result.lines("refused by the other end, trying on slowly")) == 1, result.err
    (tmp_path / "state" / "web.db").unlink()
    w = watched(f"[source]\nplugin=kafka\nbrokers=127.0.0.1:{free_port}\ntopics=t\ngroup=g\n[sink]\nplugin=file\npath={tmp_path}/out")
    w.wait_problem(section="source", state="connecting", why=f"127.0.0.1:{free_port}")
    assert w.problems("/health/live") == []
    w.run.wait_line("not connected, trying on")
    assert len(w.run.stop().lines("not connected, trying on")) == 1


def test_a_last_line_without_line_feed_is_nothing_that_waits(watched, tmp_path):
    (tmp_path / "in").write_bytes(b"1\n2\nnot yet")
    w = watched(file_to_file(tmp_path, "stuck.after=1s"))
    w.run.wait_for(lambda: w.value("weir_records_delivered_total") == 2, "both lines are delivered")
    w.wait_ready()
    before = len(w.run.err)  # a slow start may have been told
    w.run.wait_for(lambda: w.value("weir_ack_age_seconds") >= 4, "some time has passed")
    assert w.value("weir_source_lag") == 0 and w.problems() == []
    assert "error p: stuck" not in w.run.stop().ok(2).err[before:]


@pytest.mark.parametrize("kind, callback", [("sink", "write"), ("source", "poll"), ("transform", "process")])
def test_a_callback_that_hangs_is_named(job, weir, kind, callback):  # noqa: F811
    w = Watched(weir, job.text(kind, "hang", callback).replace("[pipeline]", "[pipeline]\nstuck.after=2s"))
    section = {"transform": "transform x", "sink": "sink s"}.get(kind, kind)
    p = w.wait_problem(pipeline="p", section=section, state="hung")
    assert re.fullmatch(rf"it has been inside {callback} for \d+ s", p["why"]), p
    live = w.problems("/health/live")
    assert [(x["section"], x["state"]) for x in live] == [(section, "hung")]
    assert w.value("weir_instance_hung", section=section) == 1 and w.value("weir_live") == 0
    assert w.value("weir_instance_callback_seconds", section=section) >= 2
    assert len([x for x in w.run.err.splitlines() if f"error p [{section}]: has been inside {callback} for" in x]) == 1
    w.run.stop(30).failed(f"has not come back from {callback}")


def test_restarts_of_an_isolated_plugin_are_counted(watched, tmp_path):
    (tmp_path / "in").write_bytes(b"1\n")
    w = watched(file_to_file(tmp_path) + "\nisolate=process")
    for n in range(3):
        assert w.value("weir_instance_restarts_total") == n
        os.kill(w.run.wait_for(lambda: process_of(w.run), "a process of the plugin"), signal.SIGKILL)
        w.run.wait_for(lambda: w.value("weir_instance_restarts_total") == n + 1, "it is started again")  # noqa: B023
    w.run.stop().ok(1)


def test_a_redrive_is_watched_as_a_run_is(weir, tmp_path):
    """A program that refused two records takes them now, but not before both were seen open."""
    program = tmp_path / "program"
    program.write_text(f"""while read -r number record; do
        [ -e {tmp_path}/well ] || {{ echo "$number reject no"; continue; }}
        until [ -e {tmp_path}/go ]; do sleep 0.1; done
        echo "$number ok"
    done""")
    (tmp_path / "in").write_bytes(b"1\n2\n")
    ini = weir.ini(f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=exec\ncommand=sh {program}\n"
                   f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record", "web")
    weir.run([ini]).ok(dead=2)
    (tmp_path / "well").touch()
    redrive = weir.start_call("dlq", "redrive", "--metrics", "127.0.0.1:0", "--state-dir", weir.state, ini)
    w = Watched(weir, None, run=redrive)
    w.run.wait_for(lambda: w.value("weir_records_open", pipeline="web.redrive") == 2, "both are on their way")
    assert w.problems("/health/live") == []
    (tmp_path / "go").touch()
    redrive.wait(20).ok(2)
    refused = weir.call("dlq", "redrive", "--metrics", "nowhere", "--state-dir", weir.state, ini)
    assert refused.status == 2 and "--metrics is HOST:PORT" in refused.err


def test_a_sink_that_never_answers_is_named(job, weir):  # noqa: F811
    w = Watched(weir, job.text("sink", "never", "write").replace("[pipeline]", "[pipeline]\nstuck.after=2s"))
    w.wait_problem(section="sink s", state="stuck", why=r"\[sink s\] has not answered for a batch for \d+ s$")
    assert w.problems("/health/live") == []
    assert w.value("weir_sink_batches_in_flight") >= 1 and w.value("weir_sink_answer_age_seconds") >= 1
    w.run.signal(signal.SIGTERM)
    assert w.run.wait(30).status == 1


def test_one_pipeline_that_failed_and_one_that_goes_on(watched, weir, tmp_path):
    (tmp_path / "in").write_bytes(b"1\n")
    good = weir.ini(file_to_file(tmp_path), "good")
    bad = weir.ini(f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=elasticsearch\nurl=http://127.0.0.1:9\nindex=i-{{.no}}\n", "bad")
    w = watched([good, bad])
    p = w.wait_problem(pipeline="bad", state="failed")
    assert "never can succeed" in p["why"], p
    w.run.wait_for(lambda: [x["pipeline"] for x in w.problems()] == ["bad"], "the other one is well")
    assert w.value("weir_pipeline_state", pipeline="bad", state="failed") == 1
    assert w.value("weir_pipeline_state", pipeline="good", state="running") == 1
    assert w.problems("/health/live") == []
    assert w.run.stop().status == 1


def test_a_pipeline_that_could_not_be_started(watched, weir, tmp_path):
    """Its state is locked by another run: the others serve, and health has it."""
    (tmp_path / "in").write_bytes(b"1\n")
    ini = weir.ini(file_to_file(tmp_path), "locked")
    first = weir.start([ini])
    first.wait_for(lambda: (tmp_path / "state" / "locked.db").exists() and (tmp_path / "out").exists(), "it runs")
    other = weir.ini(file_to_file(tmp_path).replace("/out", "/out2"), "other")
    w = watched([ini, other])
    p = w.wait_problem(pipeline="locked", state="failed")
    assert "locked" in p["why"], p
    assert w.run.stop().status == 1
    first.stop()


def test_pages_and_methods(watched, tmp_path):
    (tmp_path / "in").write_bytes(b"1\n")
    w = watched(file_to_file(tmp_path))
    idle = [socket.create_connection(("127.0.0.1", int(w.url.rsplit(":", 1)[1]))) for _ in range(8)]  # they say nothing
    assert w.get("/nowhere").status_code == 404 and "/metrics" in w.get("/").text
    head = requests.head(w.url + "/metrics", timeout=20)
    assert head.status_code == 200 and int(head.headers["Content-Length"]) > 1000 and head.text == ""
    for method in ("POST", "PUT", "DELETE"):
        answer = requests.request(method, w.url + "/metrics", data=b"x" * 100000, timeout=20)
        assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"
    assert w.get("/" + "x" * 60000).status_code in (404, 414, 431)
    w.families()
    for s in idle:
        s.close()
    w.run.wait_for(lambda: (tmp_path / "out").exists(), "the record is delivered")
    w.run.stop().ok(1)


def test_clients_that_hold_on_to_their_connections(watched, tmp_path):
    """All connections are taken by some that never end their request, byte by byte: who asks is answered, again and again."""
    (tmp_path / "in").write_bytes(b"1\n")
    w = watched(file_to_file(tmp_path))
    place = ("127.0.0.1", int(w.url.rsplit(":", 1)[1]))
    ended = threading.Event()

    def hold():
        while not ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(place, 20) as s:
                s.sendall(b"GET /metrics HTTP/1.1\r\nA: ")
                while not ended.wait(0.2):
                    s.sendall(b"x")

    holders = [threading.Thread(target=hold, daemon=True) for _ in range(40)]
    for t in holders:
        t.start()
    try:
        # 32 of them have all there is, the rest stand in the queue before us
        until(lambda: len(os.listdir(f"/proc/{w.run.pid}/fd")) > 40, "all connections are taken")
        for _ in range(2):
            w.families()
    finally:
        ended.set()
        for t in holders:
            t.join(30)
    w.run.wait_for(lambda: (tmp_path / "out").exists(), "the record is delivered")
    w.run.stop().ok(1)


@pytest.mark.parametrize("address", ["[::1]:0", "localhost:0", "0.0.0.0:0"])
def test_addresses(watched, tmp_path, address):
    if address.startswith("[") and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    (tmp_path / "in").write_bytes(b"1\n")
    w = watched(file_to_file(tmp_path), address)
    w.run.wait_for(lambda: (tmp_path / "out").exists(), "the record is delivered")
    w.families()
    w.run.stop().ok(1)


def test_an_address_that_can_not_be_had(weir, tmp_path, free_port):
    (tmp_path / "in").write_bytes(b"1\n")
    ini = weir.ini(file_to_file(tmp_path))
    for bad in ("9480", "127.0.0.1", ":9480", "::1:9480", "127.0.0.1:65536", "127.0.0.1:http"):
        result = weir.call("run", "--metrics", bad, ini)
        assert result.status == 2 and f'not "{bad}"' in result.err, result.err
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        result = weir.call("run", "--metrics", f"127.0.0.1:{s.getsockname()[1]}", ini)
    assert result.status == 1 and "Address already in use; another program, or another weir, listens there" in result.err, result.err
    assert not (tmp_path / "out").exists()
