# SPDX-License-Identifier: BSD-2-Clause
"""Configuration as an operator meets it: `weir check` on good files and on every kind of bad one, message by message.

Needs the built weir (WEIR) and its plugins (WEIR_PLUGIN_PATH); no server.
"""
import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR", str(TOP / "weir"))
SOURCE = "[source]\nplugin = file\npath = /in\n"
SINK = "[sink]\nplugin = std\n"


def weir(*args, cwd=None, env=None):
    return subprocess.run([WEIR, *map(str, args)], cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          capture_output=True, timeout=60)


def check(tmp_path, text, env=None, args=()):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "web.ini").write_bytes(data)
    return weir("check", *args, "web.ini", cwd=tmp_path, env=env)


def refused(tmp_path, text, *lines, env=None):
    """The file is refused with exactly these lines on stderr, nothing on stdout, exit 2."""
    run = check(tmp_path, text, env)
    assert run.stderr.splitlines() == list(lines)
    assert (run.returncode, run.stdout) == (2, "")


def test_interface_example_passes(tmp_path):
    run = check(tmp_path, """
[pipeline]                ; every key optional
name  = web               ; default: the file's name without .ini
order = shard             ; shard (a partition or file keeps its order) | none
memory = 64M              ; one byte budget
workers = 1
fan-out = together

[source]
plugin  = kafka
brokers = 127.0.0.1:9092
topics  = web.access, web.error
group   = weir-web

[transform clean]         ; any number, applied in file order
plugin = filter
when   = .status >= 500

[sink]
plugin = elasticsearch
url    = http://127.0.0.1:9200
index  = web-{time:%Y.%m.%d}
id     = {.id}

[dead-letter]
plugin = file
path   = /var/lib/weir/web.dead.ndjson
stop-after = 1000
""", env={"LC_ALL": "C.UTF-8"})
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0] == 'web: kafka → filter "clean" → elasticsearch (dead letters → file)'


def test_arrows_are_ascii_where_the_locale_is(tmp_path):
    run = check(tmp_path, SOURCE + SINK, env={"LC_ALL": "C"})
    assert run.stdout.splitlines()[0] == "web: file -> std"


@pytest.mark.parametrize("source, sink, guarantee", [
    ("plugin = std", "plugin = std", "at most once, because std can not be read again"),
    ("plugin = file\npath = /in", "plugin = std", "at least once, because file is read again"),
    ("plugin = file\npath = /in", "plugin = elasticsearch\nurl = http://h\nindex = a", "effectively once, because"),
])
def test_guarantee(tmp_path, source, sink, guarantee):
    run = check(tmp_path, f"[source]\n{source}\n[sink]\n{sink}\n")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[1].strip().startswith(guarantee)


@pytest.mark.parametrize("length", [190, 200, 500, 5000, 65536])
def test_long_values_arrive_whole(tmp_path, length):
    """A value that is cut would lose the reference at its end."""
    padding = "x" * (length - len("${env:NONE}"))
    refused(tmp_path, f"{SOURCE}{SINK}[dead-letter]\nplugin = file\npath = {padding}${{env:NONE}}\nrotat = 1\n",
            "web.ini:8: [dead-letter] path: ${env:NONE}: the environment variable NONE is not set",
            'web.ini:9: [dead-letter] unknown option "rotat"; did you mean "rotate"?')


def test_too_long_a_value(tmp_path):
    refused(tmp_path, SOURCE + "start = " + "x" * 65537 + "\n" + SINK,
            'web.ini:4: the value of "start" has 65537 bytes; at most 65536 are allowed')


INDENTED = ("this line is indented like the continuation of the one above, and values do not continue; write the "
            "value on one line, or remove the white space in front of a new option")


