# SPDX-License-Identifier: BSD-2-Clause
"""A plugin that crashes, hangs, never completes, completes twice or too late, or answers nonsense: what it did is said
with its name, nothing that it did not take is acknowledged, and weir ends in time."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from lib.wait import until

CODE = pathlib.Path(__file__).resolve().parents[1] / "bad-plugins" / "rogue.c"
LINES = 100

pytestmark = pytest.mark.skipif(not shutil.which(os.environ.get("CC", "gcc").split()[0]), reason="needs a compiler")


@pytest.fixture(scope="session")
def rogue(tmp_path_factory):
    """The folder of the plugin; built without sanitizers, as somebody else's plugin would be."""
    folder = tmp_path_factory.mktemp("plugins", numbered=True)
    folder.chmod(0o755)
    target = folder / "rogue.so"
    subprocess.run([os.environ.get("CC", "gcc").split()[0], "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-I{CODE.parents[2]}/plugin-api", "-o", target, CODE], check=True)
    target.chmod(0o755)
    return folder


@pytest.fixture
def job(weir, rogue, tmp_path):
    weir.env["WEIR_PLUGIN_PATH"] = f"{rogue}:{weir.env['WEIR_PLUGIN_PATH']}"
    (tmp_path / "in").write_bytes(b"".join(b"%d\n" % i for i in range(LINES)))
    return Job(weir, tmp_path)


class Job:
    """A file into a file, with the rogue in one of the three places."""

    def __init__(self, weir, folder):
        self.weir, self.folder = weir, folder

    def text(self, kind, does, callback, after=0):
        bad = f"plugin=rogue\ndoes={does}\nin={callback}\nafter={after}\n"
        source = bad if kind == "source" else f"plugin=file\npath={self.folder}/in\n"
        sink = bad if kind == "sink" else f"plugin=file\npath={self.folder}/out\n"
        middle = f"[transform x]\n{bad}" if kind == "transform" else ""
        return f"[pipeline]\nname=p\ndrain=500ms\ncommit=50ms\n[source]\n{source}{middle}[sink s]\n{sink}"

    def start(self, *args, until_end=False, **kw):
        return self.weir.start(self.text(*args, **kw), until_end=until_end)

    def mended(self):
        """The same pipeline, the plugin behaving: what its predecessor left undone."""
        return self.weir.run(self.text("sink", "nothing", "write")).ok()


def ended(run, timeout=60):
    """The exit status, whatever it is; sanitizers' reports of the crash are the point of the test."""
    return run.process.wait(timeout)


@pytest.mark.parametrize("kind, callback", [
    ("source", "poll"), ("transform", "process"), ("sink", "write"), ("sink", "create"), ("sink", "open"),
    ("source", "committed"), ("sink", "close"), ("sink", "destroy")])
def test_a_crash_names_plugin_and_callback(job, kind, callback):
    run = job.start(kind, "crash", callback, until_end=True)
    assert ended(run) != 0
    section = {"transform": "transform x", "sink": "sink s"}.get(kind, kind)
    assert f"weir: crashed inside plugin rogue, callback {callback}: p [{section}], signal SIGSEGV\n" in run.err
    assert run.err.count("weir: crashed") == 1


@pytest.mark.parametrize("does, name", [("abort", "SIGABRT"), ("recurse", "SIGSEGV")])
def test_other_crashes_are_told_too(job, does, name):
    """A failed assertion; a plugin that calls itself until there is no stack."""
    run = job.start("sink", does, "write", until_end=True)
    assert ended(run) != 0
    assert f"weir: crashed inside plugin rogue, callback write: p [sink s], signal {name}\n" in run.err


def test_a_crash_in_a_thread_of_the_plugins_own(job):
    run = job.start("sink", "thread", "write", until_end=True)
    assert ended(run) != 0
    assert 'weir: crashed outside of any plugin\'s callback, in thread "weir worker", signal SIGSEGV\n' in run.err


def test_a_crash_acknowledges_nothing(job):
    """What came before the crash may be committed, what comes behind it is read again: 100 lines, none missing."""
    run = job.start("sink", "crash", "write")
    assert ended(run) != 0
    assert job.mended().books.delivered == LINES


@pytest.mark.parametrize("kind, callback", [
    ("source", "poll"), ("transform", "process"), ("sink", "write"), ("sink", "open"), ("source", "open")])
def test_a_hang_ends_with_the_drain(job, kind, callback):
    run = job.start(kind, "hang", callback)
    waits_in(run, kind)
    began = time.monotonic()
    run.signal(signal.SIGTERM)
    result = run.wait().failed(f"has not come back from {callback} for ", "a fault of the plugin rogue")
    assert 0.4 < time.monotonic() - began < 20  # drain, a second, and what a busy machine adds; drain by itself is 30 s
    assert len(result.lines("has not come back")) == 1
    if kind == "sink":
        assert job.mended().books.delivered == LINES


