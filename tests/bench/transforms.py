# SPDX-License-Identifier: BSD-2-Clause
"""What a transform costs: CPU of file → file with it, less that of the same lane without it, in the same round.

The records are those that tests/cost counts instructions of.  Several ways to do one job must give the same records."""
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import table
from lanes import clean
from measure import BenchError

sys.path.append(str(Path(__file__).resolve().parents[1] / "cost"))
import inputs  # noqa: E402
from cases import EDITS, GROK, REGEX, SCHEMA  # noqa: E402

FILTER, CHAIN = 0.5, 1.5  # µs per record: a filter; five edits above one
COMPARED = 500  # records, of those that must be the same
EDIT_LUA = "v.site = v.host v.client = nil v.took, v.ms = v.ms, nil v.kind = 'web' v.level = v.level or 'info'"


@dataclass(frozen=True)
class Way:
    """Of doing a job; the first of a job is the one the others are held against."""

    job: str
    plugin: str
    options: tuple = ()  # of each stage, as INI lines
    input: str = "line"
    name: str = ""

    @property
    def title(self):
        return self.name or self.plugin

    def sections(self):
        return "".join(f"[transform t{n}]\nplugin = {self.plugin}\n{text}" for n, text in enumerate(self.options))


def lua(body):
    return (f"code = function process(r) local v = r.value {body} return r end\n",)


def jq(program):
    return (f"filter = {program}\n",)


def parse(name, text, kind):
    return Way(f"parse {name}", "parse", options=(f"format = {name}\n{text}",), input=kind)


COLUMNS = "columns = n,time,host,client,method,path,status,ms,note\ntypes.n = integer\ntypes.status = integer\ntypes.ms = integer\n"
WAYS = (
    Way("keep records by a field", "filter", options=("when = .status >= 200\n",)),
    Way("keep records by a field", "jq", options=jq("select(.status >= 200)")),
    Way("keep records by a field", "lua", options=("code = function process(r) return r.value.status >= 200 and r or nil end\n",)),
    Way("upper case", "case", options=("to = upper\nfield = .method\n",)),
    Way("upper case", "jq", options=jq(".method |= ascii_upcase")),
    Way("upper case", "lua", options=lua("v.method = v.method:upper()")),
    Way("rename a field", "fields", options=("rename.ms = took\n",)),
    Way("rename a field", "jq", options=jq(".took = .ms | del(.ms)")),
    Way("rename a field", "lua", options=lua("v.took, v.ms = v.ms, nil")),
    Way("one edit", "fields", options=(EDITS[0],)),
    Way("five edits", "fields", options=("".join(EDITS),), name="fields, one stage"),
    Way("five edits", "fields", options=EDITS, name="fields, five stages"),
    Way("five edits", "jq", options=jq('.site = .host | del(.client) | .took = .ms | del(.ms) | .kind = "web" | .level //= "info"')),
    Way("five edits", "lua", options=lua(EDIT_LUA)),
    Way("a number as text", "cast", options=("as.status = string\n",)),
    Way("a time as milliseconds", "timestamp", options=("field = .time\nfrom = rfc3339\nto = unix-ms\n",)),
    Way("set a header", "header", options=("set.host = {.host}\n",)),
    Way("the key of a field", "key", options=("field.host = {.host}\n",)),
    Way("the topic of a field", "route", options=("topic = web-{.method}\n",)),
    Way("flatten", "flatten", options=("",)),
    Way("a JSON Schema of five fields", "validate", options=(f"schema = {SCHEMA}\n",)),
    Way("find cards, addresses, tokens", "redact", options=("patterns = card, mail, ip, iban, token\n",)),
    parse("json", "field = .log\n", "docker"),
    parse("csv", COLUMNS, "csv"),
    parse("logfmt", "types = auto\n", "logfmt"),
    parse("syslog", "", "syslog"),
    parse("access", "", "access"),
    parse("regex", f"pattern = {REGEX}\ntypes.status = integer\ntypes.bytes = integer\n", "access"),
    parse("grok", f"pattern = {GROK}\n", "access"),
)


