#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs.py - what the documents say is tried: pipelines, commands, options, links and paths (t-docs.sh runs it).

Usage: docs.py TOP WEIR PLUGIN_FOLDER; prints a line for each thing that is not so, then how many were looked at."""
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

TOP, WEIR, PLUGINS = sys.argv[1:4]
PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md"]
PAGES += sorted(os.path.relpath(p, TOP) for p in glob.glob(TOP + "/docs/*.md") + glob.glob(TOP + "/tests/*/README.md"))

# Commands that this gate does not run, and what runs them.  `*` stands for anything.
ELSEWHERE = {
    "./demo/run": "tests/gates/t-demo.sh",
    "./demo/run http://*": "tests/e2e/test_demo.py",
    "./tests/run-all": ".ci/run",
    "tests/run-all": ".ci/run",
    "weir run web.ini": "tests/e2e/test_pairs.py",
    "weir run --metrics*": "tests/e2e/test_metrics.py",
    "weir check --live": "tests/e2e/test_cli.py",
    "weir check --live web.ini": "tests/e2e/test_cli.py",
    "./autogen.sh": "tests/run-all",
    "./configure": "tests/run-all",
    "../configure": "tests/run-all",
    "/path/to/weir/configure": "tests/run-all",
    "configure --*": "tests/run-all",
    "make": "tests/run-all",
    "make -j*": "tests/run-all",
    "make check": "tests/run-all",
    "make check TESTS=*": "tests/run-all",
    "make install*": "tests/gates/t-install.sh",
    "make distcheck": "by hand: it builds twice",
    "make format": "tests/gates/t-style.sh",  # asks for its result
    "make update-golden": "tests/gates/t-plugins.sh",  # asks for its result
    "make tests/*": "tests/local.mk",
    "mkdir -p *": "by hand",
    "cd *": "by hand",
    "export *": "by hand",
    "~/.cache/weir/venv/bin/pytest *": "tests/run-all",
    "dir=$(mktemp -d)": "by hand",
    ". \"$dir/env\"": "by hand",
    "echo hello | kcat *": "by hand",
    "tests/services/*": "tests/e2e/lib/services.py",
    "packaging/install-test-deps": "tests/run-all",
    "packaging/install-build-deps": "demo/run",
    "tests/unit/t-json": "tests/local.mk",
    "tests/fuzz/run *": "tests/gates/t-fuzz.sh",
    "/tmp/weir-fuzz/NAME FILE": "tests/fuzz/run",
    "tests/bench/*": "by hand: it takes minutes and compares programs",
    "tests/abi/grown *": "by hand: it builds weir, of a level that is not there yet",
    "tests/cost/run.py*": "tests/gates/t-instructions.sh",
    "tests/faults/run": "tests/run-all",
    "tests/faults/soak *": "by hand: it takes as long as it is told",
    "tests/gates/t-*.sh*": "tests/local.mk",
    "sqlite3 *.db*": "by hand",
    "weir new*": "tests/gates/t-new.sh",
    "weir dlq *": "tests/e2e/test_dead_letters.py",
    "weir test*": "tests/gates/t-test.sh",
    "WEIR_PLUGIN_PATH=plugins/built ./weir*": "tests/local.mk",
}
NOT_YET = ("serve",)

failures, looked = [], 0
shown_pipelines = {}


def check(good, text):
    global looked
    looked += 1
    if not good:
        failures.append(text)
    return good


def weir(*args, cwd=None):
    env = dict(os.environ, WEIR_PLUGIN_PATH=PLUGINS, LC_ALL="C.UTF-8")
    r = subprocess.run([WEIR, *args], cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", timeout=60)
    return r.returncode, r.stdout, r.stderr


def built(text):
    """Whether all plugins a pipeline names were built."""
    names = re.findall(r"(?m)^plugin\s*=\s*([\w-]+)", text)
    return all(os.path.exists(f"{PLUGINS}/{n}.so") for n in names)


# --- pipelines ---------------------------------------------------------------------------------------------------

def completed(text):
    """A part of a pipeline with what it lacks."""
    if not re.search(r"(?m)^\[source\]", text):
        text = "[source]\nplugin = std\n" + text
    if not re.search(r"(?m)^\[sink", text):
        text += "\n[sink]\nplugin = std\n"
    return text


def with_secrets(text):
    return re.sub(r"\$\{file:[^}]*\}", "${file:" + work + "/secret}", text)


def check_pipeline(where, text, name="example"):
    """Prints of weir check; None: it was refused, or can not be looked at."""
    if not built(text):
        return None
    file = f"{work}/{name}.ini"
    with open(file, "w", encoding="utf-8") as f:
        f.write(with_secrets(completed(text)))
    status, out, err = weir("check", os.path.basename(file), cwd=work)
    check(status == 0, f"{where}: weir check says of this example: {err.strip() or status}")
    return out if status == 0 else None


def check_chain(where, shown, said):
    """A block that shows what weir check prints: the same lines; `...` stands for the rest of one."""
    said = said.rstrip("\n").split("\n")
    shown = shown.rstrip("\n").split("\n")
    same = len(shown) <= len(said) and all(
        s == t or (s.endswith("...") and t.startswith(s[:-3])) for s, t in zip(shown, said))
    check(same, f"{where}: weir check does not print that but: {' / '.join(said)}")


def check_test(where, text, name):
    """Tests, whose pipeline was shown before them: what weir test prints; None: it can not be looked at."""
    pipeline = re.search(r"(?m)^pipeline\s*=\s*(\S+)", text)
    pipeline = f"{work}/{pipeline[1] if pipeline else name + '.ini'}"
    if not check(os.path.exists(pipeline), f"{where}: its pipeline was not shown before"):
        return None
    with open(pipeline, encoding="utf-8") as f:
        body = f.read()
    if not built(body):
        return None
    with open(pipeline, "w", encoding="utf-8") as f: # as it is written: no secrets are needed
        body = completed(shown_pipelines.get(os.path.basename(pipeline), body))
        dead = "" if "[dead-letter]" in body or "expect-dead" not in text else "\n[dead-letter]\nplugin = std\n"
        f.write(body + dead)
    with open(f"{work}/{name}.test.ini", "w", encoding="utf-8") as f:
        f.write(text)
    return weir("test", f"{name}.test.ini", cwd=work)


def check_samples():
    env = {"DEMO": "/demo", "KAFKA": "127.0.0.1:9092", "ES": "http://127.0.0.1:9200", "OUT": "/tmp/out"}
    os.environ.update(env)
    for file in sorted(glob.glob(TOP + "/conf.d/*") + glob.glob(TOP + "/demo/conf.d/*")):
        name = os.path.basename(file)
        if name.endswith(".test.ini"):
            with open(glob.glob(file[:-8] + "ini*")[0], encoding="utf-8") as f:
                if built(f.read()):
                    status, out, err = weir("test", file)
                    check(status == 0, f"{os.path.relpath(file, TOP)}: {out}{err}")
            continue
        with open(file, encoding="utf-8") as f:
            check_pipeline(os.path.relpath(file, TOP), f.read(), name.split(".ini")[0])


# --- commands ----------------------------------------------------------------------------------------------------

def commands_of(text):
    """Command lines in a text of shell: comments off, parts of && apart."""
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        yield from (part.strip() for part in line.split("&&") if part.strip())


def looks_like_command(span):
    return re.match(r"(weir(?= )|\./\S+|\.\./\S+|make|configure|sqlite3|WEIR_\w+=\S+(?= ))( |$)", span) or \
        re.match(r"(packaging/install|tests/run-all|demo/run)", span)


def run_command(where, words):
    command = words[1] if len(words) > 1 else ""
    if command in NOT_YET:
        status, _, err = weir(command)
        return check(status == 2 and "not available" in err, f"{where}: weir {command} does not say that it is not there yet")
    args = [{"NAME": "std", "FILE": "fine.ini", "web.ini": "fine.ini"}.get(w, w) for w in words[1:]]
    if command == "plugins" and len(args) > 1 and not os.path.exists(f"{PLUGINS}/{args[1]}.so"):
        return True
    if args == ["check"]:
        args.append("fine.ini")
    status, out, err = weir(*args, cwd=work)
    return check(status == 0 and out, f"{where}: `{' '.join(words)}` fails: {err.strip()}")


def check_command(where, command):
    if any(fnmatch.fnmatchcase(command, known) for known in ELSEWHERE):
        return check(True, "")
    words = command.split()
    if words[0] == "weir" and (words[1:2] in (["plugins"], ["check"], ["--version"], ["--help"]) or words[1:2] and words[1] in NOT_YET
                               or words[-1] == "--help"):
        return run_command(where, words)
    return check(False, f"{where}: `{command}` is run by no test; add it to tests/gates/docs.py")


# --- options -----------------------------------------------------------------------------------------------------

def load_options():
    """{plugin: {option: set of values or None}}; host options are of all."""
    found = {}
    for so in glob.glob(PLUGINS + "/*.so"):
        name = os.path.basename(so)[:-3]
        options = found.setdefault(name, {"plugin": None})
        for kind in json.loads(weir("plugins", name, "--schema")[1])["$defs"].values():
            for option, row in kind["properties"].items():
                values = ["yes", "no", "true", "false"] if row.get("type") == "boolean" else row.get("enum")
                known = options.get(option)
                options[option] = set(values) | (known or set()) if values else known
            for group in kind.get("patternProperties", {}):
                options[group.lstrip("^").replace("\\", "")] = None
    return found


def option_of(options, name):
    """The option's name, or that of its group."""
    return name if name in options else next((g for g in options if g.endswith(".") and name.startswith(g)), name)


