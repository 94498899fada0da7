#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""schema.py DRIVER SUITE: weir's JSON Schema must say what the published tests say, and what python3-jsonschema says.

SUITE is a draft's folder of the JSON Schema Test Suite.  Its schemas are read as 2020-12; what weir does not know it must
refuse for a reason that stands here.  Then seeded random schemas meet random values.  SEED and ROUNDS may be set in
the environment; a failure names the schema and the value.
"""
import collections
import glob
import json
import os
import random
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")
import jsonschema  # noqa: E402

FORMATS = ["date-time", "date", "time", "ipv4", "ipv6", "uuid"]
# Why a schema of the suite may be refused: what it has stands outside of the subset, or is a mistake.
REFUSALS = [
    "is not known here", "a place of this file alone", "leads nowhere", "may stand at the top alone", '"prefixItems"', "unknown keyword",
    'mean nothing without', "means nothing without", "the format ", "that draft is not known", "it is no regex",
    "leads back to itself", "a regex, which is a string",
]
# Two readings that RFC and draft allow, or where weir is stricter.
APART = {
    # Draft 7 ignores what stands beside $ref, 2020-12 does not.
    ("ref", "ref overrides any sibling keywords"), ("ref", "$ref prevents a sibling $id from changing the base uri"),
    # PCRE2's \s, \w and \S are ASCII's, ECMA-262's \s is Unicode's.
    ("ecmascript-regex", "ECMA 262 \\s matches whitespace"), ("ecmascript-regex", "ECMA 262 \\S matches everything but whitespace"),
}
# In 2020-12 a format is no rule unless a validator is told so, which weir is.
APART_TESTS = "is only an annotation by default"


class Driver:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, letter, value):
        self.process.stdin.write("%s %s\n" % (letter, json.dumps(value)))
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


def suite_files(suite):
    yield from sorted(glob.glob(suite + "/*.json"))
    for name in ["bignum", "ecmascript-regex", "float-overflow", "non-bmp-regex"] + ["format/" + f for f in FORMATS]:
        if os.path.exists("%s/optional/%s.json" % (suite, name)):
            yield "%s/optional/%s.json" % (suite, name)


def try_suite(driver, suite):
    counts, wrong = collections.Counter(), []
    for path in suite_files(suite):
        with open(path, encoding="utf-8") as f:
            groups = json.load(f)
        for group in groups:
            said = driver.ask("S", group["schema"])
            if said != "ok":
                counts["refused"] += 1
                if not any(r in said for r in REFUSALS):
                    wrong.append("%s: %s: refused: %s" % (path, group["description"], said))
                continue
            for test in group["tests"]:
                said = driver.ask("V", test["data"])
                counts["tests"] += 1
                name = (os.path.basename(path)[:-5], group["description"])
                if said[:1] != "01"[test["valid"]] and name not in APART and APART_TESTS not in test["description"]:
                    wrong.append("%s: %s: %s: should be %s, is %s" % (path, group["description"], test["description"],
                                                                    test["valid"], said))
    return counts, wrong


STRINGS = ["", "a", "ab", "abc", "b", "x1", "\u00e9t\u00e9", "\U0001f600", "a b", "A"]
NUMBERS = [2, 3, 2.0, 5, -7, 2.5, 10, 100, -2, 9007199254740993]
KEYS = ["a", "b", "c", "ab", "\u00e9", "x y"]
PATTERNS = ["a", "^a", "b$", "^.{2}$", "[0-9]", "^[a-z]*$", "^(a|b)+$", "\u00e9"]


class Random(random.Random):
    def value(self, depth=0):
        kind = self.randrange(9 if depth < 3 else 5)
        if kind == 0:
            return self.choice([None, True, False])
        if kind <= 2:
            return self.choice(NUMBERS)
        if kind <= 4:
            return self.choice(STRINGS)
        if kind <= 6:
            return [self.value(depth + 1) for _ in range(self.randrange(5))]
        return {k: self.value(depth + 1) for k in self.sample(KEYS, self.randrange(5))}

    def some(self, depth, n=3):
        return [self.schema(depth + 1) for _ in range(self.randrange(1, n + 1))]

    def keys(self):
        return self.sample(KEYS, self.randrange(4))

    def schema(self, depth=0):
        if self.random() < 0.05:
            return self.choice([True, False])
        s = {}
        for _ in range(self.choice([1, 1, 2, 2, 3])):
            self.add(s, depth)
        return s

    def add(self, s, depth):
        kind = self.randrange(14 if depth < 4 else 5)
        if kind == 0:
            types = ["null", "boolean", "number", "integer", "string", "array", "object"]
            s["type"] = self.choice(types) if self.random() < 0.5 else self.sample(types, self.randrange(1, 5))
        elif kind == 1:
            s[self.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])] = self.choice(NUMBERS)
        elif kind == 2:
            s[self.choice(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"])] = self.randrange(4)
        elif kind == 3:
            s.update(self.choice([{"pattern": self.choice(PATTERNS)}, {"uniqueItems": True}, {"multipleOf": self.choice([2, 5, 0.5])}]))
        elif kind == 4:
            s.update(self.choice([{"enum": [self.value(2) for _ in range(3)]}, {"const": self.value(1)}, {"required": self.keys()}]))
        elif kind <= 7:
            s["properties"] = {k: self.schema(depth + 1) for k in self.keys()}
            if self.random() < 0.4:
                s["additionalProperties"] = self.schema(depth + 1)
            if self.random() < 0.3:
                s["patternProperties"] = {self.choice(PATTERNS): self.schema(depth + 1)}
            if self.random() < 0.3:
                s["required"] = self.keys()
        elif kind == 8:
            s[self.choice(["items", "contains", "propertyNames", "not"])] = self.schema(depth + 1)
        elif kind == 9:
            s["prefixItems"] = self.some(depth)
        elif kind == 10:
            s[self.choice(["allOf", "anyOf", "oneOf"])] = self.some(depth)
        elif kind == 11:
            s.update({"if": self.schema(depth + 1), "then": self.schema(depth + 1), "else": self.schema(depth + 1)})
        elif kind == 12:
            s["contains"] = self.schema(depth + 1)
            s[self.choice(["minContains", "maxContains"])] = self.randrange(3)
        else:
            s.update(self.choice([{"dependentRequired": {self.choice(KEYS): self.keys()}},
                                  {"dependentSchemas": {self.choice(KEYS): self.schema(depth + 1)}},
                                  {"items": {"$ref": "#/$defs/d"}}, {"additionalProperties": {"$ref": "#/$defs/d"}}]))

    def whole(self):
        s = self.schema()
        s = s if isinstance(s, dict) else {"allOf": [s]}
        s["$defs"] = {"d": self.schema(1)}
        return s


def try_random(driver, seed, rounds):
    r, counts, wrong = Random(seed), collections.Counter(), []
    for _ in range(rounds):
        schema = r.whole()
        said = driver.ask("S", schema)
        if said != "ok":
            wrong.append("%s: refused: %s" % (json.dumps(schema), said))
            continue
        validator = jsonschema.Draft202012Validator(schema)
        for _ in range(12):
            value = r.value()
            good, said = validator.is_valid(value), driver.ask("V", value)
            counts[good] += 1
            if said[:1] != "01"[good]:
                wrong.append("%s: %s: should be %s, is %s" % (json.dumps(schema), json.dumps(value), good, said))
    return counts, wrong


def main():
    driver = Driver(sys.argv[1])
    counts, wrong = try_suite(driver, sys.argv[2])
    print("published tests: %d said the same, schemas outside of the subset: %d" % (counts["tests"], counts["refused"]))
    if counts["tests"] < 300:
        wrong.append("the suite has too few tests that count")
    seed, rounds = int(os.environ.get("SEED", "7")), int(os.environ.get("ROUNDS", "1500"))
    counts, more = try_random(driver, seed, rounds)
    print("seed %d: %d values that fit and %d that do not" % (seed, counts[True], counts[False]))
    if min(counts[True], counts[False]) < rounds:
        more.append("the random values are one-sided")
    for text in (wrong + more)[:20]:
        print(text)
    return 1 if wrong or more else 0


sys.exit(main())