class Lane:
    """file → file over the records of one kind, with a way between or none."""

    def __init__(self, bench, records):
        self.bench, self.records, self.made = bench, records, {}

    def source(self, kind):
        if kind not in self.made:
            self.made[kind] = self.bench.folder / f"transforms.{kind}"
            with open(self.made[kind], "w", buffering=1 << 20) as f:
                f.writelines(map(getattr(inputs, kind), range(self.records)))
        return self.made[kind]

    def run(self, kind, way):
        """CPU seconds, and the first records that came out."""
        b = self.bench
        ini, state, out = (b.folder / f"transforms.{end}" for end in ("ini", "state", "out"))
        clean(state, out)
        ini.write_text(f"[source]\nplugin = file\npath = {self.source(kind)}\n{way.sections() if way else ''}[sink]\nplugin = file\npath = {out}\n")
        cost = b.meter.run(b.weir.run(state, ini), env=b.weir.env)
        count, first = 0, []
        with open(out, "rb") as f:
            for line in f:
                count += 1
                if count <= COMPARED:
                    first.append(line)
        if count != self.records:
            raise BenchError(f"{way.job if way else 'no transform'}: {self.records} records in, {count} out")
        return cost.cpu, first


def missing(bench, ways):
    """Plugins that this build has not."""
    return {w.plugin for w in ways if not Path(bench.weir.env["WEIR_PLUGIN_PATH"], f"{w.plugin}.so").exists()}


def compare(seen, way, first):
    """What the first way of the job made is what the others must make, as JSON with numbers as doubles."""
    said = [json.loads(line) for line in first]
    if seen.setdefault(way.job, said) != said:
        at = next(n for n, (a, b) in enumerate(zip(seen[way.job], said)) if a != b)
        raise BenchError(f"{way.job}: {way.title} makes {said[at]}, not {seen[way.job][at]}")


def run(bench, records, runs):
    """{records, ways: [{job, way, us: [of each round]}]}"""
    gone = missing(bench, WAYS)
    for plugin in sorted(gone):
        print(f"left out, not in this build: {plugin}", file=sys.stderr)
    ways = [w for w in WAYS if w.plugin not in gone]
    lane, found, seen = Lane(bench, records), {w: [] for w in ways}, {}
    for turn in range(runs):
        bare = {}
        for way in ways:
            table.progress(f"transforms: round {turn + 1} of {runs}, {way.job}: {way.title}")
            if way.input not in bare:
                bare[way.input] = lane.run(way.input, None)[0]
            cpu, first = lane.run(way.input, way)
            compare(seen, way, first)
            found[way].append(round((cpu - bare[way.input]) / records * 1e6, 4))
    table.progress("")
    clean(*lane.made.values(), *(bench.folder / f"transforms.{end}" for end in ("ini", "state", "out")))
    return {"records": records, "ways": [{"job": w.job, "way": w.title, "us": us} for w, us in found.items()]}


# ---- what the page shows ------------------------------------------------------------------------------------------
def micros(found):
    """{(job, way): µs per record}, the median of the rounds."""
    return {(w["job"], w["way"]): median(w["us"]) for w in found["ways"]}


def rows(found):
    first, out = {}, []
    for w in found["ways"]:
        own, us = first.setdefault(w["job"], w["us"]), median(w["us"])
        beside = median(a / b if b > 0 else 0 for a, b in zip(w["us"], own))
        out.append((w["job"], w["way"], f"{us:.2f}", "–" if own is w["us"] else f"{beside:.1f}"))
    return ("what is done", "by", "µs a record", "times the first"), out


def aims(found):
    """(what, figure, at most)"""
    us = micros(found)
    one, rounds = ("one edit", "fields"), {(w["job"], w["way"]): w["us"] for w in found["ways"]}
    chain = median(a - b for a, b in zip(rounds["five edits", "fields, five stages"], rounds[one]))
    yield "filter on one field, µs a record", us["keep records by a field", "filter"], FILTER
    yield "five edits of fields in a chain, µs above one edit", chain, CHAIN


def bars(found):
    """(label, µs, is it the first of its job)"""
    seen = set()
    for w in found["ways"]:
        yield f'{w["job"]}: {w["way"]}' if not w["job"].startswith("parse") else w["job"], median(w["us"]), w["job"] not in seen
        seen.add(w["job"])