@pytest.mark.parametrize("text, line", [
    (SOURCE + SINK + "indx = a\n", 'web.ini:6: [sink] unknown option "indx"'),
    (SOURCE + "strat = end\n" + SINK, 'web.ini:4: [source] unknown option "strat"; did you mean "start"?'),
    (SOURCE + "start = and\n" + SINK,
     'web.ini:4: [source] start = and: must be beginning or end; did you mean "end"?'),
    (SOURCE + "follow = maybe\n" + SINK, "web.ini:4: [source] follow = maybe: must be yes or no"),
    (SOURCE + "start = end\nstart = end\n" + SINK,
     'web.ini:5: [source] option "start" is given twice, first in line 4'),
    (SOURCE + SINK + "in-flight = 0\n", "web.ini:6: [sink] in-flight = 0: out of range; 1 to 64"),
    (SOURCE + SINK + "in-flight = 65\n", "web.ini:6: [sink] in-flight = 65: out of range; 1 to 64"),
    (SOURCE + SINK + "in-flight = two\n", "web.ini:6: [sink] in-flight = two: must be a whole number"),
    (SOURCE + SINK + "retry.max = 30\n",
     "web.ini:6: [sink] retry.max = 30: must be a duration: a whole number with ms, s, m, h or d, like 30s"),
    (SOURCE + SINK + "batch.bytes = 1MB\n",
     "web.ini:6: [sink] batch.bytes = 1MB: must be a size: a whole number of bytes, or with K, M or G, like 64M"),
    (SOURCE + SINK + "[pipeline]\nmemory = 15M\n",
     "web.ini:7: [pipeline] memory = 15M: out of range; 16M to 1024G"),
    (SOURCE + SINK + "[pipline]\nmemory = 15M\n", 'web.ini:6: unknown section [pipline]; did you mean "pipeline"?'),
    (SOURCE + SINK + "[dead-letter]\nplugin = std\nstop-after = x\n",
     "web.ini:8: [dead-letter] stop-after = x: must be a whole number"),
    (SINK, "web.ini: there is no [source]"),
    (SOURCE, "web.ini: there is no [sink]"),
    ("[source]\npath = /in\n" + SINK, 'web.ini:1: [source] option "plugin" is required: Name of the plugin'),
    ("[source]\nplugin = filter\n" + SINK,
     'web.ini:2: [source] plugin "filter" is no source; it has: transform'),
    (SOURCE + "[sink]\nplugin = filter\n", 'web.ini:5: [sink] plugin "filter" is no sink; it has: transform'),
    (SOURCE + SINK + "just words\n", 'web.ini:6: no "=": an option reads NAME = VALUE'),
    (SOURCE + SINK + "[sink\n", 'web.ini:6: the section header has no "]"'),
    (SOURCE + "start = end,\n  beginning\n" + SINK, "web.ini:5: " + INDENTED),
    ("x = 1\n" + SOURCE + SINK,
     'web.ini:1: "x" stands before any section; put [pipeline] or [source] above it'),
    ((SOURCE + SINK).encode() + b"format = \xe4\n",
     "web.ini:6: byte 0xe4 at column 10 is not UTF-8; save the file in UTF-8"),
    ((SOURCE + SINK).encode() + b"format = a\x00b\n", "web.ini:6: a NUL byte at column 11; is this a text file?"),
    ("[source]\nplugin = std\n" + SINK + "[pipeline]\nfan-out = independent\n",
     "web.ini:6: [pipeline] fan-out = independent reads the source once for each sink, but what std gives can be "
     "read only once; use together"),
    (SOURCE + "".join(f"[sink s{i}]\nplugin = std\n" for i in range(9)) + "[pipeline]\nfan-out = independent\n",
     "web.ini:23: [pipeline] fan-out = independent divides memory among the readers of 9 sinks, each needs 8M; set "
     "memory to 72M or more"),
    (SOURCE + "[sink]\nplugin = file\npath = ${file:/nowhere/x}\n",
     "web.ini:6: [sink] path: ${file:/nowhere/x}: No such file or directory"),
    (SOURCE + "[sink]\nplugin = file\npath = ${vault:x}\n",
     "web.ini:6: [sink] path: ${vault:x} is not known; there are ${env:NAME} and ${file:/path}, and $${ is a "
     "literal ${"),
])
def test_one_mistake(tmp_path, text, line):
    run = check(tmp_path, text)
    assert line in run.stderr.splitlines(), run.stderr
    assert (run.returncode, run.stdout) == (2, "")


def test_all_mistakes_at_once_in_order(tmp_path):
    run = check(tmp_path, "[sink]\nplugin = std\nformt = raw\nin-flight = 99\n[source]\nplugin = file\n"
                          "[pipeline]\nworkers = 0\n")
    assert [line.split(":")[1] for line in run.stderr.splitlines()] == ["3", "4", "5", "8"]


@pytest.mark.parametrize("part", ["when = .a ==", "when = nope(", 'when = "a'])
def test_a_bad_expression_names_line_and_option(tmp_path, part):
    run = check(tmp_path, SOURCE + "[transform t]\nplugin = filter\n" + part + "\n" + SINK)
    assert run.returncode == 2
    assert run.stderr.startswith("web.ini:6: [transform t] when = "), run.stderr


