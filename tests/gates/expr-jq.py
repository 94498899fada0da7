#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""expr-jq.py DRIVER CORPUS: weir's `when` and the real jq must agree on every expression and record.

The corpus and seeded random expressions meet fixed and random records; both sides read the same lines (format =
record).  SEED and ROUNDS may be set in the environment; a failure names the seed, the expression and the record.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

FIXED = [
    '{"status":503,"level":"info","user":{"id":7,"name":"alice"},"tags":["x","y"],"n":5,"s":"text","t":"te","b":true,'
    '"z":null,"big":9007199254740993,"e":"","odd key":1,"odd\\tkey":false,"and":1}',
    '{"status":200,"user":{"name":"bob","id":8},"tags":[],"n":-0.0,"s":"line1\\nline\\nline2","t":"x","b":false,'
    '"esc":"a\\/b\\n\\u00e9","dup":1,"dup":2,"dupes":{"a":1,"a":2},"big":1e400}',
    '{"user":{"name":"\\u03b1\\u03b2\\ud83d\\ude00 9","id":null},"tags":["x","z",null],"n":"5","s":"a\\"b\\\\c/d\\b\\f\\n\\r\\tA",'
    '"b":null}',
    '{"user":{"name":"A LI\\ncall 77","id":[]},"tags":{"a":1},"n":5.000,"s":"\u00e9t\u00e9","t":"\u00e9","b":0}',
    '{"user":[{"id":1}],"tags":"x","n":[],"s":{},"b":"","a":{"b":{"c":{"d":false}}}}',
    '{"n":1E0,"\\u006e":5,"s":"# no comment","status":"500"}',
    "[]", "[1,2,3]", '["text",{"id":7}]', "{}", "null", "true", "false", "0", "-1.5", '""', '"text"', '"alice"',
]
META = [
    dict(topic="web", partition=3, offset=42, timestamp=1700000000123, key="k1", headers=[]),
    dict(topic="log", partition=0, offset=0, timestamp=0, key=None, headers=[["h", "v"], ["n", None]]),
    dict(topic=None, partition=None, offset=None, timestamp=None, key="", headers=[["h", "v"], ["n", "x"], ["h", "v2"],
                                                                                 ["n", None], ["topic", ""]]),
    dict(topic="w\u00e9b", partition=2147483647, offset=9007199254740993, timestamp=-5, key="\u00e9\U0001f600",
         headers=[["", ""]]),
]
STRINGS = ["", "a", "ab", "b", "text", "Text", "alice", "\u00e9", "z", "\uffff", "\U0001f600", "a\nb", "5", "a b", 'q"\\/']
NUMBERS = ["0", "-0", "1", "-1", "2", "5", "5.0", "0.5", ".5", "1e2", "100", "1.", "3", "1e-3", "9007199254740993", "1e400"]
REGEXES = ["a", "^a", "b$", ".", "^$", "[a-z]+", "(a|b)c?", "\\\\d", "\\\\s", "^.$", "x*", "(.).*\\\\1", "\\\\w{2,}"]
FIELDS = ["s", "t", "n", "m", "a", "o", "b", "z", "missing"]


class Random(random.Random):
    def chance(self, p):
        return self.random() < p

    def value(self, depth=0):
        kind = self.randrange(8 if depth < 3 else 5)
        if kind == 0:
            return self.choice([None, True, False])
        if kind <= 2:
            return self.choice([0, 1, -1, 2, 5, 0.5, 100, 3, 1e-3, 9007199254740993])
        if kind <= 4:
            return self.choice(STRINGS)
        if kind <= 5:
            return [self.value(depth + 1) for _ in range(self.randrange(4))]
        return {self.choice(FIELDS + STRINGS): self.value(depth + 1) for _ in range(self.randrange(4))}

    def document(self):
        if self.chance(0.2):
            return self.value()
        doc = {"s": self.choice(STRINGS), "t": self.choice(STRINGS), "n": self.choice([0, 1, 5, -1, 0.5, 100]),
               "m": self.choice([0, 1, 5, 2]), "a": [self.value(2) for _ in range(self.randrange(4))],
               "o": {self.choice(FIELDS): self.value(2) for _ in range(3)}, "b": self.chance(0.5), "z": None}
        for name in list(doc):
            if self.chance(0.1):
                doc[name] = self.value()
            elif self.chance(0.05):
                del doc[name]
        return doc

    def string(self):
        return json.dumps(self.choice(STRINGS), ensure_ascii=self.chance(0.5))

    def literal(self, depth=0):
        kind = self.randrange(10)
        if kind < 3:
            return self.string()
        if kind < 6:
            return ("-" if self.chance(0.1) else "") + self.choice([n for n in NUMBERS if n[0] != "-"])
        if kind < 8 or depth > 2:
            return self.choice(["null", "true", "false"])
        items = [self.literal(depth + 1) for _ in range(self.randrange(4))]
        if kind == 8:
            return "[" + self.choice([",", ", "]).join(items) + "]"
        keys = self.sample(FIELDS + ["and", '"x y"'], len(items))
        return "{" + ",".join(k + ":" + v for k, v in zip(keys, items)) + "}"

    def steps(self, first):
        text = ""
        for i in range(self.choice([1, 1, 1, 2, 2, 3])):
            name = self.choice(FIELDS)
            step = self.choice(["." + name] * 5 + ["[%d]" % self.randrange(-2, 3), '["%s"]' % name, '."%s"' % name])
            if first and i == 0 and step[0] == "[":
                step = "." + step
            text += step + ("?" if self.chance(0.1) else "")
        return text

    def term(self, depth):
        kind = self.randrange(20)
        if kind < 7:
            return self.steps(True)
        if kind < 10:
            return self.literal()
        if kind < 11:
            return self.choice(["$topic", "$partition", "$offset", "$key", "$time", "$headers", "$value", "$headers.h", "."])
        if kind < 16 or depth > 3:
            return self.piped(depth)
        if kind < 17:
            return self.call(depth)
        return "(" + self.pipe(depth + 1) + ")" + (self.steps(False) if self.chance(0.1) else "")

    def piped(self, depth):
        source, call = self.choice([
            (".s", 'test("%s"%s)' % (self.choice(REGEXES), self.choice(["", "", '; "i"', "; null", '; "gx"', '; "sn"']))),
            (".t", self.choice(["startswith", "endswith"]) + "(" + self.choice([self.string(), ".", '"a"']) + ")"),
            (self.choice([".o", ".", "$headers"]), 'has("%s")' % self.choice(FIELDS)),
            (".a", "has(%s)" % self.choice(NUMBERS[:10])),
            (self.choice([".s", ".a", ".o", ".n", ".z", ".b"]), self.choice(["length", "type", "not"])),
            (self.steps(True), "IN(" + ", ".join(self.literal() for _ in range(self.randrange(1, 4))) + ")"),
            (self.choice([".s", ".m", self.string()]), "in(%s)" % self.literal()),
        ])
        if depth > 3 or self.chance(0.7):
            return "(" + source + " | " + call + ")"
        return "(" + self.term(depth + 1) + "|" + call + ")"

    def call(self, depth):
        return self.choice(["not", "length", "type", "has(%s)" % self.pipe(depth + 2), "startswith(%s)" % self.string(),
                            'test("a")', "in(%s)" % self.pipe(depth + 2), "endswith(%s)" % self.term(depth + 2)])

    def chain(self, part, signs, p, depth):
        text = part(depth)
        while self.chance(p):
            text += self.choice(signs) + part(depth)
        return text

    def comparison(self, depth):
        text = self.term(depth)
        if self.chance(0.6):
            text += self.choice(["==", " == ", " != ", "<", " <= ", ">", " >= "]) + self.term(depth)
        return text

    def conjunction(self, depth):
        return self.chain(self.comparison, [" and "], 0.25, depth)

    def disjunction(self, depth):
        return self.chain(self.conjunction, [" or "], 0.25, depth)

    def pipe(self, depth):
        return self.chain(self.disjunction, [" | ", "|"], 0.15, depth)


