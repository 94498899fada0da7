# SPDX-License-Identifier: BSD-2-Clause
"""What a process may run out of, clocks that jump, signals at any moment: weir goes on, or ends with a clear word and
nothing acknowledged."""
import glob
import os
import pathlib
import random
import resource
import signal
import tempfile
import time

import pytest

from lib.wait import until

pytestmark = pytest.mark.pipeline
SANITIZED = os.environ.get("WEIR_SANITIZED") == "yes"
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
DAY = 86400


def lines(first, n):
    return b"".join(b'{"n":%d,"pad":"%s"}\n' % (i, b"x" * (i % 97)) for i in range(first, first + n))


def append(path, data):
    with open(path, "ab") as f:
        f.write(data)


def read(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def pipeline(source, sink, more=""):
    return (f"[pipeline]\nname=p\ncommit=50ms\n[source]\nplugin=file\npath={source}\nrotate-wait=200ms\n"
            f"[sink]\nplugin=file\npath={sink}\nretry.initial=20ms\nretry.max=100ms\n{more}")


def limit(run, what, soft):
    """Sets a limit of the running process; returns what it was."""
    before = resource.prlimit(run.pid, what)
    resource.prlimit(run.pid, what, (soft, before[1]))
    return before[0]


# ---- descriptors -------------------------------------------------------------------------------------------------------


def test_out_of_descriptors_while_running(weir, tmp_path):
    """Files that can not be opened are opened later; a file that can not be listed is not gone: its unfinished line
    stays unfinished."""
    out = tmp_path / "out"
    ini = pipeline(tmp_path / "in.*", f"{out}-{{.n}}")
    append(tmp_path / "in.0", b'{"n":0}\n{"n":')
    run = weir.start(ini)
    run.wait_for(lambda: read(tmp_path / "out-0") == b'{"n":0}\n', "the first line")
    before = limit(run, resource.RLIMIT_NOFILE, 3)  # standard input, output and error are open for good
    append(tmp_path / "in.1", b'{"n":2}\n')
    run.wait_line("Too many open files")
    append(tmp_path / "in.0", b"1}\n")  # goes on in an open file, but the sink needs a new one
    run.wait_for(lambda: run.err.count("Too many open files") >= 2, "source and sink have said so")
    end = time.monotonic() + 1  # some five times rotate-wait
    run.wait_for(lambda: time.monotonic() > end, "a while")
    limit(run, resource.RLIMIT_NOFILE, before)
    run.wait_for(lambda: read(tmp_path / "out-1") == b'{"n":1}\n', "the line that was unfinished")
    run.wait_for(lambda: read(tmp_path / "out-2") == b'{"n":2}\n', "the other file")
    result = run.stop().ok(delivered=3)
    assert len(result.lines("Too many open files")) <= 3, result.err


def test_until_end_waits_for_descriptors(weir, tmp_path):
    """What could not be opened was not read: it may not count as done."""
    for i in range(20):
        append(tmp_path / f"in.{i}", b'{"n":%d}\n' % i)
    weir.ini(pipeline(tmp_path / "in.*", tmp_path / "out"))
    plain = weir.command
    weir.command = lambda *args: ["prlimit", "--nofile=24:64", *plain(*args)]
    run = weir.start(tmp_path / "p.ini", until_end=True)
    until(lambda: not run.alive() or "Too many open files" in run.err, "a word about descriptors")
    if run.alive():
        resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (64, 64))
    result = run.wait()
    if result.status == 0:
        assert result.books.delivered == 20
    else:
        result.failed("Too many open files")


