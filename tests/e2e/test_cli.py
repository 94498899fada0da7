# SPDX-License-Identifier: BSD-2-Clause
"""The command line: help, usage errors, exit status, logs as text and JSON, colours, what `check` and `plugins` print."""
import json
import os
import pty
import re
import select

import pytest

from lib.wait import until

COMMANDS = ["run", "serve", "check", "plugins", "new", "test", "dlq"]
PLUGINS = ["kafka", "elasticsearch", "file", "std", "filter", "case"]


def test_help_names_every_command(weir):
    result = weir.call("--help")
    assert result.status == 0 and result.err == ""
    for command in COMMANDS:
        assert f"  {command} " in result.out.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(weir, command):
    result = weir.call(command, "--help")
    assert result.status == 0 and result.err == ""
    assert result.out.decode().startswith(f"usage: weir {command}")


def test_version(weir):
    result = weir.call("--version")
    assert result.status == 0 and result.out.startswith(b"weir ")


@pytest.mark.parametrize(
    "args,text",
    [
        ([], "a command is missing"),
        (["runn"], "run"),
        (["run"], "FILE"),
        (["run", "--untilend", "x.ini"], "untilend"),
        (["run", "--log-format", "xml", "x.ini"], "xml"),
        (["run", "--log-level", "loud", "x.ini"], "loud"),
        (["run", "--state-dir"], "state-dir"),
        (["run", "missing.ini"], "missing.ini"),
        (["check"], "FILE"),
        (["check", "missing.ini"], "missing.ini"),
        (["plugins", "kafak"], "kafka"),
        (["serve"], "not"),
        (["--unknown"], "unknown"),
    ],
)
def test_bad_usage(weir, args, text):
    """Exit status 2, a sentence on stderr, nothing on stdout."""
    result = weir.call(*args)
    assert result.status == 2 and text in result.err and result.out == b"", result.err


def test_plugins_lists_all(weir):
    result = weir.call("plugins")
    assert result.status == 0
    for plugin in PLUGINS:
        assert any(line.startswith(plugin) for line in result.out.decode().splitlines())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_describes_itself(weir, plugin):
    assert weir.call("plugins", plugin).status == 0
    schema = weir.call("plugins", plugin, "--schema")
    assert schema.status == 0 and isinstance(json.loads(schema.out), dict)
    assert weir.call("plugins", plugin, "--sample").out and weir.call("plugins", plugin, "--man").out


def copy(tmp_path, more=""):
    return f"[source]\nplugin=file\npath={tmp_path}/in\n[sink]\nplugin=file\npath={tmp_path}/out\n{more}"


def test_exit_status(weir, tmp_path):
    (tmp_path / "in").write_bytes(b"a\n")
    assert weir.run(copy(tmp_path)).status == 0
    assert weir.run(copy(tmp_path, "unknown=1")).status == 2
    (tmp_path / "in").write_bytes(b"no json\n")
    assert weir.run(copy(tmp_path, "when=.a")).status == 1


def test_a_mistake_in_one_file_stops_before_anything_runs(weir, tmp_path):
    (tmp_path / "in").write_bytes(b"a\n")
    good, bad = weir.ini(copy(tmp_path), "good"), weir.ini(copy(tmp_path, "pathh=1\nformatt=raw"), "bad")
    result = weir.run([good, bad])
    assert result.status == 2 and not (tmp_path / "out").exists()
    assert f"{bad}:7: [sink] unknown option \"pathh\"; did you mean \"path\"?" in result.err
    assert f"{bad}:8: [sink] unknown option \"formatt\"; did you mean \"format\"?" in result.err


def test_json_log_is_json_lines(weir, tmp_path):
    """Every log line is an object; what quotes and bytes are in it does not matter. The books follow as they are."""
    (tmp_path / "in").write_bytes(b'"\n')
    result = weir.run(copy(tmp_path, "when=.a"), "--log-format", "json", "--log-level", "debug")
    assert result.status == 1
    lines = [line for line in result.err.splitlines() if line.startswith("{")]
    assert lines
    for line in lines:
        o = json.loads(line)
        assert {"time", "level", "text"} <= set(o) <= {"time", "level", "pipeline", "section", "text"}
    assert any(json.loads(line)["level"] == "error" for line in lines)
    others = [line for line in result.err.splitlines() if not line.startswith("{")]
    assert all(line.startswith(("p: read", "  file: in")) for line in others), result.err


