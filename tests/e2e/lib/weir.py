# SPDX-License-Identifier: BSD-2-Clause
"""Runs weir on pipelines given as INI text, and reads what it leaves: exit status, books, log lines, state.

The program is $WEIR with $WEIR_PLUGIN_PATH; conftest.py sets both from the build folder."""
import os
import pathlib
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from lib.wait import until

TIMEOUT = 90
BOOKS = re.compile(
    r"^(\S+): read (\d+) = delivered (\d+) \+ dead-lettered (\d+) \+ dropped (\d+) \+ undelivered (\d+)$", re.M
)
SINK = re.compile(
    r"^  (\S+): in (\d+) = delivered (\d+) \+ duplicate (\d+) \+ dead-lettered (\d+)(?: \+ undelivered (\d+))?$", re.M
)
FAULT = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|a fault of weir|Assertion")
SIGNALS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


@dataclass
class Books:
    read: int
    delivered: int
    dead: int
    dropped: int
    undelivered: int


@dataclass
class SinkBooks:
    read: int
    delivered: int
    duplicate: int
    dead: int
    undelivered: int


class Result:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err.decode("utf-8", "replace")
        assert not FAULT.search(self.err), self.err
        assert -status not in SIGNALS, f"killed by signal {-status}\n{self.err}"
        self.all_books = {m[1]: Books(*map(int, m.groups()[1:])) for m in BOOKS.finditer(self.err)}
        for name, b in self.all_books.items():
            assert b.read == b.delivered + b.dead + b.dropped + b.undelivered, f"books of {name}:\n{self.err}"
        self.sinks = {m[1]: SinkBooks(*(int(n or 0) for n in m.groups()[1:])) for m in SINK.finditer(self.err)}

    @property
    def books(self):
        """Of the only pipeline."""
        assert len(self.all_books) == 1, self.err
        return next(iter(self.all_books.values()))

    def ok(self, delivered=None, dead=0, dropped=0, read=None):
        """Ended well, with these books; None: any number."""
        assert self.status == 0, f"exit status {self.status}\n{self.err}"
        b = self.books
        assert b.undelivered == 0 and b.dead == dead and b.dropped == dropped, self.err
        if delivered is not None:
            assert b.delivered == delivered, self.err
            assert b.read == delivered + dead + dropped, self.err
        if read is not None:
            assert b.read == read, self.err
        return self

    def failed(self, *sentences):
        """Exit status 1, and each text is in a log line."""
        assert self.status == 1, f"exit status {self.status}\n{self.err}"
        for s in sentences:
            assert s in self.err, f"{s!r} is not in\n{self.err}"
        return self

    def lines(self, text):
        return [line for line in self.err.splitlines() if text in line]


class Running:
    """A weir that runs beside the test. Ended by the fixture whatever happens."""

    def __init__(self, command, folder, env, stdin, stdout):
        self.err_path = folder / f"stderr.{time.monotonic_ns()}"
        self.out_path = stdout or folder / f"stdout.{time.monotonic_ns()}"
        with open(self.err_path, "wb") as err, open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err, cwd=folder, env=env)
        self.pid = self.process.pid

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    @property
    def out(self):
        return self.out_path.read_bytes()

    def alive(self):
        return self.process.poll() is None

    def wait_for(self, condition, what, timeout=TIMEOUT):
        """Until condition(); fails at once if weir ends meanwhile."""

        def ready():
            alive = self.alive()  # asked before: its last act may be what is waited for
            value = condition()
            assert value or alive, f"weir ended ({self.process.returncode}) before {what}:\n{self.err}"
            return value

        return until(ready, lambda: f"{what}:\n{self.err}", timeout)

    def wait_line(self, text, timeout=TIMEOUT):
        self.wait_for(lambda: text in self.err, f"a line with {text!r}", timeout)

    def wait(self, timeout=TIMEOUT):
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"weir did not end in {timeout} s:\n{self.err}\n{self.stacks()}") from None
        out = self.out if self.out_path.is_file() else b""
        return Result(self.process.returncode, out, self.err_path.read_bytes())

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=TIMEOUT):
        """SIGTERM: drains, commits, ends."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(30)
        assert not FAULT.search(self.err), self.err

    def rss(self):
        """Resident bytes now."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024

    def stacks(self):
        """Where the threads of a hanging weir wait, from the kernel's view."""
        out = []
        for task in pathlib.Path(f"/proc/{self.pid}/task").glob("*"):
            try:
                out.append(f"{(task / 'comm').read_text().strip()}: {(task / 'wchan').read_text()}")
            except OSError:
                pass
        return "\n".join(out)


class Weir:
    """One test's weir: its folder, its state, its processes."""

    def __init__(self, folder):
        self.folder = folder
        self.state = folder / "state"
        self.started = []
        self.program = os.environ["WEIR"]
        self.env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "STATE_DIRECTORY")}

    def ini(self, text, name="p"):
        """Writes NAME.ini; `text` may be indented."""
        path = self.folder / f"{name}.ini"
        path.write_text("\n".join(line.strip() for line in text.splitlines()) + "\n")
        return path

    def command(self, *args):
        return [self.program, *map(str, args)]

    def call(self, *args, stdin=b"", timeout=TIMEOUT, env=None):
        """Any command line, to its end."""
        process = subprocess.run(
            self.command(*args),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            cwd=self.folder,
            env={**self.env, **(env or {})},
        )
        return Result(process.returncode, process.stdout, process.stderr)

    def run_args(self, pipelines, until_end, options):
        """A pipeline given as text (with white space in it) becomes p.ini; a path or a list of them is taken as it is."""
        pipelines = pipelines if isinstance(pipelines, (list, tuple)) else [pipelines]
        paths = [self.ini(p) if isinstance(p, str) and "\n" in p else p for p in pipelines]
        end = ["--until-end"] if until_end else []
        return ["run", *end, "--state-dir", self.state, *options, *paths]

    def run(self, pipelines, *options, stdin=b"", until_end=True, timeout=TIMEOUT):
        return self.call(*self.run_args(pipelines, until_end, options), stdin=stdin, timeout=timeout)

    def start(self, pipelines, *options, until_end=False, stdin=subprocess.DEVNULL, stdout=None):
        return self.start_call(*self.run_args(pipelines, until_end, options), stdin=stdin, stdout=stdout)

    def start_call(self, *args, stdin=subprocess.DEVNULL, stdout=None):
        """Any command line, beside the test."""
        running = Running(self.command(*args), self.folder, self.env, stdin, stdout)
        self.started.append(running)
        return running

    def end(self):
        for running in self.started:
            if running.alive():
                running.process.kill()
                running.process.wait(30)
