# SPDX-License-Identifier: BSD-2-Clause
"""A case: transforms of Kafka Connect, weir's sections for the same, records, and where the two differ on purpose."""
import json
import random
from dataclasses import dataclass, field

REJECT = "rejected"  # an exception of Connect's, a dead letter of weir's
DROP = "dropped"


def rec(value, key=None, *, topic="shop.orders", headers=(), time=1700000000123):
    """A record, as it comes or as it goes; value and key are JSON text or None."""
    return {"topic": topic, "partition": 3, "timestamp": time, "key": key, "value": value,
            "headers": [list(h) for h in headers]}


@dataclass
class Differs:
    """What each makes of one record of the case: a record, REJECT or DROP."""
    why: str
    connect: object
    weir: object


@dataclass
class Case:
    name: str
    smt: list  # stages, as Driver.java reads them
    ini: str  # weir's [transform] sections
    records: list
    differs: dict = field(default_factory=dict)  # number of a record -> Differs


def stage(smt, config=None, predicate=None, negate=False):
    """predicate: (type, config)."""
    one = {"type": smt, "config": config or {}, "negate": negate}
    if predicate:
        one["predicate"] = {"type": predicate[0], "config": predicate[1]}
    return one


def turned(r):
    """A record or an outcome with key and value in each other's place."""
    return r if isinstance(r, str) else {**r, "key": r["value"], "value": r["key"]}


def any_objects(seed, n=100):
    """Texts of objects, always the same of a seed: nested, with all types, and numbers that Connect keeps."""
    r = random.Random(seed)

    def scalar():
        return r.choice([None, True, False, r.randint(-2**31, 2**31 - 1), r.randint(-2**63, 2**63 - 1), r.randint(-99999, 99999) / 100,
                         "".join(r.choice("ab 0\"\\\n\x01é€😀") for _ in range(r.randint(0, 6)))])

    def value(depth):
        kind = r.random() if depth < 4 else 1
        return members(depth + 1) if kind < 0.3 else [value(depth + 1) for _ in range(r.randint(0, 3))] if kind < 0.4 else scalar()

    def members(depth):
        names = r.sample(["a", "b", "c", "d", "user", "é", "x y", 'q"'], r.randint(0, 5))
        return {name: value(depth) for name in names}

    return [json.dumps(members(0), ensure_ascii=r.random() < 0.5) for _ in range(n)]


class Cases(list):
    def one(self, name, smt, ini, records, differs=None):
        """smt: one stage, or a list of them."""
        self.append(Case(name, smt if isinstance(smt, list) else [smt], ini, records, differs or {}))

    def both(self, name, smt, config, ini, values, differs=None):
        """The transform's $Value and $Key.  values: JSON texts; they stand in the key of the second, beside a value that
        stays.  differs: number -> (why, what Connect makes of the text, what weir makes of it)."""
        def outcome(text):
            return text if text in (REJECT, DROP) else rec(text, '"stays"')
        records = [rec(v, '"stays"') for v in values]
        marked = {i: Differs(why, outcome(c), outcome(w)) for i, (why, c, w) in (differs or {}).items()}
        self.one(f"{name} of the value", stage(smt + "$Value", config), ini, records, marked)
        self.one(f"{name} of the key", stage(smt + "$Key", config),
                 "\n".join(line + "\npart = key" * line.startswith("[") for line in ini.splitlines()),
                 [turned(r) for r in records],
                 {i: Differs(d.why, turned(d.connect), turned(d.weir)) for i, d in marked.items()})
