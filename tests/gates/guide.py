#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""guide.py - does what docs/plugin-guide.md says, in its order: runs its shell, applies its changes, compares what is printed.

Usage: guide.py PAGE FOLDER; FOLDER is where a reader would stand. weir is found by PATH. (t-new.sh runs it.)"""
import os
import re
import subprocess
import sys

PAGE, FOLDER = sys.argv[1:3]
# An administrator's folder is ours here. The folder a block ends in is that of the next one.
SHELL = 'sudo() { "$@"; }\ncd "$(cat "$AT")"\nset -e\n%s\npwd >"$AT"\n'


def run(text):
    r = subprocess.run(["bash", "-c", SHELL % text], env=dict(os.environ, AT=FOLDER + "/.at"), stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return r.returncode, r.stdout


def shown(said, want):
    """Whether it was printed: line by line; `...` stands for lines before the rest, or for the rest of a line."""
    lines, wanted = said.splitlines(), want.splitlines()
    if wanted[0] == "...":
        wanted = wanted[1:]
        lines = lines[-len(wanted):]
    return len(lines) == len(wanted) and all(
        line == w or (w.endswith("...") and line.startswith(w[:-3])) for line, w in zip(lines, wanted))


def main():
    with open(PAGE, encoding="utf-8") as f:
        blocks = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", f.read())
    with open(FOLDER + "/.at", "w", encoding="utf-8") as f:
        f.write(FOLDER)
    said, failed = "", []
    for language, body in blocks:
        first = body.splitlines()[0]
        if language == "sh":
            status, said = run(body)
            if status != 0:
                return [f"`{first}` ends with {status}:\n{said}"]
        elif language == "diff":
            status, said = run("patch --no-backup-if-mismatch -p1 <<'PATCH'\n" + body + "PATCH")
            if status != 0 or "fuzz" in said:
                return [f"the change `{first}` does not fit:\n{said}"]
        elif language == "" and not shown(said, body):
            failed.append(f"not this is printed:\n{body}but this:\n{said}")
    return failed if len(blocks) > 5 else [f"only {len(blocks)} blocks were found"]


failures = main()
for failure in failures:
    print(f"{PAGE}: {failure}")
sys.exit(bool(failures))