def jq_program(exprs):
    return (". as $r | $r.topic as $topic | $r.partition as $partition | $r.offset as $offset | $r.key as $key | $r.value as $value"
            " | $r.timestamp as $time | (reduce $r.headers[] as $h ({}; .[$h[0]] = $h[1])) as $headers"
            " | (if $r.value == null then null else ($r.value | fromjson) end) | ["
            + ",".join("[try ((\n%s\n) | if . then \"1\" else \"0\" end) catch \"2\"]" % e for e in exprs)
            + '] | map(if length == 0 then "0" else .[0] end) | add')


def run(command, lines):
    done = subprocess.run(command, input="".join(lines), stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode != 0:
        sys.exit("%s ended with %d\n%s" % (command[0], done.returncode, done.stdout[:2000]))
    return done.stdout.split()


def compare(driver, folder, exprs, lines):
    """The differences as text; counts of the results."""
    expr_file, jq_file = os.path.join(folder, "exprs"), os.path.join(folder, "program.jq")
    with open(expr_file, "w", encoding="utf-8") as f:
        f.writelines(e + "\n" for e in exprs)
    with open(jq_file, "w", encoding="utf-8") as f:
        f.write(jq_program(exprs))
    ours, theirs = run([driver, expr_file], lines), run(["jq", "-r", "-f", jq_file], lines)
    wrong, counts = [], {"0": 0, "1": 0, "2": 0}
    if len(ours) != len(lines) or len(theirs) != len(lines):
        return ["%d records, weir answered %d, jq %d" % (len(lines), len(ours), len(theirs))], counts
    for line, a, b in zip(lines, ours, theirs):
        for e, x, y in zip(exprs, a, b):
            counts[y] += 1
            if x != y:
                wrong.append("weir %s, jq %s: %s\n  record %s" % (x, y, e, line.strip()))
    return wrong, counts


def main():
    driver, corpus = sys.argv[1:3]
    seed = int(os.environ.get("SEED", "1"))
    rounds = int(os.environ.get("ROUNDS", "4"))
    rnd = Random(seed)
    with open(corpus, encoding="utf-8") as f:
        fixed = [line.rstrip("\n") for line in f if line.strip()]
    records = [json.dumps(dict(META[i % len(META)], value=v)) + "\n" for i, v in enumerate(FIXED)]
    records += [json.dumps(dict(m, value=None)) + "\n" for m in META]
    records += [json.dumps(dict(m, value=FIXED[0])) + "\n" for m in META]
    wrong, total = [], {"0": 0, "1": 0, "2": 0}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(rounds + 1):
            lines, exprs = records, fixed
            if i > 0:
                exprs = [rnd.pipe(0) for _ in range(150)]
                lines = records[::3] + [json.dumps(dict(rnd.choice(META), value=json.dumps(rnd.document(), ensure_ascii=False)))
                                        + "\n" for _ in range(40)]
            more, counts = compare(driver, folder, exprs, lines)
            wrong += more
            for k in counts:
                total[k] += counts[k]
    for text in wrong[:10]:
        print(text)
    print("seed %d: %d false, %d true, %d errors; %d differences" % (seed, total["0"], total["1"], total["2"], len(wrong)))
    if wrong or min(total.values()) == 0:
        sys.exit(1)


if __name__ == "__main__":
    main()