def test_log_level(weir, tmp_path):
    (tmp_path / "in").write_bytes(b"no json\n")
    quiet = weir.run(copy(tmp_path, "when=.a"), "--log-level", "error")
    assert " error " in quiet.err and " info " not in quiet.err and " notice " not in quiet.err


def on_terminal(weir, command, env):
    """Runs weir with a terminal as stderr; returns what it wrote there."""
    master, slave = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.dup2(slave, 2)
        os.execvpe(command[0], command, {**weir.env, **env})
    os.close(slave)
    out = bytearray()

    def ended():
        while select.select([master], [], [], 0)[0]:
            try:
                chunk = os.read(master, 4096)
            except OSError:
                chunk = b""
            if not chunk:
                return True
            out.extend(chunk)
        return False

    until(ended, "weir closes its terminal")
    os.waitpid(pid, 0)
    os.close(master)
    return bytes(out)


def test_colours_on_a_terminal_only(weir, tmp_path):
    (tmp_path / "in").write_bytes(b"no json\n")
    ini = weir.ini(copy(tmp_path, "when=.a"))
    command = weir.command("run", "--until-end", "--state-dir", weir.state, ini)
    assert b"\x1b[31merror" in on_terminal(weir, command, {"TERM": "xterm"})
    assert b"\x1b[31m" not in on_terminal(weir, command, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b" not in weir.run([ini]).err


def test_standard_output_belongs_to_the_sink(weir):
    result = weir.run("[source]\nplugin=std\n[sink]\nplugin=std", "--log-level", "debug", stdin=b"a\nb\n").ok(2)
    assert result.out == b"a\nb\n"


def test_check_prints_chain_and_guarantee(weir, tmp_path):
    ini = weir.ini(
        """[source]
        plugin=kafka
        brokers=127.0.0.1:1
        topics=t
        [transform clean]
        plugin=filter
        when=.a
        [sink es]
        plugin=elasticsearch
        url=http://127.0.0.1:1
        index=i
        [sink archive]
        plugin=file
        path=/x""",
        "web",
    )
    result = weir.call("check", ini)
    text = result.out.decode()
    assert result.status == 0 and result.err == ""
    for word in ["web", "kafka", "filter", "elasticsearch", "file", "once"]:
        assert word in text, text


def test_check_hides_what_came_from_outside(weir, tmp_path):
    (tmp_path / "secret").write_text("hunter2-password\n")
    ini = weir.ini(
        f"""[source]
        plugin=kafka
        brokers=${{env:BROKERS}}
        topics=t
        rdkafka.sasl.password=${{file:{tmp_path}/secret}}
        [sink]
        plugin=std"""
    )
    result = weir.call("check", ini, env={"BROKERS": "hidden-host:1"})
    assert result.status == 0, result.err
    assert "hunter2" not in result.out.decode() + result.err and "hidden-host" not in result.out.decode() + result.err


def test_plugins_get_the_regular_expressions_of_the_c_library(weir):
    """libonig, which the host needs, exports regcomp and regexec too; librdkafka and plugins must not get those."""
    ini = weir.ini("[source]\nplugin=kafka\nbrokers=127.0.0.1:1\ntopics=^t\n[sink]\nplugin=std")
    result = weir.call("check", ini, env={"LD_DEBUG": "bindings", "LD_BIND_NOW": "1"})
    bound = [line for line in result.err.splitlines() if re.search(r"symbol `reg(comp|exec|free|error)'", line)]
    assert result.status == 0 and any("to /lib/" in line and "libc.so" in line for line in bound)
    assert not [line for line in bound if "libonig" in line.split(" to ")[1]]


def test_check_live(weir, kafka, es, name, free_port):
    """Connects, joins no group, writes nothing; what can not be reached is a failure."""
    kafka.fill(kafka.create(name), 1)
    text = f"[source]\nplugin=kafka\nbrokers={kafka.brokers}\ntopics={name}\ngroup={name}\n[sink]\nplugin=elasticsearch\nindex={name}\n"
    good = weir.call("check", "--live", weir.ini(text + f"url={es.url}"))
    assert good.status == 0, good.err
    es.call("GET", name, ok=(404,))
    assert kafka.committed(name, name) == {}
    bad = weir.call("check", "--live", weir.ini(text + f"url=http://127.0.0.1:{free_port}"))
    assert bad.status != 0 and f"127.0.0.1:{free_port}" in bad.err + bad.out.decode()
