# SPDX-License-Identifier: BSD-2-Clause
"""Programs in pipelines: the examples, and programs that are killed, hang, or end again and again."""
import os
import pathlib
import re
import signal
import sqlite3

import pytest

from lib.record import Record, read_lines, to_line
from lib.wait import until

pytestmark = pytest.mark.pipeline
TOP = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = TOP / "plugins" / "exec" / "examples"


def program(tmp_path, text, name="program"):
    path = tmp_path / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def gone(pid):
    """It does not run any more: it is no process, or a zombie that nobody here waits for."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def lines(n):
    return b"".join(b"line %d\n" % i for i in range(n))


def to_exec(command, more="", source="plugin=std"):
    return f"[source]\n{source}\n[sink]\nplugin=exec\ncommand={command}\n{more}\n"


# --- what the page says ------------------------------------------------------------------------------------------

def test_the_sink_of_the_page(weir, tmp_path):
    page = (TOP / "docs" / "exec.md").read_text()
    text = re.search(r"(?m)^    while read .*\n(?:    .*\n)+", page)[0].replace("/tmp/records", f"{tmp_path}/records")
    weir.run(to_exec(program(tmp_path, text)), stdin=lines(10)).ok(10)
    assert '"value":"line 9"' in (tmp_path / "records").read_text().splitlines()[9]


def test_example_in_shell(weir, tmp_path):
    odd = [b" blanks ", b"back\\slash", b"", b"two  blanks", "žluťoučký".encode(), b"$HOME *"]
    weir.run(to_exec(f"{EXAMPLES}/sink.sh {tmp_path}/out", "format=raw"), stdin=b"\n".join(odd) + b"\n").ok(len(odd))
    assert (tmp_path / "out").read_bytes() == b"\n".join(odd) + b"\n"


def test_example_in_python(weir, tmp_path):
    """Twice the same records: each is there once, with its bytes."""
    records = [Record(b"text", b"k", [], 1000, "web", 3, 7), Record(None, b"gone", [], None, "web", 3, 8),
               Record(b"\xff\x00", None, [("h", b"1")], 5, "web", 4, 7)]
    for i in range(2):
        (tmp_path / f"in.{i}").write_bytes(b"".join(to_line(r) + b"\n" for r in records))
    source = f"plugin=file\nformat=record\npath={tmp_path}/in.*"
    weir.run(to_exec(f"{EXAMPLES}/sink.py {tmp_path}/db", "batch-end=yes\nbatch.records=2", source)).ok(6)
    with sqlite3.connect(tmp_path / "db") as db:
        rows = db.execute("select topic, lane, place, key, value from records order by lane, place").fetchall()
    assert rows == [("web", 3, 7, "k", "text"), ("web", 3, 8, "gone", None), ("web", 4, 7, None, b"\xff\x00")]


def test_example_that_transforms(weir):
    ini = f"[source]\nplugin=std\n[transform words]\nplugin=exec\ncommand={EXAMPLES}/transform.py\n[sink]\nplugin=std\n"
    result = weir.run(ini, stdin="two words\n\nžluťoučký\n  a  b c\n".encode()).ok(3, dropped=1)
    assert result.out.decode().split("\n") == ["two", "words", "žluťoučký", "a", "b", "c", ""]


def test_the_transform_of_the_page(weir, tmp_path):
    page = (TOP / "docs" / "exec.md").read_text()
    command = re.search(r"(?m)^command = (sed .*)$", page)[1]
    ini = f"[source]\nplugin=std\n[transform t]\nplugin=exec\nformat=raw\ncommand={command}\n[sink]\nplugin=std\n"
    assert weir.run(ini, stdin=b"card 4000-1234-5678-9010 ok\nno card\n").ok(2).out == b"card XXXX ok\nno card\n"


def from_exec(command, more="", sink="plugin=std"):
    return f"[source]\nplugin=exec\ncommand={command}\n{more}\n[sink]\n{sink}\n"


def test_example_source_in_shell(weir, tmp_path):
    """A second run goes on where the first was through."""
    (tmp_path / "in").write_bytes(b"one\n two  blanks \n")
    ini = from_exec(f"{EXAMPLES}/source.sh {tmp_path}/in", "positions=yes")
    assert weir.run(ini).ok(2).out == b"one\n two  blanks \n"
    assert weir.run(ini).ok(0).out == b""
    with open(tmp_path / "in", "ab") as f:
        f.write(b"three\n")
    assert weir.run(ini).ok(1).out == b"three\n"


def test_example_source_in_python(weir, tmp_path):
    """What the example of a sink wrote comes back; new rows come while it runs, and a stop ends it."""
    records = [Record(b"text", b"k", [], 1000, "web", 3, 7), Record(b"\xff", None, [], None, "web", 3, 8)]
    (tmp_path / "in").write_bytes(b"".join(to_line(r) + b"\n" for r in records))
    sink = to_exec(f"{EXAMPLES}/sink.py {tmp_path}/db", "batch-end=yes", f"plugin=file\nformat=record\npath={tmp_path}/in")
    weir.run(weir.ini(sink, "fill")).ok(2)
    ini = from_exec(f"{EXAMPLES}/source.py {tmp_path}/db", "positions=yes\nformat=record", "plugin=std\nformat=record")
    got = read_lines(weir.run(ini).ok(2).out)
    assert [(r.key, r.value, r.topic) for r in got] == [(b"k", b"text", "web"), (None, b"\xff", "web")]
    run = weir.start(ini)
    with sqlite3.connect(tmp_path / "db") as db:
        db.execute("insert into records values ('web', 0, 9, 'new', 'row')")
    run.wait_for(lambda: b"row" in run.out, "the new row")
    run.stop().ok(1)


# --- programs that fail ------------------------------------------------------------------------------------------

COUNTS = 'echo $$ >>pids\nwhile read -r id value; do echo "$value" >>out && echo "$id ok"; done\n'


def stops(times, at, saying=":"):
    """For the loop of a program: each of the first `times` of them says no more after `at` records, in the middle of
    what it has to do; it reads on, so that it ends with weir."""
    still = f"{saying}; echo >>held; exec cat >/dev/null"
    return f'n=$((n + 1)); [ "$n" != {at} ] || [ $(wc -l <pids) -gt {times} ] || {{ {still}; }}\n'


def held(tmp_path):
    path = tmp_path / "held"
    return path.stat().st_size if path.exists() else 0


def pids(tmp_path):
    path = tmp_path / "pids"
    return [int(p) for p in path.read_text().split()] if path.exists() else []


def out(tmp_path):
    path = tmp_path / "out"
    return path.read_bytes().splitlines() if path.exists() else []


def killed_by_tests(tmp_path, run, times):
    """kill -9 of each program that stops in the middle."""
    for i in range(times):
        run.wait_for(lambda: held(tmp_path) > i, f"program {i} got as far as it goes")  # noqa: B023
        os.kill(pids(tmp_path)[i], signal.SIGKILL)


def test_a_sink_that_is_killed_loses_nothing(weir, tmp_path):
    n = 30000
    (tmp_path / "in").write_bytes(lines(n))
    text = COUNTS.replace("done", stops(3, 1300) + "done")
    ini = to_exec(program(tmp_path, text), "format=raw\nbatch.records=500\nretry.initial=10ms",
                  f"plugin=file\npath={tmp_path}/in")
    run = weir.start(ini, until_end=True)
    killed_by_tests(tmp_path, run, 3)
    result = run.wait().ok(n)
    assert set(out(tmp_path)) == set(lines(n).splitlines())
    assert len(pids(tmp_path)) == 4
    assert len(result.lines("it was killed by signal 9")) == 1  # in trouble is said once


def test_a_transform_that_is_killed_loses_nothing(weir, tmp_path):
    """In order, each once: what a program emitted for a batch that it did not finish is dropped."""
    n = 30000
    (tmp_path / "in").write_bytes(lines(n))
    text = ('echo $$ >>pids\nwhile read -r id value; do echo "$id emit <$value>"; echo "$id ok"\n' + stops(3, 3300)
            + "done\n")
    ini = f"""[source]
        plugin=file
        path={tmp_path}/in
        [transform t]
        plugin=exec
        format=raw
        command={program(tmp_path, text)}
        [sink]
        plugin=file
        path={tmp_path}/out"""
    run = weir.start(ini, until_end=True)
    killed_by_tests(tmp_path, run, 3)
    run.wait().ok(n)
    assert out(tmp_path) == [b"<line %d>" % i for i in range(n)]


NUMBERS = """echo $$ >>pids
i=${WEIR_POSITION:-0}
while [ $i -lt 30000 ]; do i=$((i + 1)); echo "$i line $i"
done
"""


def test_a_source_that_is_killed_goes_on(weir, tmp_path):
    """Each once and in order, for weir lived on."""
    text = NUMBERS.replace("done", stops(3, 3300, 'printf "%s li" $((i + 1))') + "done")
    run = weir.start(from_exec(program(tmp_path, text), "positions=yes", f"plugin=file\npath={tmp_path}/out"))
    killed_by_tests(tmp_path, run, 3)
    run.wait().ok(30000)
    assert out(tmp_path) == [b"line %d" % i for i in range(1, 30001)]


def test_weir_is_killed_between_source_and_sink(weir, tmp_path):
    """exec to exec through kill -9 of weir: nothing is lost, and check promises no more than that."""
    text = 'while read -r id value; do echo "$value" >>out && echo "$id ok"\n' + stops(3, 4000) + "done\n"
    sink = program(tmp_path, text, "sink")
    ini = f"""[pipeline]
        commit=100ms
        [source]
        plugin=exec
        positions=yes
        command={program(tmp_path, NUMBERS)}
        [sink]
        plugin=exec
        format=raw
        command={sink}"""
    for i in range(3):
        run = weir.start(ini)
        run.wait_for(lambda: held(tmp_path) > i, "4000 records more")  # noqa: B023
        run.kill()
        until(lambda: gone(pids(tmp_path)[-1]), "the program's end")
    weir.run(ini).ok()
    assert set(out(tmp_path)) == {b"line %d" % i for i in range(1, 30001)}
    assert len(out(tmp_path)) < 60000
    assert "at least once, because exec is read again" in weir.call("check", weir.ini(ini)).out.decode()
    ini = ini.replace("positions=yes", "")
    assert "at most once, because exec can not be read again" in weir.call("check", weir.ini(ini)).out.decode()


def test_weir_that_is_killed_leaves_no_program(weir, tmp_path):
    n = 30000
    (tmp_path / "in").write_bytes(lines(n))
    ini = to_exec(program(tmp_path, COUNTS), "format=raw\nbatch.records=500", f"plugin=file\npath={tmp_path}/in")
    run = weir.start(ini, until_end=True)
    run.wait_for(lambda: len(out(tmp_path)) > 300, "some records")
    run.kill()
    until(lambda: gone(pids(tmp_path)[0]), "the program's end")
    weir.run(ini).ok()
    assert set(out(tmp_path)) == set(lines(n).splitlines())


def test_a_program_that_never_reads_can_be_bound_to_weir(weir, tmp_path):
    """docs/exec.md: setpriv --pdeathsig."""
    ini = to_exec(f"setpriv --pdeathsig KILL {program(tmp_path, 'echo $$ >>pids; exec sleep 600')}")
    run = weir.start(ini)
    run.wait_for(lambda: pids(tmp_path), "the program")
    run.kill()
    until(lambda: gone(pids(tmp_path)[0]), "the program's end")


def test_a_program_that_ends_at_once_is_no_busy_loop(weir, tmp_path):
    (tmp_path / "in").write_bytes(lines(10))
    ini = to_exec(program(tmp_path, "echo $$ >>pids; echo it is all wrong >&2; exit 4\n"), "",
                  f"plugin=file\npath={tmp_path}/in")
    run = weir.start(ini + "[pipeline]\ndrain=500ms")
    run.wait_for(lambda: len(pids(tmp_path)) >= 4, "the fourth start")
    result = run.stop()
    assert result.status == 1 and result.books.undelivered == 10
    assert len(result.lines("in trouble, trying on: it ended with exit status 4")) == 1
    assert 4 <= len(pids(tmp_path)) <= 12
    assert result.lines("it is all wrong")


def test_a_stop_does_not_wait_for_a_program_that_hangs(weir, tmp_path):
    (tmp_path / "in").write_bytes(lines(10))
    text = "trap '' TERM; read -r record; echo $$ >>pids; while :; do sleep 600 & wait; done\n"
    run = weir.start(to_exec(program(tmp_path, text), "", f"plugin=file\npath={tmp_path}/in") + "[pipeline]\ndrain=500ms")
    run.wait_for(lambda: pids(tmp_path), "the program has records")
    result = run.stop(30)
    assert result.books.undelivered == 10 and not result.lines("has not come back")
    assert gone(pids(tmp_path)[0])


def test_a_stop_does_not_wait_for_a_transform_that_hangs(weir, tmp_path):
    (tmp_path / "in").write_bytes(lines(10))
    ini = f"""[pipeline]
        drain=500ms
        [source]
        plugin=file
        path={tmp_path}/in
        [transform t]
        plugin=exec
        command={program(tmp_path, "echo $$ >>pids; cat >rest")}
        [sink]
        plugin=std"""
    run = weir.start(ini)
    run.wait_for(lambda: (tmp_path / "rest").exists() and (tmp_path / "rest").stat().st_size, "the program has records")
    result = run.stop(30)
    assert result.books.undelivered == 10 and not result.lines("has not come back")
    assert gone(pids(tmp_path)[0])


def test_rejects_are_dead_letters(weir, tmp_path):
    text = 'while read -r id value; do case $value in *3) echo "$id reject $value is odd";; *) echo "$id ok";; esac; done'
    ini = to_exec(program(tmp_path, text), "format=raw") + f"[dead-letter]\nplugin=file\nformat=record\npath={tmp_path}/dead"
    weir.run(ini, stdin=lines(20)).ok(18, dead=2)
    assert (tmp_path / "dead").read_text().count("is odd") == 2


def test_check_finds_what_is_wrong_with_a_command(weir):
    result = weir.call("check", weir.ini(to_exec("sh -c 'a")))
    assert result.status == 2 and "a quote in it has no end" in result.err
    result = weir.call("check", "--live", weir.ini(to_exec("no-such-program-here")))
    assert result.status != 0 and 'there is no program "no-such-program-here"' in result.err + result.out.decode()
