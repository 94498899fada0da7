# SPDX-License-Identifier: BSD-2-Clause
"""A log directory in the hands of a rotating writer, between kills of weir: every line exactly once.

Each seed is one story: lines in pieces, renames with the writer still at work in the old file, copies and cuts, deleted
files whose inode comes again, while weir runs, stands, or was killed."""
import collections
import os
import random
import signal

import pytest

pytestmark = pytest.mark.pipeline


class Log:
    """The writer of app.log; every line it wrote is in `sent`."""

    def __init__(self, folder, rng):
        self.path, self.rng = folder / "app.log", rng
        self.sent, self.rotated, self.old = [], 0, None
        self.file = self.open()
        self.begun = b""  # of a line that is not finished

    def open(self):
        return open(self.path, "ab", buffering=0)

    def line(self):
        n = len(self.sent)
        text = b'{"n":%d,"pad":"%s"}\n' % (n, b"abcdefgh" * self.rng.randint(1, 40))
        self.sent.append(text)
        return text

    def finish(self):
        if self.begun:
            (self.old or self.file).write(self.begun)
        if self.old:
            self.old.close()
        self.begun, self.old = b"", None

    def write(self):
        """Some lines, the last of them perhaps in part."""
        self.finish()
        for _ in range(self.rng.randint(1, 300)):
            self.file.write(self.line())
        if self.rng.random() < 0.5:
            text = self.line()
            at = self.rng.randint(1, len(text) - 1)
            self.file.write(text[:at])
            self.begun = text[at:]

    def aside(self):
        self.rotated += 1
        return self.path.with_name(f"app.log.{self.rotated}")

    def rename(self):
        """The line that was begun is finished in the old file, later, when there may be a new one."""
        if self.old:
            self.finish()
        self.path.rename(self.aside())
        self.old = self.file
        self.file = self.open()

    def copy_and_cut(self):
        self.finish()
        self.aside().write_bytes(self.path.read_bytes())
        self.file.truncate(0)

    def delete_and_begin_anew(self):
        """Only what was read and committed; the inode is likely to come again at once."""
        self.finish()
        for path in self.path.parent.iterdir():
            path.unlink()
        self.file.close()
        self.file = self.open()


class Story:
    def __init__(self, weir, folder, seed):
        self.rng, self.weir, self.run = random.Random(seed), weir, None
        logs = folder / "logs"
        logs.mkdir()
        self.log, self.out = Log(logs, self.rng), folder / "out"
        self.ini = weir.ini(f"[pipeline]\nname=p\ncommit=20ms\n[source]\nplugin=file\npath={logs}/app.log*\nrotate-wait=5s\n"
                            f"[sink]\nplugin=file\npath={self.out}")

    def arrived(self):
        return self.out.read_bytes().count(b"\n") if self.out.exists() else 0

    def start(self):
        if not self.run:
            self.before = self.arrived()
            self.run = self.weir.start(self.ini)

    def copy_and_cut(self):
        """A copy that weir meets when it first looks is a file like any other; so weir stands still meanwhile, unless
        something has come already.  One that it meets later is left alone for rotate-wait."""
        looking = self.run and self.arrived() == self.before
        if looking:
            self.run.signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.run.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.log.copy_and_cut()
        if looking:
            self.run.signal(signal.SIGCONT)

    def kill(self):
        """At once, or when something has come."""
        if self.run and self.rng.random() < 0.7:
            mark = min(len(self.log.sent) - 1, self.arrived() + self.rng.randint(0, 300))
            self.run.wait_for(lambda: self.arrived() >= mark, f"{mark} lines")
        if self.run:
            self.run.kill()
        self.run = None

    def settle(self):
        """All that was written is read and committed, and weir has ended."""
        self.log.finish()
        if self.run:
            assert self.run.stop().status in (0, -signal.SIGTERM)  # it may have begun just now
        self.run = None
        self.weir.run(self.ini).ok()

    def check(self):
        got = collections.Counter(self.out.read_bytes().splitlines(True) if self.out.exists() else [])
        sent = collections.Counter(self.log.sent)
        assert max(sent.values(), default=1) == 1
        missing, more = sent - got, got - sent
        assert not missing and not more, f"missing {len(missing)}: {list(missing)[:2]}; too many {len(more)}: {list(more)[:2]}"

    def step(self):
        what = self.rng.choices(
            [self.log.write, self.log.rename, self.copy_and_cut, self.start, self.kill, self.anew], [8, 3, 2, 5, 3, 1])[0]
        what()
        return what.__name__

    def anew(self):
        self.settle()
        self.check()
        self.log.delete_and_begin_anew()


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_log_that_rotates_between_kills(weir, tmp_path, seed):
    story = Story(weir, tmp_path, seed)
    story.log.write()
    steps = []
    for _ in range(30):
        steps.append(story.step())
    story.settle()
    print(" ".join(steps))  # shown when it fails
    story.check()
    assert os.path.getsize(story.out) == sum(map(len, story.log.sent))
