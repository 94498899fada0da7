# SPDX-License-Identifier: BSD-2-Clause
"""fan-out = independent: a reader and a position for each sink, so that none delays another; and changing to it and back."""
import os
import signal

import pytest

from lib.record import Record
from lib.wait import until

pytestmark = pytest.mark.pipeline


def pipeline(source, sinks, fan_out="independent", more="", dead=""):
    sections = "".join(f"[sink {name}]\n{text}\n" for name, text in sinks.items())
    return f"[pipeline]\ncommit=50ms\nfan-out={fan_out}\n{more}\n[source]\n{source}\n{sections}{dead}"


def from_kafka(kafka, name):
    return f"plugin=kafka\nbrokers={kafka.brokers}\ntopics={name}-in\ngroup={name}"


def to_kafka(kafka, topic):
    return f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={topic}"


def to_file(path):
    return f"plugin=file\npath={path}"


def to_nowhere(port, index):
    return f"plugin=elasticsearch\nurl=http://127.0.0.1:{port}\nindex={index}\nretry.initial=20ms\nretry.max=200ms"


def numbers(n, first=0):
    return [b'{"n":%d}' % i for i in range(first, first + n)]


def test_a_dead_sink_delays_only_its_own_copy(weir, kafka, name, tmp_path, free_port):
    """More than memory holds flows to one sink while the other is away; when that is back it gets all of it."""
    kafka.create(f"{name}-in", 2)
    sinks = {"es": to_nowhere(free_port, name), "archive": to_file(tmp_path / "out")}
    ini = pipeline(from_kafka(kafka, name), sinks, more="memory=16M\ndrain=100ms")
    text = b"x" * 5000
    run = weir.start(ini)
    for p in (0, 1):
        kafka.produce(f"{name}-in", [Record(b'{"n":%d,"s":"%s"}' % (i, text)) for i in range(2000)], p)
    run.wait_for(
        lambda: sum(kafka.committed(f"{name}.archive", f"{name}-in").values()) == 4000, "the archive has all of it"
    )
    run.wait_line("p.es [sink es]: not connected, trying on")
    assert kafka.committed(f"{name}.es", f"{name}-in") == {}
    result = run.stop()
    assert result.status == 1, result.err
    assert result.all_books["p.archive"].delivered == 4000 and result.all_books["p.archive"].undelivered == 0
    assert result.all_books["p.es"].undelivered > 0 and result.all_books["p.es"].delivered == 0
    assert len((tmp_path / "out").read_bytes().splitlines()) == 4000
    sinks["es"] = to_file(tmp_path / "late")
    result = weir.run(pipeline(from_kafka(kafka, name), sinks, more="memory=16M"))
    assert result.status == 0, result.err
    assert result.all_books["p.es"].delivered == 4000 and result.all_books["p.archive"].read == 0
    got = sorted((tmp_path / "late").read_bytes().splitlines())
    assert got == sorted((tmp_path / "out").read_bytes().splitlines())


def test_each_reader_is_a_group(weir, kafka, name):
    kafka.create(f"{name}-in", 3)
    kafka.fill(f"{name}-in", 300, 3)
    a, b = kafka.create(f"{name}-a"), kafka.create(f"{name}-b")
    result = weir.run(pipeline(from_kafka(kafka, name), {"a": to_kafka(kafka, a), "b": to_kafka(kafka, b)}))
    assert result.status == 0, result.err
    for topic in (a, b):
        assert sorted(r.value for r in kafka.read(topic)) == sorted(numbers(300))
    for group in (f"{name}.a", f"{name}.b"):
        assert kafka.committed(group, f"{name}-in") == {0: 100, 1: 100, 2: 100}
    assert kafka.committed(name, f"{name}-in") == {}


def test_one_failed_reader_leaves_the_other(weir, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b'{"a":1}\nno json\n')
    sinks = {"strict": to_file(tmp_path / "strict") + "\nwhen=.a == 1", "all": to_file(tmp_path / "all")}
    run = weir.start(pipeline(f"plugin=file\npath={path}", sinks))
    run.wait_line("never can succeed")
    with path.open("ab") as f:
        f.write(b"later\n")
    whole = tmp_path / "all"
    run.wait_for(lambda: whole.exists() and b"later" in whole.read_bytes(), "the other goes on")
    result = run.stop().failed("p.strict: [sink strict]")
    assert result.all_books["p.all"].delivered == 3 and result.all_books["p.strict"].undelivered > 0


