# SPDX-License-Identifier: BSD-2-Clause
"""Disks that are full or read-only, and a state file that is taken away: said once, nothing lost, nothing doubled."""
import gzip
import os
import sqlite3
import zlib

import pytest

from lib.disk import Disk
from lib.wait import until

pytestmark = pytest.mark.pipeline
FULL = "No space left on device"


def lines(first, n):
    return b"".join(b'{"n":%d,"pad":"%s"}\n' % (i, b"x" * (i % 97)) for i in range(first, first + n))


def append(path, data):
    with open(path, "ab") as f:
        f.write(data)


@pytest.fixture
def disk(weir, tmp_path):
    d = Disk(tmp_path / "disk", "1M")
    d.inside(weir)
    yield d
    d.end()


def pipeline(source, sink, more=""):
    fast = "retry.initial=20ms\nretry.max=100ms\n"
    return f"[pipeline]\nname=p\ncommit=50ms\n[source]\nplugin=file\npath={source}\n[sink]\nplugin=file\npath={sink}\n{fast}{more}"


def read(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize("leave", [0, 4096, 65536])
@pytest.mark.parametrize("crash", [False, True], ids=["stays", "kill-9"])
def test_full_disk_under_the_file_sink(weir, disk, tmp_path, leave, crash):
    """What fits in part is cut back to whole batches; once there is room everything goes on, exactly once."""
    source, out = tmp_path / "in", disk.seen / "out"
    ini = pipeline(source, disk.path / "out")
    append(source, lines(0, 500))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 500), "the first lines")
    disk.fill(leave)
    append(source, lines(500, 5000))
    run.wait_line(FULL)
    run.wait_for(lambda: read(out).endswith(b"\n"), "half a batch is cut off")
    assert lines(0, 5500).startswith(read(out))
    if crash:
        run.kill()
        run = weir.start(ini)
        run.wait_line(FULL)
    disk.empty()
    run.wait_for(lambda: read(out) == lines(0, 5500), "all lines")
    result = run.stop().ok()
    assert len(result.lines(FULL)) == 1, result.err
    assert len(result.lines("is well again")) == 1, result.err
    assert read(out) == lines(0, 5500)
    assert weir.run(ini).ok().books.read == 0


def unpacked(path):
    """None while it is being written."""
    try:
        return gzip.decompress(read(path))
    except (EOFError, OSError, zlib.error):
        return None


@pytest.mark.parametrize("crash", [False, True], ids=["stays", "kill-9"])
def test_full_disk_under_a_compressed_file(weir, disk, tmp_path, crash):
    source, out = tmp_path / "in", disk.seen / "out.gz"
    ini = pipeline(source, disk.path / "out.gz", "compress=gzip\n")
    noise = os.urandom(200000).hex().encode()
    text = b"".join(noise[i : i + 400] + b"\n" for i in range(0, len(noise), 400))
    append(source, text[:4010])
    run = weir.start(ini)
    run.wait_for(lambda: unpacked(out) == text[:4010], "the first lines")
    disk.fill(4096)
    append(source, text[4010:])
    run.wait_line(FULL)
    if crash:
        run.kill()
        run = weir.start(ini)
        run.wait_line(FULL)
    disk.empty()
    run.wait_for(lambda: unpacked(out) == text, "all lines")
    run.stop().ok()
    assert unpacked(out) == text


def test_full_disk_under_the_state(weir, disk, tmp_path):
    """Records flow on while positions stand; with room again they are stored, and nothing is read twice."""
    weir.state = disk.path / "state"
    source, out = tmp_path / "in", tmp_path / "out"
    ini = pipeline(source, out, "fsync=none\n")
    append(source, lines(0, 500))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 500), "the first lines")
    disk.fill()
    n = 500
    while "positions are not moved" not in run.err:  # until the pages that the log has already are used up
        append(source, lines(n, 100))
        n += 100
        run.wait_for(lambda: read(out) == lines(0, n), "lines go on")  # noqa: B023
    run.wait_line("cannot write the state file")
    disk.empty()
    run.wait_line("the state file can be written again")
    append(source, lines(n, 100))
    run.wait_for(lambda: read(out) == lines(0, n + 100), "the last lines")
    result = run.stop().ok(delivered=n + 100)
    assert len(result.lines("cannot write the state file")) == 1, result.err
    assert weir.run(ini).ok().books.read == 0
    assert read(out) == lines(0, n + 100)


