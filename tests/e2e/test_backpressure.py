# SPDX-License-Identifier: BSD-2-Clause
"""A sink that takes nothing: weir stops reading, keeps its memory and its place in the group, and goes on soon after.

pytest -s shows the numbers: `peak RSS`, `first acknowledgement`."""
import contextlib
import http.server
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from lib.record import Record
from lib.wait import until

MIB = 1 << 20
CHECKED = os.environ.get("WEIR_SANITIZED") == "yes"  # sanitizers multiply the memory of a program
# seconds until the first acknowledgement once the part is back: the four that weir waits at most, and what a machine with
# much else to do takes for the rest; without that bound it would be up to thirty
SOON = 10
AWAY = 15  # seconds; longer than the group allows between two polls, which is longer than a machine stalls
SHORT = "rdkafka.session.timeout.ms=10000\nrdkafka.heartbeat.interval.ms=500\nrdkafka.max.poll.interval.ms=10000"
DOCUMENT = Record(b'{"text":"%s"}' % (b"x " * 5000))

pytestmark = pytest.mark.slow


def from_kafka(kafka, name, sink, memory=16, more=""):
    return (
        f"[pipeline]\ncommit=50ms\nmemory={memory}M\n{more}\n[source]\nplugin=kafka\nbrokers={kafka.brokers}\n"
        f"topics={name}-in\ngroup={name}\n{SHORT}\n[sink]\n{sink}"
    )