def test_dead_letters_of_all_in_one_file(weir, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"".join(b'{"n":%d}\n' % i for i in range(1000)) + b"no json\n")
    sinks = {n: to_file(tmp_path / n) + f"\nwhen=.n {op} 500" for n, op in (("low", "<"), ("high", ">="))}
    dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"
    result = weir.run(pipeline(f"plugin=file\npath={path}", sinks, dead=dead))
    assert result.status == 0, result.err
    for n in sinks:
        b = result.all_books[f"p.{n}"]
        assert (b.delivered, b.dropped, b.dead) == (500, 500, 1), result.err
    assert "p: dead letters of all its sinks\n  dead-letter: in 2 = delivered 2" in result.err
    assert len((tmp_path / "dead").read_bytes().splitlines()) == 2


def test_killed_again_and_again(weir, kafka, name, tmp_path, feed):
    """Each sink is the only one of its reader, so files are exactly once; the dead letters are all there."""
    kafka.create(f"{name}-in", 2)
    out = [tmp_path / "a", tmp_path / "b"]
    dead = f"[dead-letter]\nplugin=file\npath={tmp_path}/dead\nformat=record"
    sinks = {p.name: to_file(p) + "\nwhen=.n >= 0" for p in out}
    ini = pipeline(from_kafka(kafka, name), sinks, dead=dead, more="drain=20s")
    seen = lambda: min(p.read_bytes().count(b"\n") if p.exists() else 0 for p in out)  # noqa: E731
    feeder = feed(lambda first, n: kafka.fill(f"{name}-in", n, 2, first=first), seen)
    kafka.produce(f"{name}-in", [Record(b"no json")])
    for _ in range(6):
        run = weir.start(ini)
        mark = feeder.seen() + 300
        run.wait_for(lambda: feeder.seen() >= mark, f"{mark} records arrived")
        run.kill()
    n = feeder.finish()
    result = weir.run(ini)
    assert result.status == 0, result.err
    for p in out:
        assert sorted(p.read_bytes().splitlines()) == sorted(numbers(n))
    assert (tmp_path / "dead").read_bytes().count(b"\n") >= 2


@pytest.mark.parametrize("plugin", ["kafka", "file"])
def test_to_independent_and_back(weir, kafka, name, tmp_path, plugin):
    """Nothing is left out, whichever way it changes; from together to independent nothing comes twice either."""
    path = tmp_path / "in"
    if plugin == "kafka":
        kafka.create(f"{name}-in", 2)
        source = from_kafka(kafka, name)
    else:
        source = f"plugin=file\npath={path}"
    made = 0

    def feed(n):
        nonlocal made
        if plugin == "kafka":
            kafka.fill(f"{name}-in", n, 2, first=made)
        else:
            with path.open("ab") as f:
                f.write(b"".join(line + b"\n" for line in numbers(n, made)))
        made += n

    sinks = {"a": to_file(tmp_path / "a"), "b": to_file(tmp_path / "b")}

    def arrived(sink):
        return sorted((tmp_path / sink).read_bytes().splitlines())

    for fan_out in ("together", "independent", "independent"):
        feed(50)
        result = weir.run(pipeline(source, sinks, fan_out))
        assert result.status == 0, result.err
        assert arrived("a") == arrived("b") == sorted(numbers(made)), result.err
    feed(50)
    behind = {"a": sinks["a"], "b": "plugin=file\npath=/dev/full/not/there"}
    run = weir.start(pipeline(source, behind))
    run.wait_for(lambda: arrived("a") == sorted(numbers(made)) and "can't be opened" in run.err, "a has all, b has tried")
    result = run.stop()
    assert result.status == 1 and result.all_books["p.b"].delivered == 0, result.err
    feed(50)
    result = weir.run(pipeline(source, sinks, "together"))
    assert result.status == 0 and "fan-out is together now" in result.err, result.err
    assert set(arrived("a")) == set(arrived("b")) == set(numbers(made))
    assert arrived("b") == sorted(numbers(made)) and len(arrived("a")) == made + 50
    feed(50)
    result = weir.run(pipeline(source, sinks, "independent"))
    assert arrived("b") == sorted(numbers(made)), result.err


def test_stop_ends_all_readers(weir, kafka, name, tmp_path, free_port):
    kafka.create(f"{name}-in")
    kafka.fill(f"{name}-in", 10)
    sinks = {"es": to_nowhere(free_port, name), "archive": to_file(tmp_path / "out")}
    run = weir.start(pipeline(from_kafka(kafka, name), sinks))
    run.wait_line("trying on")
    run.wait_for(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_bytes(), "the archive has some")
    run.signal(signal.SIGTERM)
    run.wait_line("stopping")
    until(lambda: not run.alive() or run.signal(signal.SIGTERM), "a second signal ends it", every=0.2)
    result = run.wait().failed("a second signal")
    assert result.all_books["p.es"].undelivered == result.all_books["p.es"].read > 0
    assert os.path.exists(weir.state / "p.db")