@pytest.mark.parametrize("until_end", [False, True], ids=["follows", "until-end"])
def test_full_disk_under_the_name_of_a_lane(weir, disk, tmp_path, until_end):
    """Records of a file wait until the state has the name they carry: under another one they would be other records."""
    weir.state = disk.path / "state"
    ini = pipeline(f"{tmp_path}/in.*", tmp_path / "out", "fsync=none\n")
    append(tmp_path / "in.0", lines(0, 100))
    run = weir.start(ini)
    run.wait_for(lambda: read(tmp_path / "out") == lines(0, 100), "the first file")
    if until_end:
        run.stop()
        for i in range(1, 600):  # names that do not fit into what SQLite has room for
            append(tmp_path / f"in.{i:03}", lines(100 * i, 1))
        disk.fill(40960)  # the log and its index
        run = weir.start(ini, until_end=True)
    else:
        disk.fill()
        for i in range(1, 600):
            append(tmp_path / f"in.{i:03}", lines(100 * i, 1))
    run.wait_line("cannot write the state file")
    assert read(tmp_path / "out").count(b"\n") < 699
    disk.empty()
    until(lambda: read(tmp_path / "out").count(b"\n") == 699, "all files")
    result = (run.wait() if until_end else run.stop()).ok()
    assert len(result.lines("cannot write the state file")) == 1, result.err
    got = sorted(read(tmp_path / "out").splitlines())
    assert got == sorted(lines(0, 100).splitlines() + [lines(100 * i, 1)[:-1] for i in range(1, 600)])


@pytest.mark.parametrize("how", ["stays", "kill-9", "drain"])
def test_full_disk_under_the_state_of_a_new_file(weir, disk, tmp_path, how):
    """The sink has committed a file whose row can not be stored: it must be cut back if weir ends before it is."""
    weir.state = disk.path / "state"
    source = tmp_path / "in"
    ini = pipeline(source, f"{tmp_path}/out.{{.f}}")
    hurry = ini.replace("name=p", "name=p\ndrain=300ms") if how == "drain" else ini

    def put(f, first, n):
        append(source, b"".join(b'{"f":"%s","n":%d}\n' % (f, i) for i in range(first, first + n)))

    def got(f):
        return read(tmp_path / f"out.{f}").count(b"\n")

    put(b"a", 0, 100)
    run = weir.start(hurry)
    run.wait_for(lambda: got("a") == 100, "the first file")
    disk.fill()
    i = 0
    while "positions are not moved" not in run.err:  # until the pages that the log has already are used up
        put(b"f%d" % i, 0, 100)
        run.wait_for(lambda: got(f"f{i}") == 100 or "positions are not moved" in run.err, "the next file")
        i += 1
    put(b"z", 0, 100)
    if how == "kill-9":
        run.kill()
    elif how == "drain":
        assert run.stop().status == 1
    disk.empty()
    run = run if how == "stays" else weir.start(ini)
    run.wait_for(lambda: got("z") == 100, "the last file")
    result = run.stop().ok()
    assert len(result.lines("cannot write the state file")) == (how == "stays"), result.err
    assert [got(f"f{k}") for k in range(i)] == [100] * i and got("a") == 100 and got("z") == 100
    assert not list(tmp_path.glob(".out.*"))


def test_full_disk_under_state_and_sink_exactly_once(weir, disk, tmp_path):
    """Both on it, killed while it is full, started while it is full."""
    weir.state = disk.path / "state"
    source, out = tmp_path / "in", disk.seen / "out"
    ini = pipeline(source, disk.path / "out")
    append(source, lines(0, 500))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 500), "the first lines")
    disk.fill()
    append(source, lines(500, 5000))
    run.wait_line(FULL)
    run.kill()
    again = weir.start(ini)
    again.wait_for(lambda: FULL in again.err or "is full" in again.err or not again.alive(), "a word about the disk")
    if again.alive():
        again.kill()
    else:  # the state itself finds no room to begin: a clear end, and the next start finds all as it was
        again.wait().failed("state file")
    disk.empty()
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 5500), "all lines")
    run.stop().ok()
    assert read(out) == lines(0, 5500)
    assert weir.run(ini).ok().books.read == 0


@pytest.mark.parametrize("crash", [False, True], ids=["stays", "kill-9"])
def test_full_disk_under_the_dead_letters(weir, disk, tmp_path, crash):
    """Good lines wait for it no longer than the budget lasts; every bad one is there once."""
    source, out, dead = tmp_path / "in", tmp_path / "out", disk.seen / "dead"
    ini = pipeline(source, out, "when=.n >= 0\n") + (
        f"[dead-letter]\nplugin=file\npath={disk.path}/dead\nstop-after=0\nretry.initial=20ms\nretry.max=100ms\n")
    append(source, lines(0, 10) + b"bad\n")
    run = weir.start(ini)
    run.wait_for(lambda: read(dead) == b"bad\n", "the first dead letter")
    disk.fill()
    append(source, b"".join(lines(10 + i, 1) + b"bad %d\n" % i for i in range(2000)))
    run.wait_line(FULL)
    if crash:
        run.kill()
        run = weir.start(ini)
        run.wait_line(FULL)
    disk.empty()
    want = b"bad\n" + b"".join(b"bad %d\n" % i for i in range(2000))
    run.wait_for(lambda: len(read(dead)) >= len(want), "all dead letters")
    result = run.stop()
    result.ok(dead=result.books.dead)
    assert read(dead) == want
    assert read(out) == lines(0, 2010)


# ---- read-only, no permission -----------------------------------------------------------------------------------------


def test_read_only_disk_under_the_sink(weir, disk, tmp_path):
    append(tmp_path / "in", lines(0, 10))
    disk.read_only()
    weir.run(pipeline(tmp_path / "in", disk.path / "out")).failed(f"{disk.path}/out", "Read-only file system")