@contextlib.contextmanager
def stopped(services, server):
    pids = services.pids(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def acknowledged(kafka, name):
    return sum(kafka.committed(name, f"{name}-in").values())


def stands_still(run, kafka, name, memory, seconds=AWAY):
    """Nothing is committed while it lasts; memory is kept, and so is the membership."""
    before, peak, end = acknowledged(kafka, name), 0, time.monotonic() + seconds
    member = kafka.members(name)[0].member_id

    def watched():
        nonlocal peak
        peak = max(peak, run.rss())
        return time.monotonic() > end

    run.wait_for(watched, f"{seconds} seconds have passed")
    print(f"\npeak RSS {peak / MIB:.1f} MiB with memory = {memory}M", end="")
    if not CHECKED:
        assert peak <= (memory + 24) * MIB, f"resident: {peak / MIB:.1f} MiB"
    assert [m.member_id for m in kafka.members(name)] == [member]
    assert "max.poll" not in run.err and "revoked" not in run.err and "lost" not in run.err, run.err
    assert acknowledged(kafka, name) == before
    return before


def soon(run, since, condition, what):
    run.wait_for(condition, what, timeout=60)
    took = time.monotonic() - since
    print(f"\nfirst acknowledgement {took:.1f} s after it was back", end="")
    assert took <= SOON, f"{what}: {took:.1f} s\n{run.err}"


def begin(weir, kafka, name, ini):
    """The connections are made before anything is taken away."""
    kafka.produce(f"{name}-in", [DOCUMENT] * 100)
    run = weir.start(ini)
    run.wait_for(lambda: acknowledged(kafka, name) == 100, "the first records are committed")
    return run


def fill(kafka, name, n, partitions):
    for p in range(partitions):
        kafka.produce(f"{name}-in", [DOCUMENT] * n, p)


@pytest.mark.parametrize("timeout", ["90s", "5s"])
def test_index_stands_still(weir, kafka, es, services, name, timeout):
    """SIGSTOP; with a short timeout requests are given up and made again all the time."""
    kafka.create(f"{name}-in", 4)
    es.create(name)
    sink = f"plugin=elasticsearch\nurl={es.url}\nindex={name}\ntimeout={timeout}"
    run = begin(weir, kafka, name, from_kafka(kafka, name, sink))
    with stopped(services, "elasticsearch"):
        fill(kafka, name, 2500, 4)
        before = stands_still(run, kafka, name, 16)
    back = time.monotonic()
    soon(run, back, lambda: "well again" in run.err or acknowledged(kafka, name) > before, "a request is answered")
    run.wait_for(lambda: acknowledged(kafka, name) == 10100, "all is committed")
    run.stop().ok(10100)
    es.refresh(name)
    assert es.count(name) == 10100
    es.delete(name)


class Bulk(http.server.BaseHTTPRequestHandler):
    """Takes every bulk request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        item = b'{"index":{"status":201}}'
        body = b'{"took":1,"errors":false,"items":[%s]}' % b",".join([item] * (asked.count(b"\n") // 2))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_index_away_for_long(weir, kafka, name):
    """Nobody listens until waits would have grown to half a minute; then somebody does."""
    kafka.create(f"{name}-in", 4)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bulk, bind_and_activate=False)
    server.server_bind()  # so that nobody else has the port meanwhile
    sink = f"plugin=elasticsearch\nurl=http://127.0.0.1:{server.server_port}\nindex={name}"
    fill(kafka, name, 2500, 4)
    run = weir.start(from_kafka(kafka, name, sink))
    until(lambda: kafka.members(name), "it is in the group")
    stands_still(run, kafka, name, 16, 32)
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        soon(run, time.monotonic(), lambda: "is well again" in run.err, "a request is answered")
        run.wait_for(lambda: acknowledged(kafka, name) == 10000, "all is committed")
        run.stop().ok(10000)
    finally:
        server.shutdown()
        server.server_close()


def to_kafka(kafka, topic, path):
    return (
        f"[pipeline]\ncommit=50ms\nmemory=16M\n[source]\nplugin=file\npath={path}\n"
        f"[sink]\nplugin=kafka\nbrokers={kafka.brokers}\ntopic={topic}"
    )


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_broker_away(weir, kafka, services, name, tmp_path, how):
    """The broker of a sink: 50 MB wait in a file."""
    out = kafka.create(f"{name}-out")
    path = tmp_path / "in"
    path.write_bytes(b"first\n")
    run = weir.start(to_kafka(kafka, out, path))
    run.wait_for(lambda: kafka.count(out) == 1, "the first record is there")
    peak, end = 0, time.monotonic() + AWAY

    def watched():
        nonlocal peak
        peak = max(peak, run.rss())
        return time.monotonic() > end

    def wait():
        with path.open("ab") as f:
            f.write((b"%d" % 7 * 999 + b"\n") * 50000)
        run.wait_for(watched, "some seconds have passed")
        print(f"\npeak RSS {peak / MIB:.1f} MiB with memory = 16M", end="")
        if not CHECKED:
            assert peak <= (16 + 24) * MIB, f"resident: {peak / MIB:.1f} MiB"

    if how == "stopped":
        with stopped(services, "kafka"):
            wait()
    else:
        services.kill("kafka")
        try:
            wait()
        finally:
            services.start("kafka")
    soon(run, time.monotonic(), lambda: kafka.count(out) > 1, "something was written")
    run.wait_for(lambda: kafka.count(out) >= 50001, "all is written")
    run.stop().ok(50001)


def test_broker_of_the_source_away(weir, kafka, services, name, tmp_path):
    """Killed for longer than the session lasts: reading goes on by itself."""
    kafka.create(f"{name}-in", 4)
    run = begin(weir, kafka, name, from_kafka(kafka, name, f"plugin=file\npath={tmp_path}/out"))
    services.kill("kafka")
    end = time.monotonic() + AWAY
    try:
        run.wait_for(lambda: time.monotonic() > end, "some seconds have passed")
    finally:
        services.start("kafka")
    kafka.produce(f"{name}-in", [DOCUMENT] * 100, 1)
    kafka.members(name)  # the group is answered for: a broker that has just begun loads it first
    soon(run, time.monotonic(), lambda: (tmp_path / "out").read_bytes().count(b"\n") == 200, "what came later is written")
    run.wait_for(lambda: acknowledged(kafka, name) == 200, "all is committed")
    run.stop().ok(200)


def test_disk_full(weir, kafka, name, tmp_path):
    """A file sink on a full disk: it waits, and writes soon after there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "none", disk], check=False).returncode:
        pytest.skip("may not mount a tmpfs")
    try:
        kafka.create(f"{name}-in", 4)
        run = begin(weir, kafka, name, from_kafka(kafka, name, f"plugin=file\npath={disk}/out"))
        with contextlib.suppress(OSError):
            (disk / "rest").write_bytes(b"x" * (4 * MIB))
        used = os.open(disk / "rest", os.O_RDWR)
        with contextlib.suppress(OSError):
            while os.write(used, b"x" * 4096):
                os.lseek(used, 0, os.SEEK_END)
        os.close(used)
        fill(kafka, name, 500, 1)
        before = stands_still(run, kafka, name, 16)
        subprocess.run(["mount", "-o", "remount,size=64M", disk], check=True)
        soon(run, time.monotonic(), lambda: acknowledged(kafka, name) > before, "something is committed")
        run.wait_for(lambda: acknowledged(kafka, name) == 600, "all is committed")
        run.stop().ok(600)
        assert (disk / "out").read_bytes().count(b"\n") == 600
        shutil.copy(disk / "out", tmp_path / "copy")
    finally:
        weir.end()
        subprocess.run(["umount", disk], check=True)
