# SPDX-License-Identifier: BSD-2-Clause
"""A small disk of one's own: a tmpfs in a mount namespace that weir runs in, so that it can be full or read-only.

Works as root and, where the kernel lets users have namespaces, without privileges; else the test is skipped."""
import os
import pathlib
import subprocess

import pytest

PRIVILEGED = ["unshare", "-m"]
OWN_USER = ["unshare", "-r", "-m"]
HOLD = 'mount -t tmpfs -o "size=$2,mode=755" weir-test "$1" && echo ready && exec cat'


class Disk:
    """Mounted at `path` for those who are inside(); seen from outside at `seen`."""

    def __init__(self, path, size):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        self.holder, self.enter = None, None
        why = ""
        for how in [PRIVILEGED, OWN_USER] if os.geteuid() == 0 else [OWN_USER]:
            holder = subprocess.Popen([*how, "sh", "-c", HOLD, "sh", self.path, str(size)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if holder.stdout.readline() == "ready\n":
                self.holder = holder
                user = ["-U", "--preserve-credentials"] if how == OWN_USER else []
                self.enter = ["nsenter", "-t", str(holder.pid), "-m", *user, "--"]
                break
            why = holder.communicate()[1].strip()
        if not self.holder:
            pytest.skip(f"no tmpfs can be mounted here: {why}")
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{self.path}")
        self.ballast = self.seen / "ballast"

    def inside(self, weir):
        """Has everything this test's weir runs see the disk."""
        plain = weir.command
        weir.command = lambda *args: [*self.enter, *plain(*args)]

    def fill(self, leave=0):
        """Until nothing more goes in but `leave` bytes, in whole pages of 4096."""
        with open(self.ballast, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError:
                f.truncate(max(0, f.tell() // 4096 * 4096 - leave))

    def empty(self):
        self.ballast.unlink()

    def read_only(self):
        subprocess.run([*self.enter, "mount", "-o", "remount,ro", self.path], check=True)

    def end(self):
        if self.holder:
            self.holder.communicate()
