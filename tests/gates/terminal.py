#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""terminal.py - weir run on a terminal (a pseudo terminal of 60 columns): the live line, and what is left behind it.

Usage: terminal.py WEIR; t-terminal.sh runs it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

WEIR = sys.argv[1]
failures = []


def check(good, text):
    if not good:
        failures.append(text)


class Screen:
    """As much of a terminal as weir uses: \\r, \\n, up, clear to the end; colours are dropped."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0

    def put(self, text):
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|.|\n", text, re.S):
            code = re.fullmatch(r"\x1b\[(\d*)([A-Za-z])", part)
            if code and code[2] == "A":
                self.row -= int(code[1] or 1)
                check(self.row >= 0, "the cursor left the screen")
            elif code and code[2] == "J":
                self.lines[self.row:] = [self.lines[self.row][:self.column]]
            elif code:
                check(code[2] == "m", f"an unexpected control sequence: {part!r}")
            elif part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                line = self.lines[self.row]
                self.lines[self.row] = line[:self.column] + part + line[self.column + 1:]
                self.column += 1


def on_terminal(pipeline, until, grows=None):
    """Runs it until the screen holds `until`, then stops it; the bytes it wrote and the screen at both moments.
    grows: a file that gets the line `until` 0.6 s after the first output, when a live line would stand there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    env = dict(os.environ, TERM="xterm")
    weir = subprocess.Popen([WEIR, "run", "--state-dir", work + "/state", pipeline], stdin=subprocess.DEVNULL,
                            stdout=slave, stderr=slave, env=env)
    os.close(slave)
    screen, written, seen, first, end = Screen(), "", None, 0, time.monotonic() + 60
    while time.monotonic() < end:
        if grows and written and time.monotonic() - first > 0.6:
            with open(grows, "a", encoding="utf-8") as f:
                f.write(until + "\n")
            grows = None
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            text = os.read(master, 65536).decode()
        except OSError:  # the last writer is gone
            break
        screen.put(text)
        first = first if written else time.monotonic()
        written += text
        if seen is None and until in "\n".join(screen.lines):
            seen = list(screen.lines)
            weir.send_signal(signal.SIGINT)
    check(seen is not None, f"\"{until}\" did not come; the screen was {screen.lines}")
    if seen is None:
        weir.kill()
    check(weir.wait(60) == 0, "weir did not end well")
    os.close(master)
    return written, seen or [], screen.lines


def write(name, text):
    with open(f"{work}/{name}", "w", encoding="utf-8") as f:
        f.write(text)
    return f"{work}/{name}"


with tempfile.TemporaryDirectory() as work:
    write("in.log", "one\ntwo\nthree\n")
    source = f"[source]\nplugin = file\npath = {work}/in.log\n"
    live = write("live.ini", source + f"[sink]\nplugin = file\npath = {work}/out\n")
    written, seen, last = on_terminal(live, "read 3  delivered 3")
    check(seen[-1] == "" and seen[-2].startswith("live  read 3"), f"the live line is not the last one: {seen}")
    check(all(len(line) < 60 for line in seen if line.startswith("live")), f"the live line wraps: {seen}")
    books = [line for line in last if line]
    check(re.match(r"[\d:]+ notice: stopping", books[0]) and books[1].startswith("live: read 3 = delivered 3 ")
          and len(books) == 3, f"the live line was not cleared: {books}")

    records = write("records.ini", source + "[sink]\nplugin = std\n")
    written, seen, last = on_terminal(records, "four", work + "/in.log")
    check("\x1b[J" not in written and not re.search(r"\x1b\[\d*A", written), "records and a live line share a terminal")
    check(last[:4] == ["one", "two", "three", "four"], f"records were overwritten: {last}")

    piped = subprocess.run([WEIR, "run", "--until-end", "--state-dir", work + "/other", live], capture_output=True,
                           text=True, timeout=60)
    check(piped.returncode == 0 and "\x1b" not in piped.stderr and "\r" not in piped.stderr and not piped.stdout,
          f"in a pipe: {piped.stderr!r}")
for failure in failures:
    print("FAILED:", failure)
sys.exit(bool(failures))