HOST = {"name", "order", "memory", "workers", "fan-out", "commit", "drain", "stuck.after", "stop-after"}


def check_options(page, text, options):
    """Every `option = value` in a plugin's page is an option of a plugin, and a choice one of its words."""
    name = os.path.basename(page)[:-3]
    if name not in options:
        return
    text = "\n".join(line for line in text.splitlines() if not re.search(r"not (there yet|in this version)", line))
    for span in re.findall(r"`([^`\n]+)`", text):
        m = re.fullmatch(r"([a-z][a-z0-9.-]*) = (\S+)", span)
        if not m or m[1] in HOST or m[1].startswith("rdkafka."):
            continue
        known = [o[option_of(o, m[1])] for o in options.values() if option_of(o, m[1]) in o]
        check(known, f"{page}: `{span}`: there is no such option")
        if m[1] in options[name] and options[name][m[1]] and m[2] not in ("...", "auto"):
            check(m[2] in options[name][m[1]], f"{page}: `{span}`: the values are {sorted(options[name][m[1]])}")


# --- errors ------------------------------------------------------------------------------------------------------

def errors_table(name):
    """What a sink makes of errors, as the plugin's page shows it; None: it has no such table."""
    sink = json.loads(weir("plugins", name, "--schema")[1])["$defs"].get("sink", {})
    rows = sink.get("errors", [])
    columns = [c for c in ("status", "type", "where", "means", "class") if any(c in row for row in rows)]
    head = {"type": "error", "where": "at"}
    lines = ["| " + " | ".join(head.get(c, c) for c in columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    for row in rows:
        cells = {c: row.get(c, "any") for c in columns}
        if row.get("type", "none") != "none":
            cells["type"] = f"`{row['type']}`"
        if "text begins with" in row:
            cells["type"] += f" (\"{row['text begins with']}...\")"
        lines.append("| " + " | ".join(cells[c] for c in columns) + " |")
    return "\n".join(lines) + "\n" if rows else None


def check_errors(page, text, options):
    name = os.path.basename(page)[:-3]
    table = errors_table(name) if name in options else None
    check(not table or table in text, f"{page} does not show the table of errors as it is:\n{table}")


# --- links and paths ---------------------------------------------------------------------------------------------

def slug(heading):
    heading = re.sub(r"[`*]", "", heading.strip()).lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(file):
    with open(file, encoding="utf-8") as f:
        return {slug(h) for h in re.findall(r"(?m)^#+ (.*)$", f.read())}


def check_links(page, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(TOP, os.path.dirname(page), path)) if path else f"{TOP}/{page}"
        if check(os.path.exists(file), f"{page}: the link to {target} leads nowhere") and anchor:
            check(anchor in anchors(file), f"{page}: {target}: there is no such heading")


def check_paths(page, text):
    """Files of the project that are named in `...`; capitals stand for any name."""
    for span in re.findall(r"`([^`\s]+)`", text):
        if not re.match(r"(host|plugins|plugin-api|tests|docs|demo|conf\.d|packaging)/", span):
            continue
        for path in expand(span):
            pattern = re.sub(r"\b[A-Z][A-Z_]+\b", "*", path)
            made = re.match(r"(plugins/built|tests/bench/json-bench|tests/unit/t-json$|plugins/man)", path)
            check(made or glob.glob(f"{TOP}/{pattern}"), f"{page}: there is no {path}")


def expand(span):
    m = re.fullmatch(r"(.*)\{(.*)\}(.*)", span)
    return [m[1] + part + m[3] for part in m[2].split(",")] if m else [span]


# --- pages -------------------------------------------------------------------------------------------------------

def check_page(page, options):
    with open(f"{TOP}/{page}", encoding="utf-8") as f:
        text = f.read()
    said = tested = None
    blocks = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    for (language, body), (_, behind) in zip(blocks, blocks[1:] + [("", "")]):
        where = f"{page}, `{body.splitlines()[0]}`"
        test = language == "ini" and re.match(r"; (\w+)\.test\.ini\n", body)
        if test:
            tested = check_test(where, body, test[1])
            if tested and not re.match(r"(ok|FAILED) ", behind):
                check(tested[0] == 0, f"{where}: {tested[1]}{tested[2]}")
        elif language == "ini":
            name = re.match(r"; (\w+)\.ini\n", body)
            shown_pipelines[f"{name[1] if name else 'example'}.ini"] = body
            said = check_pipeline(where, body, name[1] if name else "example")
        elif re.match(r"(--|#) \w+\.(lua|jq)\n", body):  # a script that the pipelines behind it name
            with open(f"{work}/{body.split(None, 2)[1]}", "w", encoding="utf-8") as f:
                f.write(body)
        elif language == "sh" and page != "docs/plugin-guide.md":  # gone through by t-new.sh, as a whole
            for command in commands_of(body):
                check_command(page, command)
        elif tested and re.match(r"(ok|FAILED) ", body):
            check(tested[1] == body, f"{where}: weir test does not print that but:\n{tested[1]}{tested[2]}")
        elif said and body.startswith(said.split(" ")[0] + " ") and "because" in body:
            check_chain(where, body, said)
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    for line in re.findall(r"(?m)^    (\./.*|weir .*|make.*)$", prose):
        check_command(page, line)
    for span in re.findall(r"`([^`\n]+)`", prose):
        for command in commands_of(span) if looks_like_command(span) else ():
            check_command(page, command)
    check_links(page, prose)
    check_paths(page, prose)
    check_options(page, prose, options)
    check_errors(page, prose, options)


def check_manual():
    """Every option of --help is in weir(1) or the command's own page, but for those that say they are not there."""
    for command in ([], ["run"], ["check"], ["plugins"], ["new"], ["test"], ["dlq"]):
        page = f"docs/weir-{command[0]}.1" if command in (["dlq"], ["test"]) else "docs/weir.1"
        with open(f"{TOP}/{page}", encoding="utf-8") as f:
            manual = f.read().replace("\\-", "-")
        for line in weir(*command, "--help")[1].splitlines():
            for option in re.findall(r"(?<![\w-])--([a-z-]+)", line):
                if "not in this version" not in line and not line.startswith("usage:"):
                    check(f"Fl -{option}" in manual, f"{page}: --{option} of weir {' '.join(command)} --help is missing")


def check_contract():
    """weir-plugin(7) has every operation of a plugin and every function of the host."""
    with open(TOP + "/plugin-api/weir/plugin.h", encoding="utf-8") as f:
        header = f.read()
    with open(TOP + "/docs/weir-plugin.7", encoding="utf-8") as f:
        page = f.read()
    for struct in ("weir_host", "weir_ops", "weir_plugin"):
        body = re.search(rf"(?ms)^struct {struct} \{{.*?^\}};", header)[0]
        for name in re.findall(r"(?m)^    \w[\w *]*\(\*(\w+)\)\(", body):
            check(re.search(rf"\bFn {name}\b", page), f"docs/weir-plugin.7: {name} of struct {struct} is missing")


def check_readme():
    with open(TOP + "/README.md", encoding="utf-8") as f:
        first = f.read().splitlines()[:25]
    for command in ("./demo/run", "./tests/run-all"):
        check("    " + command in first, f"README.md: {command} is not on the first screen")
        check(os.access(f"{TOP}/{command}", os.X_OK), f"README.md: {command} can not be run")


with tempfile.TemporaryDirectory() as work:
    with open(work + "/secret", "w", encoding="utf-8") as secret:
        secret.write("not-so-secret\n")
    with open(work + "/fine.ini", "w", encoding="utf-8") as fine:
        fine.write("[source]\nplugin = std\n[sink]\nplugin = std\n")
    known_options = load_options()
    for runner in ELSEWHERE.values():
        check(runner.startswith("by hand") or os.path.exists(f"{TOP}/{runner}"), f"tests/gates/docs.py: there is no {runner}")
    for each in PAGES:
        check_page(each, known_options)
    check_samples()
    check_manual()
    check_contract()
    check_readme()
for failure in failures:
    print("FAILED:", failure)
print(f"{looked} looked at, {len(failures)} failed")
sys.exit(bool(failures) or not looked)