def test_few_descriptors_at_the_start(weir, tmp_path):
    """With each number of them it ends with a word, or waits and says so; what it wrote is committed or cut back."""
    append(tmp_path / "in", lines(0, 10))
    ini = pipeline(tmp_path / "in", tmp_path / "out")
    plain = weir.command
    for n in range(4, 26, 2):
        weir.command = lambda *args: ["prlimit", f"--nofile={n}", *plain(*args)]  # noqa: B023
        run = weir.start(ini, until_end=True)
        until(lambda: not run.alive() or "Too many open files" in run.err, f"{n} descriptors")  # noqa: B023
        if run.alive():
            run.kill()
        elif run.process.returncode == 0:
            assert read(tmp_path / "out") == lines(0, 10)
        else:
            assert any(text in run.err for text in ("oo many open files", "cannot open", "unable to open")), run.err
        assert lines(0, 10).startswith(read(tmp_path / "out"))
    weir.command = plain
    weir.run(ini).ok()
    assert read(tmp_path / "out") == lines(0, 10)


# ---- memory, size of files ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(SANITIZED, reason="sanitizers take address space as they like")
def test_out_of_memory_is_a_clear_end(weir, tmp_path):
    """It ends with a word, and what was not committed is read again."""
    source, out = tmp_path / "in", tmp_path / "out"
    ini = pipeline(source, out).replace("name=p", "name=p\nmemory=256M").replace("rotate-wait", "max-line=64M\nrotate-wait")
    append(source, lines(0, 100))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 100), "the first lines")
    size = int(pathlib.Path(f"/proc/{run.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    limit(run, resource.RLIMIT_AS, size + (16 << 20))
    append(source, lines(100, 100) + b"x" * (40 << 20) + b"\n" + lines(200, 100))
    assert run.process.wait(60) == -signal.SIGABRT
    assert "weir: out of memory (" in run.err, run.err
    weir.run(ini).ok()
    assert read(out) == lines(0, 200) + b"x" * (40 << 20) + b"\n" + lines(200, 100)


def test_a_file_that_may_not_grow(weir, tmp_path):
    """The limit of a file's size is another full disk: no signal ends weir."""
    source, out = tmp_path / "in", tmp_path / "out"
    ini = pipeline(source, out)
    append(source, lines(0, 100))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 100), "the first lines")
    before = limit(run, resource.RLIMIT_FSIZE, len(lines(0, 150)) + 20)
    append(source, lines(100, 3000))
    said = ("File too large", "cannot write the state file")  # whichever meets it first: the log of the state is a file too
    run.wait_for(lambda: any(text in run.err for text in said), "a word about the size")
    limit(run, resource.RLIMIT_FSIZE, before)
    run.wait_for(lambda: read(out) == lines(0, 3100), "all lines")
    run.stop().ok(delivered=3100)
    assert read(out) == lines(0, 3100)