def test_read_only_disk_under_the_dead_letters(weir, disk, tmp_path):
    append(tmp_path / "in", b"bad\n")
    disk.read_only()
    ini = pipeline(tmp_path / "in", tmp_path / "out", "when=.n\n") + f"[dead-letter]\nplugin=file\npath={disk.path}/d\n"
    weir.run(ini).failed("[dead-letter]", f"{disk.path}/d", "Read-only file system")
    disk_less = ini.replace(f"{disk.path}/d", f"{tmp_path}/d")
    weir.run(disk_less).ok(0, dead=1)


@pytest.mark.parametrize("made", [False, True], ids=["no-folder", "folder"])
def test_read_only_disk_under_the_state(weir, disk, tmp_path, made):
    weir.state = disk.path / "state"
    append(tmp_path / "in", lines(0, 10))
    ini = pipeline(tmp_path / "in", tmp_path / "out")
    if made:
        weir.run(ini).ok(10)
    disk.read_only()
    weir.run(ini).failed("p: cannot ", str(weir.state), "Read-only file system", "--state-dir")


def plainly(weir):
    """root may do anything; without that ability it meets permissions like everybody."""
    if os.geteuid() == 0:
        plain = weir.command
        weir.command = lambda *args: ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *plain(*args)]


@pytest.mark.parametrize("where", ["state", "sink", "dead-letter"])
def test_no_permission(weir, tmp_path, where):
    plainly(weir)
    folder = tmp_path / "closed"
    folder.mkdir()
    append(tmp_path / "in", b"bad\n" if where == "dead-letter" else lines(0, 10))
    at = {w: folder / "x" if w == where else tmp_path / w for w in ("state", "sink", "dead-letter")}
    weir.state = at["state"]
    ini = pipeline(tmp_path / "in", at["sink"], "when=.n or true\n") + f"[dead-letter]\nplugin=file\npath={at['dead-letter']}\n"
    folder.chmod(0o555)
    weir.run(ini).failed(str(at[where]), "Permission denied")
    folder.chmod(0o755)
    result = weir.run(ini)
    result.ok(dead=result.books.dead)
    assert result.books.delivered + result.books.dead > 0


def test_state_file_without_permission(weir, tmp_path):
    plainly(weir)
    append(tmp_path / "in", lines(0, 10))
    ini = pipeline(tmp_path / "in", tmp_path / "out")
    weir.run(ini).ok(10)
    append(tmp_path / "in", lines(10, 10))
    for name in ("p.db", "p.lock"):
        (weir.state / name).chmod(0o444)
        weir.run(ini).failed(str(weir.state / name))
        (weir.state / name).chmod(0o644)
    assert read(tmp_path / "out") == lines(0, 10)
    weir.run(ini).ok(10)


# ---- the state file itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "replaced", "folder deleted"])
def test_state_taken_away_under_a_running_weir(weir, tmp_path, how):
    """Positions have nowhere to go any more: it stops at the next commit and says so."""
    source, out = tmp_path / "in", tmp_path / "out"
    ini = pipeline(source, out)
    append(source, lines(0, 10))
    run = weir.start(ini)
    run.wait_for(lambda: read(out) == lines(0, 10), "the first lines")
    kept = tmp_path / "kept"
    weir.state.rename(kept)
    if how != "folder deleted":
        weir.state.mkdir()
    if how == "replaced":
        sqlite3.connect(weir.state / "p.db").close()
        (weir.state / "p.db").touch()
    append(source, lines(10, 10))
    run.wait().failed(f"the state file {weir.state}/p.db was deleted or replaced")
    if weir.state.exists():
        for f in weir.state.iterdir():
            f.unlink()
        weir.state.rmdir()
    kept.rename(weir.state)  # put back, it goes on where it was
    weir.run(ini).ok()
    assert read(out) == lines(0, 20)


@pytest.mark.parametrize("what", ["newer", "text", "empty folder", "cut", "page"])
def test_state_that_can_not_be_used_is_left_alone(weir, tmp_path, what):
    append(tmp_path / "in", lines(0, 10))
    ini = pipeline(tmp_path / "in", tmp_path / "out")
    weir.run(ini).ok(10)
    db = weir.state / "p.db"
    if what == "newer":
        with sqlite3.connect(db) as c:
            c.execute("PRAGMA user_version = 99")
        c.close()
    elif what == "text":
        db.write_bytes(b"not a database, and longer than a header of one\n" * 100)
    elif what == "cut":
        db.write_bytes(db.read_bytes()[:-4096])
    elif what == "page":  # the tables' pages overwritten
        data = bytearray(db.read_bytes())
        data[4096:8192] = b"\xa5" * 4096
        db.write_bytes(data)
    else:
        db.unlink()
        db.mkdir()
    before = db.read_bytes() if db.is_file() else None
    append(tmp_path / "in", lines(10, 10))
    weir.run(ini).failed(str(db), "unable to open" if what == "empty folder" else "move it away")
    assert (db.read_bytes() if db.is_file() else None) == before
    assert read(tmp_path / "out") == lines(0, 10)