def test_an_unknown_template_field(tmp_path):
    run = check(tmp_path, SOURCE + "[sink]\nplugin = file\npath = /out/{topc}\n")
    assert run.returncode == 2
    assert run.stderr.startswith("web.ini:6: [sink] path = /out/{topc}: "), run.stderr


def test_a_query_that_is_no_json(tmp_path):
    """The plugin reads it with the host's reader during the check."""
    text = "[source]\nplugin = elasticsearch\nurl = http://h\nindex = a\nquery = %s\n" + SINK
    run = check(tmp_path, text % '{"match_all":{}')
    assert run.returncode == 2
    assert run.stderr.startswith("web.ini:5: [source] query: "), run.stderr
    assert check(tmp_path, text % '{"match_all":{}}').returncode == 0


def test_an_unknown_librdkafka_property(tmp_path):
    run = check(tmp_path, "[source]\nplugin = kafka\nbrokers = h\ntopics = t\ngroup = g\n"
                          "rdkafka.no.such.property = 1\n" + SINK)
    assert run.returncode == 2
    assert run.stderr.startswith("web.ini:6: [source] "), run.stderr
    assert "no.such.property" in run.stderr


def test_what_references_bring_in_is_never_shown(tmp_path):
    secret = "s3cret-never-shown"
    run = check(tmp_path, "[source]\nplugin = kafka\nbrokers = h\ntopics = t\ngroup = g\n"
                          "rdkafka.sasl.password = ${env:T_SECRET}\nstart = ${env:T_SECRET}\n"
                          f"rdkafka.{secret} = 1\n" + SINK + f"{secret} = 1\n", env={"T_SECRET": secret})
    assert run.returncode == 2
    assert secret not in run.stderr + run.stdout
    assert "[source] start = ${env:T_SECRET}: must be " in run.stderr


def test_secret_from_a_file(tmp_path):
    (tmp_path / "pw").write_text("from-a-file\n")
    run = check(tmp_path, SOURCE + "[sink]\nplugin = elasticsearch\nurl = http://h\nindex = a\nusername = u\n"
                                   f"password = ${{file:{tmp_path}/pw}}\n")
    assert run.returncode == 0, run.stderr


def test_absent_plugin_says_where_it_was_looked_for(tmp_path):
    run = check(tmp_path, "[source]\nplugin = fille\n" + SINK)
    assert run.stderr.startswith('web.ini:2: [source] plugin = fille: there is no plugin "fille" in ')
    assert os.environ["WEIR_PLUGIN_PATH"].split(":")[0] in run.stderr
    assert run.stderr.endswith('; did you mean "file"?\n')


def compile_plugin(folder, name, code):
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)
    target = folder / f"{name}.so"
    subprocess.run([os.environ.get("CC", "gcc").split()[0], "-shared", "-fPIC", f"-I{TOP}/plugin-api", "-x", "c",
                    "-o", target, "-"], input=code, text=True, check=True)
    target.chmod(0o755)
    return target


HEAD = """#define WEIR_API 1
#include <weir/plugin.h>
static const struct weir_ops *const ops[] = {0};
static const struct weir_plugin plugin = {
  .struct_size = sizeof plugin, .magic = WEIR_MAGIC, .abi_major = %s, .api = %s,
  .name = "bad", .version = "1", .summary = "s", .license = "l", .ops = ops};
WEIR_PLUGIN(plugin);
"""


