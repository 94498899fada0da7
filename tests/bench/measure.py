# SPDX-License-Identifier: BSD-2-Clause
"""One program, run once and counted: CPU, wall time, peak memory, context switches, instructions.  See measure.c."""
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path


class BenchError(Exception):
    """The benchmark can not go on, or a program lost or changed something."""


@dataclass
class Cost:
    user: float  # seconds
    sys: float
    wall: float
    rss: int  # bytes, peak
    waits: int  # voluntary context switches
    preempted: int
    instructions: int  # in user mode; -1 where they can not be counted

    @property
    def cpu(self):
        return self.user + self.sys

    def as_dict(self):
        return asdict(self) | {"cpu": self.cpu}


class Meter:
    """Starts programs through the compiled measure.c."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.program = self.folder / "measure"
        self.log = self.folder / "stderr.log"
        self.log.touch()
        source = Path(__file__).with_name("measure.c")
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", self.program, source], check=True
        )

    def start(self, command, out=None, env=None):
        return Measured(self, [str(c) for c in command], out, env)

    def run(self, command, out=None, env=None):
        """To its own end."""
        return self.start(command, out, env).end()

    def said(self):
        """The end of what the last program wrote to its standard error."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Measured:
    """A started program.  Its standard output goes to the file `out`, its standard error to a log."""

    def __init__(self, meter, command, out, env):
        self.command = command
        self.meter = meter
        read, write = os.pipe()
        with open(out or meter.folder / "stdout.log", "wb") as stdout, open(meter.log, "wb") as stderr:
            self.process = subprocess.Popen(
                [meter.program, str(write), *command],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=[write],
                env={**os.environ, **(env or {})},
            )
        os.close(write)
        self.started = time.monotonic()
        self.pipe = os.fdopen(read)
        self.pid = int(self.pipe.readline())

    def fail(self, what):
        raise BenchError(f"{' '.join(self.command)}\n{what}\n{self.meter.said()}")

    def end(self, good=(0,), wall=None):
        """Waits; its figures.  wall: seconds to report instead of the time to its end."""
        line = self.pipe.readline().split()
        self.process.wait()
        self.pipe.close()
        status = int(line[0])
        if status not in good:
            self.fail(f"exit status {status}")
        user, system = float(line[2]), float(line[3])
        return Cost(user, system, wall or float(line[1]), int(line[4]) * 1024, *map(int, line[5:8]))

    def until(self, progress, target, patience=60.0, interval=0.02):
        """For a daemon: waits until progress() reaches target, then SIGTERM; the wall time ends at the target.

        rsyslog 8.2302 now and then ends that with SIGSEGV.  Its records are all out by then, and will be compared."""
        last, moved = -1, time.monotonic()
        while (at := progress()) < target:
            if self.process.poll() is not None:
                self.fail(f"ended by itself at {at} of {target}")
            if at != last:
                last, moved = at, time.monotonic()
            elif time.monotonic() - moved > patience:
                self.kill()
                self.fail(f"no progress for {patience:.0f} s at {at} of {target}")
            time.sleep(interval)
        wall = time.monotonic() - self.started
        os.kill(self.pid, signal.SIGTERM)
        crash = (-signal.SIGSEGV,) if "rsyslogd" in self.command[0] else ()
        return self.end((0, -signal.SIGTERM, *crash), wall)

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
