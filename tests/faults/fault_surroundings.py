# SPDX-License-Identifier: BSD-2-Clause
"""Faults of what weir runs on: a full disk, no descriptors left, a clock that jumps.  weir stays up and goes on by itself.

The single cases, each with what weir must say, are in tests/e2e/test_surroundings_*.py."""
import glob
import os
import pathlib
import resource
import time

from fault import Fault, fault
from lib.disk import Disk

SPARE = 4096


def mended(run):
    """From now on all is well; the next fault in a mix counts from here too."""
    run.begun = time.monotonic()
    run.recovered(run.begun)


@fault
class Full(Fault):
    """The disk under a file sink, or under the state, or both, has no room (or a page or two of it) for a while."""

    name = "full"
    needs = {"weir", "sink-file"}
    gap = (0.1, 1.0)

    def prepare(self, run):
        self.disks = [Disk(run.folder / "sink-disk", "64M")]
        run.out = self.disks[0].seen / "out"  # through /proc it is there for weir and for the bench
        if "group" in run.lane.parts:  # else the bench reads the state, and SQLite does not go through /proc
            self.disks.append(Disk(run.folder / "state-disk", "64M"))
            self.disks[1].inside(run.weir)
            run.weir.state = self.disks[1].path / "state"
        run.options["sink"] |= {"retry.initial": "20ms", "retry.max": "200ms"}

    def draw(self, rng):
        return {"which": rng.choice([[0], [1], [0, 1]]), "leave": rng.choice([0, 1, 2]), "after": rng.uniform(0.2, 2)}

    def strike(self, run, which, leave, after):
        for disk in [d for i, d in enumerate(self.disks) if i in which] or self.disks:
            disk.fill(leave * SPARE)
        run.pause(after)
        self.heal(run)
        mended(run)

    def heal(self, run):
        for disk in self.disks:
            if disk.ballast.exists():
                disk.empty()

    def finish(self, run):
        for disk in self.disks:
            disk.end()


@fault
class Descriptors(Fault):
    """Not one more descriptor than are open now, for a while: whatever has to be opened has to wait."""

    name = "descriptors"
    gap = (0.2, 1.0)

    def draw(self, rng):
        return {"more": rng.choice([0, 0, 1, 3]), "after": rng.uniform(0.2, 2)}

    def strike(self, run, more, after):
        run.recovered(run.begun, counts=False)
        pid = run.running.pid
        highest = max(int(fd.name) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir())
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + more, before[1]))
        run.pause(after)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        mended(run)


@fault
class Clock(Fault):
    """The wall clock jumps by up to a year, while weir runs and over a restart; the monotonic one does not."""

    name = "clock"
    gap = (0.1, 1.0)

    def prepare(self, run):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert found, "there is no libfaketime: package faketime"
        self.offset = run.folder / "clock"
        self.offset.write_text("+0")
        run.weir.env.update(LD_PRELOAD=found[0], FAKETIME_TIMESTAMP_FILE=str(self.offset), FAKETIME_NO_CACHE="1",
                            FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")

    def draw(self, rng):
        return {"by": int(rng.choice([-1, 1]) * 10 ** rng.uniform(0, 7.5)), "restart": rng.random() < 0.3}

    def strike(self, run, by, restart):
        self.offset.with_suffix(".new").write_text(f"{by:+d}")
        os.replace(self.offset.with_suffix(".new"), self.offset)  # never half a number
        if restart:
            run.kill()
            run.start()
        mended(run)
