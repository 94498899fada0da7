# SPDX-License-Identifier: BSD-2-Clause
"""Kafka Connect's own transforms and weir's over the same records (tests/connect): what comes out is the same, or the case
says how and why it is not.

One JVM and one weir run all cases; a test looks at what both made of one."""
import json
import os
import subprocess
from dataclasses import dataclass
from decimal import Decimal

import pytest

from case import DROP, REJECT
from cases import cases
from lib.services import SCRIPTS

CONNECT = SCRIPTS.parent / "connect"


@dataclass(frozen=True)
class Number:
    """Whole ones by their digits, so that 2^63 is not 9.2e18; of others what they say: 1.50 is 1.5."""
    value: object


def json_of(text):
    if text is None:
        return "no bytes"
    try:
        return ["JSON", json.loads(text, parse_int=Number, parse_float=lambda t: Number(Decimal(t)))]
    except ValueError:
        return text


def seen(record):
    """As two records are compared: by all but their place, key and value as JSON."""
    if isinstance(record, str):
        return record
    return {**{k: record[k] for k in ("topic", "partition", "timestamp")}, "headers": [list(h) for h in record["headers"]],
            "key": json_of(record["key"]), "value": json_of(record["value"])}


def of_connect():
    """For each case a list of outcomes."""
    jars = subprocess.run([CONNECT / "jars"], capture_output=True, text=True, check=True).stdout.strip()
    lines = "".join(json.dumps({"transforms": c.smt, "records": [{**r, "offset": i} for i, r in enumerate(c.records)]}) + "\n"
                    for c in cases)
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
                           "-cp", jars, CONNECT / "Driver.java"], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [[DROP if o is None else REJECT if "error" in o else o for o in json.loads(line)]
            for line in done.stdout.splitlines()]


def lines_of(path):
    """Records of a file by their offset."""
    found = [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []
    return {r["offset"]: r for r in found}


def of_weir(folder):
    (folder / "ini").mkdir()
    for n, c in enumerate(cases):
        (folder / f"in.{n}").write_text("".join(json.dumps({**r, "offset": i}) + "\n" for i, r in enumerate(c.records)))
        ends = "".join(f"[{s}]\nplugin = file\nformat = record\npath = {folder}/{name}.{n}\n"
                       for s, name in (("source", "in"), ("sink", "out"), ("dead-letter", "dead")))
        (folder / "ini" / f"case{n}.ini").write_text(f"{ends}{c.ini}\n")
    done = subprocess.run([os.environ["WEIR"], "run", "--until-end", "--state-dir", folder / "state", folder / "ini"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for n, c in enumerate(cases):
        out, dead = lines_of(folder / f"out.{n}"), lines_of(folder / f"dead.{n}")
        yield [out.get(i) or (REJECT if i in dead else DROP) for i in range(len(c.records))]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return list(zip(of_connect(), of_weir(tmp_path_factory.mktemp("connect")), strict=True))


@pytest.mark.parametrize("n", range(len(cases)), ids=[c.name.replace(" ", "-") for c in cases])
def test_transform(outcomes, n):
    case = cases[n]
    for i, (record, connect, weir) in enumerate(zip(case.records, *outcomes[n], strict=True)):
        what = f"record {i}: {record}"
        if i in case.differs:
            assert seen(connect) == seen(case.differs[i].connect), f"Connect, {what}"
            assert seen(weir) == seen(case.differs[i].weir), f"weir, {what}"
            assert seen(connect) != seen(weir), f"{what}: there is no difference"
        else:
            assert seen(weir) == seen(connect), what
    assert any(seen(c) not in (REJECT, DROP) for c in outcomes[n][1]), "every record is refused: the case tests nothing"
