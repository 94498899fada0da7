# SPDX-License-Identifier: BSD-2-Clause
"""isolate = process: a plugin that crashes, hangs, leaks or is killed is started again, and no record is missing."""
import os
import pathlib
import random
import signal
import time
from collections import Counter

import pytest

import test_pairs
from lib.record import Record
from lib.wait import until
from test_surroundings_plugins import pytestmark, rogue  # noqa: F401  (the fixture that builds it)

LINES = 20000


@pytest.fixture
def job(weir, rogue, tmp_path):  # noqa: F811
    weir.env["WEIR_PLUGIN_PATH"] = f"{rogue}:{weir.env['WEIR_PLUGIN_PATH']}"
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):  # the crashes are the rogue's: weir tells of them, no sanitizer
        weir.env[name] = ":".join(filter(None, [weir.env.get(name), "handle_segv=0:handle_abort=0"]))
    return Job(weir, tmp_path)


def process_of(run):
    """The process of the plugin, or None while there is none."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[1] == str(run.pid) and fields[0] != "Z":
            return int(stat.parent.name)
    return None


class Job:
    """A file into a file; what is isolated writes, or passes on, each of its lines."""

    def __init__(self, weir, folder):
        self.weir, self.folder, self.n = weir, folder, 0
        self.input, self.output = folder / "in", folder / "out"

    def feed(self, n=LINES):
        with open(self.input, "ab") as f:
            f.write(b"".join(b"%d\n" % i for i in range(self.n, self.n + n)))
        self.n += n

    def text(self, sink, more="", pipeline=""):
        return self.whole(pipeline, f"plugin=file\npath={self.input}", "",
                          f"{sink}\npath={self.output}\nisolate=process\n{more}")

    def through(self, more="", pipeline=""):
        """The rogue in the middle: what it is given it passes on."""
        return self.whole(pipeline, f"plugin=file\npath={self.input}",
                          f"[transform x]\nplugin=rogue\nisolate=process\n{more}\n", f"plugin=file\npath={self.output}\n")

    def from_source(self, source, more="", pipeline=""):
        return self.whole(pipeline, f"{source}\nisolate=process\n{more}", "", f"plugin=file\npath={self.output}\n")

    @staticmethod
    def whole(pipeline, source, middle, sink):
        return f"[pipeline]\nname=p\ncommit=50ms\n{pipeline}\n[source]\n{source}\n{middle}[sink s]\n{sink}"

    def seen(self):
        return Counter(self.output.read_bytes().split()) if self.output.exists() else Counter()

    def all_there(self, duplicates=False):
        """Compares record by record what was fed with what arrived."""
        seen = self.seen()
        missing = [i for i in range(self.n) if b"%d" % i not in seen]
        assert not missing, f"{len(missing)} missing: {missing[:10]}"
        assert duplicates or max(seen.values()) == 1, f"{sum(seen.values()) - self.n} came twice"
        assert len(seen) == self.n, "something that nobody sent"


ROGUE = "plugin=rogue"


def kill_again_and_again(job, run):
    """kill -9 of the plugin's process while records flow, and while it starts."""
    kills = 0
    for _ in range(12):
        job.feed(LINES // 4)
        pid = run.wait_for(lambda: process_of(run), "a process of the plugin")
        time.sleep(random.uniform(0, 0.1))
        try:
            os.kill(pid, signal.SIGKILL)
            kills += 1
        except ProcessLookupError:
            pass
    run.wait_for(lambda: len(job.seen()) == job.n, "all lines")
    result = run.stop()
    assert kills > 5 and len(result.lines("its process was ended by signal 9")) > 0
    assert result.ok(delivered=job.n)


@pytest.mark.parametrize("sink, duplicates", [("plugin=file", False), (ROGUE, True)])
def test_a_sink_killed_at_any_time(job, sink, duplicates):
    """The file sink repeats nothing, as after a crash of weir; the rogue wrote a batch and was killed before it said so."""
    kill_again_and_again(job, job.weir.start(job.text(sink)))
    job.all_there(duplicates)


def test_a_transform_killed_at_any_time(job):
    """What it did counts when all of it is there: nothing is repeated."""
    kill_again_and_again(job, job.weir.start(job.through()))
    job.all_there()


def test_a_source_killed_at_any_time(job):
    """What it read is in weir's hands: its lanes begin behind that, and nothing is repeated."""
    kill_again_and_again(job, job.weir.start(job.from_source(f"plugin=file\npath={job.input}")))
    job.all_there()


def test_all_of_them_killed_at_any_time(job):
    text = job.whole("", f"plugin=file\npath={job.input}\nisolate=process",
                     "[transform x]\nplugin=rogue\nisolate=process\n",
                     f"plugin=file\npath={job.output}\nisolate=process\n")
    kill_again_and_again(job, job.weir.start(text))
    job.all_there()


@pytest.mark.parametrize("does, callback", [
    ("crash", "poll"), ("hang", "poll"), ("crash", "committed"), ("abort", "open")])
def test_a_source_in_trouble(job, does, callback):
    """Each process of it gets on by two polls, or not at all; weir lives, and no number is missing or twice."""
    job.n = 1000
    after = 2 if callback == "poll" else 0
    source = f"plugin=rogue\ncount=1000\nat-once={100 if does == 'crash' else 400}\ndoes={does}\nin={callback}\nafter={after}"
    run = job.weir.start(job.from_source(source, pipeline="stuck.after=1s"))
    if callback == "open":
        run.wait_line("its process was ended by signal 6")
        run.stop()
        return
    run.wait_for(lambda: len(job.seen()) == job.n, "all lines")
    run.stop().ok(delivered=1000)
    job.all_there()
    assert run.err.count("its process was ended") >= (4 if (does, callback) == ("crash", "poll") else 1)


def test_a_lane_that_can_not_be_committed_holds_up_no_other(job):
    """The process ended: that lane is lost, which ends weir where a sink has its records; it does not wait for ever."""
    run = job.weir.start(job.from_source("plugin=rogue\ncount=100\nin=position"))
    run.wait_for(lambda: sum(job.seen().values()) == 200, "both lanes")
    os.kill(process_of(run), signal.SIGKILL)
    run.wait()
    assert "and nothing is there twice" in run.err


@pytest.mark.parametrize("does", ["crash", "abort", "recurse", "thread"])
def test_a_crash_ends_the_plugin_and_not_weir(job, does):
    """Each process of it writes ten batches and crashes in the eleventh."""
    job.feed()
    run = job.weir.run(job.text(ROGUE, f"does={does}\nin=write\nafter=10\nbatch.records=500"))
    job.all_there(duplicates=True)
    run.ok(delivered=LINES)
    name = "SIGABRT" if does == "abort" else "SIGSEGV"
    assert run.lines(f"signal {name}") and run.lines("is well again")


@pytest.mark.parametrize("does", ["crash", "hang"])
def test_a_transform_in_trouble(job, does):
    """Each process of it does two chunks and no third."""
    job.feed(LINES if does == "crash" else LINES // 4)
    run = job.weir.run(job.through(f"does={does}\nin=process\nafter=2", "stuck.after=1s"))
    run.ok(delivered=job.n)
    job.all_there()
    assert run.lines("signal SIGSEGV" if does == "crash" else "ended because a callback did not come back")


def test_a_hang_ends_the_plugin_and_not_weir(job):
    """The limit is that of stuck.after."""
    job.feed(2000)
    run = job.weir.run(job.text(ROGUE, "does=hang\nin=write\nafter=2\nbatch.records=500", "stuck.after=1s"))
    run.ok(delivered=2000)
    assert run.lines("ended because a callback did not come back")
    job.all_there(duplicates=True)


def test_a_hang_with_much_to_write(job):
    """More waits for the plugin than the line has room for: it is found out all the same, and by its name."""
    job.input.write_bytes(b"".join(b"%0999d\n" % i for i in range(1500)))
    run = job.weir.run(job.text(ROGUE, "does=hang\nin=write\nafter=2\nbatch.bytes=300K\nin-flight=4",
                                "stuck.after=1s\norder=none"))
    run.ok(delivered=1500)
    assert run.lines("ended because a callback did not come back") and not run.lines("signal 9")


def test_slow_is_not_hung(job):
    """Each callback comes back in time, a second of the five it has, though all of them together take longer."""
    job.feed(8)
    run = job.weir.run(job.text(ROGUE, "does=slow\nin=write\nbatch.records=1\nin-flight=8", "stuck.after=4s\norder=none"))
    assert not run.ok(delivered=8).lines("its process was")


def test_what_the_plugin_started_does_not_hold_the_line(job):
    """A program that outlives the plugin's process, by more than a callback may take: its end is seen before that."""
    job.feed(1000)
    run = job.weir.run(job.text(ROGUE, "does=spawn\nin=write\nafter=1\nbatch.records=500", "stuck.after=10s"))
    assert run.ok(delivered=1000).lines("its process was ended by signal 11")


def test_a_sink_that_holds_until_flush(job):
    """It takes one batch, and answers when it hears that no more comes."""
    job.feed(2000)
    job.weir.run(job.text(ROGUE, "does=hold\nin=write\nbatch.records=500\nin-flight=4", "order=none")).ok(delivered=2000)


def test_a_section_that_is_right_no_more(job):
    """What a new process can not read again stops the pipeline, with the reason."""
    job.feed(10)
    poison = job.folder / "poison"
    poison.write_text("x")
    run = job.weir.start(job.text(ROGUE, f"poison=${{file:{poison}}}"))
    run.wait_for(lambda: len(job.seen()) == 10, "the lines")
    poison.unlink()
    os.kill(process_of(run), signal.SIGKILL)
    run.wait()
    assert "No such file or directory\n" in run.err and "SIGSEGV" not in run.err, run.err


def test_a_leak_ends_the_plugin_and_not_weir(job):
    job.feed(2000)
    run = job.weir.start(job.text(ROGUE, "does=leak\nin=write\nisolate.memory=400M"))
    run.wait_line("more than its 400M")
    run.wait_for(lambda: len(job.seen()) == job.n, "all lines")
    run.stop().ok(delivered=2000)
    job.all_there(duplicates=True)


@pytest.mark.parametrize("kind", ["sink", "transform"])
def test_a_record_that_kills_the_plugin_is_a_dead_letter(job, kind):
    """It is found among thousands of others, which are delivered."""
    job.feed(3000)
    dead = f"[dead-letter]\nplugin=file\nformat=record\npath={job.folder}/dead\nisolate=process\n"
    text = job.through("poison=1234") if kind == "transform" else job.text(
        ROGUE, "poison=1234\nretry.initial=1ms\nretry.max=2ms\n")
    run = job.weir.run(text + dead)
    run.ok(delivered=2999, dead=1)
    assert job.seen()[b"1234"] == 0 and len(job.seen()) == 2999
    assert "plugin_crash" in (job.folder / "dead").read_text()


def test_transforms_do_the_same_there(job):
    """Edits, rejects, what is dropped: the same output and the same dead letters as without."""
    lines = [b'{"a":%d,"s":"x%d"}' % (i % 3, i) for i in range(3000)] + [b"no json"]
    job.input.write_bytes(b"\n".join(lines) + b"\n")
    job.n = len(lines)
    middle = ("[transform one]\nplugin=filter\nwhen=.a != 0\nWHERE\n"
              "[transform two]\nplugin=case\nto=upper\nfield=.s\nWHERE\n")
    outputs = []
    for where in ("isolate=none", "isolate=process"):
        out, dead = job.folder / f"out-{where}", job.folder / f"dead-{where}"
        text = job.whole(f"name=p-{where[8:]}", f"plugin=file\npath={job.input}", middle.replace("WHERE", where),
                         f"plugin=file\npath={out}\n[dead-letter]\nplugin=file\npath={dead}\n").replace("name=p\n", "")
        job.weir.run(text).ok(delivered=2000, dead=1, dropped=1000)
        outputs.append((out.read_bytes(), dead.read_bytes()))
    assert outputs[0] == outputs[1] and len(outputs[0][0].splitlines()) == 2000


def test_a_hang_does_not_keep_weir_from_ending(job):
    """The source's process is interrupted, then ended; nothing of it is on its way."""
    job.n = 1000
    run = job.weir.start(job.from_source("plugin=rogue\ncount=1000\nat-once=500\ndoes=hang\nin=poll\nafter=1"))
    run.wait_for(lambda: sum(job.seen().values()) == 500, "the first poll")
    run.signal(signal.SIGTERM)
    run.wait(40).ok(delivered=500)  # a callback that hangs would have sixty


def test_no_orphan_and_no_zombie(job):
    """weir killed: its plugin's process ends, though the plugin hangs."""
    job.feed(10)
    run = job.weir.start(job.text(ROGUE, "does=hang\nin=write"))
    pid = run.wait_for(lambda: process_of(run), "a process of the plugin")
    run.wait_for(lambda: "pause" in pathlib.Path(f"/proc/{pid}/syscall").read_text()
                 or pathlib.Path(f"/proc/{pid}/syscall").read_text().startswith("34 "), "a callback that hangs")
    run.process.kill()
    run.process.wait()
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the plugin's process ends", 10)


KAFKA = "plugin=kafka\nbrokers=127.0.0.1:1\n"


@pytest.mark.parametrize("source, middle, sink, text", [
    ("plugin=std", "", "plugin=file\npath=/o\nisolate.memory=64M", "isolate.memory says nothing without isolate = process"),
    ("plugin=std\nisolate=process", "", "plugin=file\npath=/o", "a source that can not be read again"),
    ("plugin=std", "[transform m]\nplugin=multiline\nstart=.a == 1\nisolate=process\n", "plugin=file\npath=/o",
     "does not go with a transform that holds records"),
    (f"{KAFKA}topics=a\ngroup=g", "", f"{KAFKA}topic=b\ndelivery=exactly-once\nisolate=process",
     "does not go with a sink that is exactly once by a transaction"),
    (f"{KAFKA}topics=a\ngroup=g\nisolate=process", "", f"{KAFKA}topic=b\ndelivery=exactly-once",
     "does not go with [sink s]: its transaction takes the source's positions with it"),
])
def test_what_can_not_be_right_is_refused(job, source, middle, sink, text):
    result = job.weir.run(job.whole("", source, middle, sink))
    assert result.status == 2 and text in result.err, result.err


# ---- our own plugins ----

@pytest.fixture
def isolated(monkeypatch):
    """The pairs with both ends in processes of their own, but for a source that can not be."""
    def move(weir, source, sink, stdin=b"", more=""):
        alone = "" if source.startswith("plugin=std") else "isolate=process"
        return weir.run(f"[source]\n{source}\n{alone}\n[sink]\n{sink}\nisolate=process\n{more}\n", stdin=stdin)
    monkeypatch.setattr(test_pairs, "move", move)


@pytest.mark.parametrize("a, b", [("kafka", "kafka"), ("file", "std"), ("std", "file")])
def test_any_record_between_processes(isolated, weir, request, name, tmp_path, a, b):
    test_pairs.test_any_record(weir, request, name, tmp_path, a, b)


def test_documents_into_and_out_of_an_index(isolated, weir, search, name, tmp_path):
    """The source with a sort, so that it can be read again."""
    lines = b"".join(b'{"n":%d}\n' % i for i in range(500))
    (tmp_path / "in").write_bytes(lines)
    index = f"plugin=elasticsearch\nurl={search.url}\nindex={name}"
    search.create(name, {"mappings": {"properties": {"n": {"type": "long"}}}})
    test_pairs.move(weir, f"plugin=file\npath={tmp_path}/in", f"{index}\npayload=json").ok(500)
    search.refresh(name)
    test_pairs.move(weir, f"{index}\nsort=n\nbatch=50",
                    f"plugin=file\npath={tmp_path}/back").ok(500)
    assert (tmp_path / "back").read_bytes() == lines


def test_a_kafka_source_killed(weir, kafka, name, tmp_path):
    """The next process is the same member of its group."""
    kafka.produce(kafka.create(f"{name}-in", 2), [Record(b"%d" % i) for i in range(1000)])
    out = tmp_path / "out"
    run = weir.start(f"[pipeline]\ncommit=50ms\n[source]\n{test_pairs.Kafka(kafka, name).source()}\nisolate=process\n"
                     f"[sink]\nplugin=file\npath={out}\n")
    run.wait_for(lambda: out.exists() and len(out.read_bytes().split()) == 1000, "the first half")
    os.kill(process_of(run), signal.SIGKILL)
    kafka.produce(f"{name}-in", [Record(b"%d" % i) for i in range(1000, 2000)], partition=1)
    run.wait_for(lambda: len(out.read_bytes().split()) >= 2000, "the second half")
    assert run.stop().ok(delivered=2000).lines("its process was ended by signal 9")
    assert Counter(out.read_bytes().split()) == Counter(b"%d" % i for i in range(2000))