@pytest.mark.parametrize("more", ["", "fsync=none\ncompress=gzip\n"], ids=["commit", "batch"])
def test_a_file_for_each_record(weir, more):
    """More of them than are ever open, before the first commit; in memory, for each begins with a sync."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = pathlib.Path(folder)
        (path / "in").write_bytes(b"".join(b'{"n":%d}\n' % i for i in range(5000)))
        ini = pipeline(path / "in", path / "out" / "{.n}", more).replace("commit=50ms", "commit=1h")
        weir.run(ini).ok(delivered=5000)
        assert len([f for f in os.listdir(path / "out") if f[0] != "."]) == 5000
        assert more or (path / "out" / "4999").read_bytes() == b'{"n":4999}\n'


# ---- clocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not FAKETIME, reason="needs libfaketime (package faketime)")
@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be the first library")
@pytest.mark.parametrize("offsets", [[400 * DAY], [-400 * DAY], [3600, -3600, 2 * DAY, -40 * DAY, 0]],
                         ids=["forwards", "backwards", "to-and-fro"])
def test_the_wall_clock_jumps(weir, tmp_path, offsets):
    """Waiting goes by the monotonic clock: lines, commits and the end come as before, once each."""
    clock, source, out = tmp_path / "clock", tmp_path / "in", tmp_path / "out"
    clock.write_text("+0")
    weir.env.update(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
                    FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
    ini = pipeline(source, out, "batch.linger=50ms\n")
    n = 0
    run = weir.start(ini)
    for turn, offset in enumerate([0, *offsets]):
        clock.write_text(f"{offset:+d}")
        for _ in range(3):
            append(source, lines(n, 50))
            n += 50
            run.wait_for(lambda: read(out) == lines(0, n), f"{n} lines at {offset:+d} s")  # noqa: B023
        if turn % 2:  # over a restart too: the next run has another idea of now
            run.stop().ok()
            run = weir.start(ini)
    append(source, lines(n, 50))
    n += 50
    run.wait_for(lambda: read(out) == lines(0, n), "the last lines")
    clock.write_text("+7200")
    run.stop().ok()
    assert weir.run(ini).ok().books.read == 0
    assert read(out) == lines(0, n)


# ---- signals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sigterm_at_any_moment(weir, tmp_path, seed):
    """While it loads, opens, flows, drains; once, twice, or followed by kill -9."""
    rng = random.Random(seed)
    source, out = tmp_path / "in", tmp_path / "out"
    ini = weir.ini(pipeline(source, out).replace("commit=50ms", "commit=5ms"))
    n = 0
    append(source, b"")
    for _ in range(15):
        run = weir.start(ini)
        end = time.monotonic() + rng.choice([0.01, 0.03, 0.1]) * rng.random()
        while time.monotonic() < end:
            append(source, lines(n, 200))
            n += 200
        run.signal(signal.SIGTERM)
        how = rng.choice(["once", "once", "twice", "kill"])
        end = time.monotonic() + 0.25 * rng.random()
        while time.monotonic() < end and run.alive():
            append(source, lines(n, 10))
            n += 10
        if how != "once" and run.alive():
            run.signal(signal.SIGTERM if how == "twice" else signal.SIGKILL)
        status = run.process.wait(60)  # a drain and more
        allowed = {0, -signal.SIGTERM} | ({1} if how == "twice" else {-signal.SIGKILL} if how == "kill" else set())
        assert status in allowed, (how, status, run.err)
    weir.run(ini).ok()
    assert read(out) == lines(0, n)


def test_a_signal_while_a_sink_does_not_open(weir, tmp_path, free_port):
    """Nothing was read, so there is nothing to wait for."""
    append(tmp_path / "in", lines(0, 10))
    ini = (f"[pipeline]\ndrain=1s\n[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=elasticsearch\nurl=http://127.0.0.1:{free_port}\n"
           f"index=x\n")
    run = weir.start(ini)
    run.wait_line("not connected, trying on")
    began = time.monotonic()
    run.signal(signal.SIGTERM)
    result = run.wait(60)
    assert result.status in (0, 1), result.err
    assert (result.books.undelivered > 0) == (result.status == 1)
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_stopped_longer_than_the_session(weir, kafka, name, tmp_path):
    """SIGSTOP until the group has taken its partitions away, with records in the file that no commit covers: they would be
    there twice, so weir ends and the next start cuts them off."""
    topic = kafka.create(f"{name}-in", 2)
    ini = (f"[pipeline]\ncommit=60s\n[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={topic}\ngroup={name}\n"
           f"rdkafka.session.timeout.ms=6000\nrdkafka.heartbeat.interval.ms=1000\n"
           f"[sink]\nplugin=file\npath={tmp_path}/out-{{partition}}\n")
    value = lambda i: b'{"n":%d}' % i  # noqa: E731
    want = lambda p, n: b"".join(value(i) + b"\n" for i in range(p, n, 2))  # noqa: E731
    got = lambda n: all(read(tmp_path / f"out-{p}") == want(p, n) for p in range(2))  # noqa: E731
    kafka.fill(topic, 2000, 2, value, 0)
    run = weir.start(ini)
    run.wait_for(lambda: got(2000), "the first records")
    run.signal(signal.SIGSTOP)
    kafka.fill(topic, 2000, 2, value, 2000)
    run.wait_for(lambda: not kafka.members(name), "the session is over")
    run.signal(signal.SIGCONT)
    run.wait(60).failed("lanes were taken away before all that was written of them was committed")
    weir.run(ini).ok()
    assert got(4000)