def waits_in(run, kind):
    """The thread of that part stands in pause(2)."""
    def syscall(task):
        try:
            return (task / "syscall").read_text()
        except OSError:  # that thread has ended
            return ""

    def stands():
        return any("pause" in call or call.startswith("34 ")
                   for call in map(syscall, pathlib.Path(f"/proc/{run.pid}/task").glob("*")))
    run.wait_for(stands, "a callback that hangs")


def test_a_redrive_that_hangs_ends_too(job):
    """A signal, then the time of a drain: as a run ends."""
    dead = f"[dead-letter]\nplugin=file\nformat=record\npath={job.folder}/dead\n"
    odd = "[transform odd]\nplugin=filter\nwhen=startswith(\"x\")\n"  # an error for numbers
    text = job.text("sink", "nothing", "write").replace("[sink s]", f"{odd}[sink s]")
    assert job.weir.run(text + dead).books.dead == LINES
    ini = job.weir.ini(job.text("sink", "hang", "write") + dead)
    run = job.weir.start_call("dlq", "redrive", "--state-dir", job.weir.state, ini)
    waits_in(run, "sink")
    run.signal(signal.SIGTERM)
    result = run.wait().failed("has not come back from write for ", "a fault of the plugin rogue")
    assert result.books.undelivered == LINES
    ini = job.weir.ini((job.text("sink", "hang", "write") + dead).replace("drain=500ms", "drain=1h"))
    run = job.weir.start_call("dlq", "redrive", "--state-dir", job.weir.state, ini)
    waits_in(run, "sink")
    run.signal(signal.SIGTERM)
    run.wait_line("stopping")
    until(lambda: run.signal(signal.SIGTERM) or not run.alive(), "it ends")  # at first it passes for an echo
    assert run.wait().failed("a second signal: ends at once").books.undelivered == LINES
    ini = job.weir.ini(job.text("sink", "nothing", "write") + dead)
    assert job.weir.call("dlq", "redrive", "--state-dir", job.weir.state, ini).ok().books.delivered == LINES


def test_a_hang_in_close_is_waited_for_fifteen_seconds(job):
    """The contract gives close ten."""
    run = job.start("sink", "hang", "close", until_end=True)
    said = re.search(r"has not come back from close for ([\d.]+) s", run.wait().failed().err)
    assert said and 15 <= float(said[1]) < 30, run.err


def test_a_hanging_pipeline_does_not_stop_the_other(job, tmp_path):
    """One hangs at its failure; the other goes on, and its last records are delivered before weir ends."""
    (tmp_path / "b-in").write_bytes(b"1\n")
    one = job.weir.ini(job.text("sink", "hang", "write"), "a")
    two = job.weir.ini(f"[source]\nplugin=file\npath={tmp_path}/b-in\n[sink]\nplugin=file\npath={tmp_path}/b-out", "b")
    run = job.weir.start([one, two])
    waits_in(run, "sink")
    run.wait_for(lambda: (tmp_path / "b-out").exists(), "the other's first line")
    result = run.stop(30).failed("p [sink s]: has not come back from write")
    assert result.all_books["b"].undelivered == 0
    assert (tmp_path / "b-out").read_bytes() == b"1\n"


def test_never_completed_is_undelivered(job):
    run = job.start("sink", "never", "write")
    run.wait_line("keeps a batch for itself")
    result = run.stop().failed("100 records were not delivered within drain = 0.5s")
    assert result.books.undelivered == LINES
    assert job.mended().books.delivered == LINES


def test_completed_twice_stops(job):
    job.start("sink", "twice", "write").wait().failed(
        "[sink s] the plugin completed a batch that it does not hold: a fault of the plugin")


def test_completed_after_close_is_read_again(job):
    """The last commit was over by then, so the run did not end well, whatever the books say by now."""
    run = job.start("sink", "late", "write")
    run.wait_line("keeps a batch for itself")
    run.stop().failed("100 records were not delivered within drain = 0.5s")
    assert job.mended().books.delivered == LINES


@pytest.mark.parametrize("kind, does, callback, text", [
    ("source", "nonsense", "poll", "[source] poll returned 77, which means nothing: a fault of the plugin"),
    ("source", "nonsense", "open", "[source] can not be opened: the plugin gave no reason"),
    ("transform", "nonsense", "process", "[transform x] the plugin gave no reason"),
    ("transform", "more", "process", "[transform x] "),
    ("sink", "nonsense", "open", "[sink s] can not be opened"),
    ("sink", "nonsense", "create", "[sink s] can not be opened"),
    ("sink", "nonsense", "write", "[sink s] the plugin gave no reason"),
    ("sink", "foreign", "write", "[sink s] the plugin answered for a record that its batch does not hold"),
    ("sink", "more", "write", "[sink s] the plugin gave more results than its batch has records"),
])
def test_nonsense_stops_and_acknowledges_nothing(job, kind, does, callback, text):
    job.start(kind, does, callback).wait().failed(text)
    if kind == "sink":
        assert job.mended().books.delivered == LINES
