# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 in mid-run, at points a seed chooses: nothing is lost; into files nothing is doubled either."""
import os
import random

import pytest

from lib.feed import crashes

pytestmark = pytest.mark.pipeline
SEEDS = [1, 2]


def line(i):
    return b'{"n":%d,"pad":"%s"}' % (i, b"x" * (i % 97))


def size_of(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def lines_in(path, mean=64):
    """About how many lines there are: good enough to tell progress."""
    return lambda: size_of(path) // mean


def from_kafka(kafka, name, partitions=1):
    topic = kafka.create(f"{name}-in", partitions)
    source = f"plugin=kafka\nbrokers={kafka.brokers}\ntopics={topic}\ngroup={name}"
    return source, lambda first, n: kafka.fill(topic, n, partitions, line, first)


def from_file(path):
    def put(first, n):
        with open(path, "ab") as f:  # several writes, so that weir meets unfinished lines
            data = b"".join(line(i) + b"\n" for i in range(first, first + n))
            for at in range(0, len(data), 1000):
                f.write(data[at : at + 1000])
                f.flush()

    return f"plugin=file\npath={path}", put


def pipeline(source, sink):
    return f"[pipeline]\ncommit=50ms\n[source]\n{source}\n[sink]\n{sink}\n"


@pytest.mark.parametrize("seed", SEEDS)
def test_kafka_to_file_exactly_once(weir, kafka, name, tmp_path, seed, feed):
    source, put = from_kafka(kafka, name)
    ini = pipeline(source, f"plugin=file\npath={tmp_path}/out")
    feeder = feed(put, lines_in(tmp_path / "out"))
    crashes(weir, ini, feeder, random.Random(seed))
    n = feeder.finish()
    weir.run(ini).ok()
    assert (tmp_path / "out").read_bytes() == b"".join(line(i) + b"\n" for i in range(n))


@pytest.mark.parametrize("seed", SEEDS)
def test_kafka_to_files_by_partition_exactly_once(weir, kafka, name, tmp_path, seed, feed):
    """Several files at once, with three lanes."""
    source, put = from_kafka(kafka, name, 4)
    ini = pipeline(source, f"plugin=file\npath={tmp_path}/out-{{partition}}").replace("[pipeline]", "[pipeline]\nworkers=3")
    feeder = feed(put, lambda: sum(lines_in(tmp_path / f"out-{p}")() for p in range(4)))
    crashes(weir, ini, feeder, random.Random(seed))
    n = feeder.finish()
    weir.run(ini).ok()
    for p in range(4):
        assert (tmp_path / f"out-{p}").read_bytes() == b"".join(line(i) + b"\n" for i in range(p, n, 4))


@pytest.mark.parametrize("seed", SEEDS)
def test_file_to_file_exactly_once(weir, name, tmp_path, seed, feed):
    source, put = from_file(tmp_path / "in")
    ini = pipeline(source, f"plugin=file\npath={tmp_path}/out")
    feeder = feed(put, lines_in(tmp_path / "out"))
    crashes(weir, ini, feeder, random.Random(seed))
    feeder.finish()
    weir.run(ini).ok()
    assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_held_is_read_again(weir, tmp_path, seed, feed):
    """Lines in groups of ten or fewer: where a group is cut is the moment's, but each line is in one, once, in order."""
    source, put = from_file(tmp_path / "in")
    held = '[transform tens]\nplugin=multiline\nstart=$value | test("\\"n\\":\\\\d*0,")\njoin=space'
    ini = pipeline(f"{source}\n{held}", f"plugin=file\npath={tmp_path}/out")
    feeder = feed(put, lines_in(tmp_path / "out"))
    crashes(weir, ini, feeder, random.Random(seed))
    n = feeder.finish()
    weir.run(ini).ok()
    out = (tmp_path / "out").read_bytes()
    assert n // 10 <= out.count(b"\n") < n // 2
    assert out.replace(b"} {", b"}\n{") == (tmp_path / "in").read_bytes()


def test_more_files_than_are_open(weir, tmp_path):
    """Files that were closed to make room have lengths that no commit covers: a crash takes all of it back."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    lines = [b'{"k":"%d","n":%d}\n' % (i % 150, i) for i in range(600)]
    out = [tmp_path / "out" / str(k) for k in range(150)]
    ini = pipeline(f"plugin=file\npath={tmp_path}/in/*", f"plugin=file\npath={tmp_path}/out/{{.k}}")
    running = weir.start(ini.replace("commit=50ms", "commit=1h"))
    for name, first in (("a", 0), ("b", 300)):  # with b the source has something to remember, in mid-commit
        (tmp_path / "in" / name).write_bytes(b"".join(lines[first : first + 300]))
        running.wait_for(lambda: sum(len(f.read_bytes().splitlines()) for f in out if f.exists()) == first + 300, name)
    running.kill()
    weir.run(ini).ok(600)
    for k, f in enumerate(out):
        assert f.read_bytes() == b"".join(lines[k::150])
    assert not list((tmp_path / "out").glob(".*")), "notes stay"


def test_more_files_than_are_open_and_an_end_without_commit(weir, tmp_path):
    """What no commit covers is taken back from closed files too: no later run need write to them."""
    (tmp_path / "out").mkdir()
    (tmp_path / "in").write_bytes(b"".join(b'{"k":"%d"}\n' % i for i in range(150)) + b"no object\n")
    ini = pipeline(f"plugin=file\npath={tmp_path}/in", f"plugin=file\npath={tmp_path}/out/{{.k}}")
    ended = weir.run(ini.replace("commit=50ms", "commit=1h")).failed("record {}".format(tmp_path / "in"))
    assert len(ended.lines("cut back")) == 11, "ten are named"
    assert [f.stat().st_size for f in (tmp_path / "out").glob("*") if f.suffix != ".weir"] == [0] * 150


@pytest.mark.parametrize("seed", SEEDS)
def test_file_to_kafka(weir, kafka, name, tmp_path, seed, feed):
    out = kafka.create(f"{name}-out")
    source, put = from_file(tmp_path / "in")
    ini = pipeline(source, f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={out}")
    feeder = feed(put, lambda: kafka.count(out))
    crashes(weir, ini, feeder, random.Random(seed), 3)
    n = feeder.finish()
    weir.run(ini).ok()
    complete_in_order([r.value for r in kafka.read(out)], [line(i) for i in range(n)])


@pytest.mark.parametrize("seed", SEEDS)
def test_kafka_to_kafka(weir, kafka, name, seed, feed):
    out = kafka.create(f"{name}-out", 3)
    source, put = from_kafka(kafka, name, 3)
    ini = pipeline(source, f"plugin=kafka\nbrokers={kafka.brokers}\ntopic={out}\npartition={{partition}}")
    feeder = feed(put, lambda: kafka.count(out))
    crashes(weir, ini, feeder, random.Random(seed), 3)
    n = feeder.finish()
    weir.run(ini).ok()
    got = kafka.read(out)
    for p in range(3):
        complete_in_order([r.value for r in got if r.partition == p], [line(i) for i in range(p, n, 3)])


@pytest.mark.parametrize("seed", [3])
def test_kafka_to_index_exactly_once(weir, kafka, search, name, seed, feed):
    """The default _id is the record's identity, so what is sent twice is there once."""
    search.create(name)
    source, put = from_kafka(kafka, name, 2)
    ini = pipeline(source, f"plugin=elasticsearch\nurl={search.url}\nindex={name}\nbatch.records=100\nbatch.linger=5ms")
    feeder = feed(put, lambda: arrived(search, name))
    crashes(weir, ini, feeder, random.Random(seed), 3)
    n = feeder.finish()
    weir.run(ini).ok()
    got = sorted(search.all(name))
    assert got == sorted((f"{name}-in+{i % 2}+{i // 2}", line(i)) for i in range(n))


def arrived(search, index):
    search.refresh(index)
    return search.count(index)


def complete_in_order(got, sent):
    """Nothing is missing, and a repeat goes back to a point and through everything behind it again."""
    number = {value: i for i, value in enumerate(sent)}
    reached = -1
    for value in got:
        i = number[value]
        assert i <= reached + 1, f"{value!r} came before {sent[reached + 1]!r}"
        reached = max(reached, i)
    assert reached == len(sent) - 1