@pytest.mark.parametrize("code, reason", [
    ("int nothing;", "not a weir plugin: it has no symbol weir_plugin_entry"),
    ("void *weir_plugin_entry(void) { return 0; }", "plugin declined to load"),
    ("int absent(void); void *weir_plugin_entry(void) { return absent() ? 0 : 0; }", "undefined symbol: absent"),
    (HEAD % ("0", "1"),
     "it is built for ABI 0 and this weir has ABI 1; rebuild it with this weir's plugin.h"),
    (HEAD % ("9", "1"),
     "it is built for ABI 9 and this weir has ABI 1; rebuild it with this weir's plugin.h"),
    (HEAD % ("1", "9"), "it needs API level 9 and this weir has level 1; use a newer weir, or build the plugin "
                        "with WEIR_API_MIN 1"),
    (HEAD % ("1", "1"), "it is neither a source nor a transform nor a sink"),
])
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler")
def test_a_plugin_that_does_not_fit(tmp_path, code, reason):
    target = compile_plugin(tmp_path / "plugins", "bad", code)
    (tmp_path / "web.ini").write_text("[source]\nplugin = bad\n" + SINK)
    run = weir("--plugin-path", target.parent, "check", "web.ini", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith(f"web.ini:2: [source] plugin = bad: {target}: "), run.stderr
    assert reason in run.stderr
    run = weir("plugins", "check", target)
    assert run.returncode == 1
    assert reason in run.stderr


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler")
def test_a_plugin_others_could_have_written(tmp_path):
    target = compile_plugin(tmp_path / "plugins", "bad", "int nothing;")
    target.chmod(0o757)
    run = weir("plugins", "check", target)
    assert run.returncode == 1
    assert f"{target} can be written by everybody" in run.stderr
    assert f"mend it with chmod go-w {target}" in run.stderr
    target.chmod(0o755)
    target.parent.chmod(0o775)
    run = weir("plugins", "check", target)
    assert f"{target.parent} can be written by its group" in run.stderr
    link = tmp_path / "other" / "bad.so"
    link.parent.mkdir(mode=0o755)
    link.symlink_to(target)
    assert f"{target.parent} can be written by its group" in weir("plugins", "check", link).stderr


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler")
def test_a_plugin_that_crashes_is_a_finding(tmp_path):
    target = compile_plugin(tmp_path / "plugins", "bad",
                            "#include <stdlib.h>\n__attribute__((constructor)) static void x(void) { abort(); }\n"
                            "void *weir_plugin_entry(void) { return 0; }")
    run = weir("plugins", "check", target)
    assert run.returncode == 1
    assert "while it is loaded" in run.stderr


def test_a_folder_of_pipelines(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "b.ini").write_text(SOURCE + SINK)
    (tmp_path / "conf.d" / "a.ini").write_text(SOURCE + SINK)
    (tmp_path / "conf.d" / "c.ini.disabled").write_text("not read\n")
    run = weir("check", "conf.d", cwd=tmp_path, env={"LC_ALL": "C"})
    assert run.returncode == 0
    assert run.stdout.splitlines()[::2] == ["a: file -> std", "b: file -> std"]
    (tmp_path / "conf.d" / "b.ini").write_text("[pipeline]\nname = a\n" + SOURCE + SINK)
    run = weir("check", "conf.d", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr == ("conf.d/b.ini: the pipeline's name \"a\" is that of conf.d/a.ini; give one of them another "
                          "with name = in [pipeline]\n")


def test_files_that_are_not_there(tmp_path):
    run = weir("check", "none.ini", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (2, "none.ini: can not be read: No such file or directory\n")
    (tmp_path / "empty").mkdir()
    run = weir("check", "empty", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (2, "empty: there is no file *.ini in this folder\n")


@pytest.mark.parametrize("args, text", [
    ((), "weir: a command is missing; see weir --help\n"),
    (("chek",), 'weir: there is no command "chek"; see weir --help\n'),
    (("check",), "weir check: name a FILE or a DIR; see weir check --help\n"),
    (("serve",), "weir serve is not available in this version\n"),
    (("dlq",), "weir dlq: it goes on with ls, show or redrive; see weir dlq --help\n"),
    (("dlq", "ls"), "weir dlq ls: name a FILE or a DIR; see weir dlq ls --help\n"),
    (("plugins", "a", "b"), "weir plugins: give one NAME, or check and a FILE.so; see weir plugins --help\n"),
    (("--plugin-path",), "weir: --plugin-path needs a folder; see weir --help\n"),
])
def test_bad_usage(args, text):
    run = weir(*args)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", text)


def test_help_and_version():
    assert weir("--version").stdout.startswith("weir ")
    for command in ["run", "serve", "check", "plugins", "new", "test", "dlq"]:
        run = weir(command, "--help")
        assert run.returncode == 0
        assert run.stdout.startswith(f"usage: weir {command} ")
        assert command in weir("--help").stdout


def test_samples_in_conf_d_pass(tmp_path):
    samples = sorted(f for f in (TOP / "conf.d").iterdir() if not f.name.endswith(".test.ini"))
    assert samples
    for sample in samples:
        copy = tmp_path / sample.name.removesuffix(".disabled")
        shutil.copy(sample, copy)
        run = weir("check", copy)
        assert run.returncode == 0, run.stderr


def test_live_check_names_who_does_not_answer(tmp_path):
    run = check(tmp_path, SOURCE + "[sink]\nplugin = elasticsearch\nurl = http://127.0.0.1:1\nindex = a\n",
                args=["--live"])
    assert run.returncode == 1
    assert run.stderr.startswith("web.ini:4: [sink] "), run.stderr
