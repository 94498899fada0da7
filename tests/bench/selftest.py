# SPDX-License-Identifier: BSD-2-Clause
"""The bench's own parts, without servers: a fit finds what is superlinear, a record has its size, a plot and the page
are what the figures say, and the short mode of --scale measures.  gates/t-bench.sh runs this.

Usage: selftest.py BUILD"""
import json
import os
import subprocess
import sys
import tempfile
import xml.dom.minidom
from pathlib import Path

import data
import page
import plot
import profiles
import scale

HERE = Path(__file__).resolve().parent


def points(costs):
    return [{"size": size, "us": us} for size, us in costs]


def test_fit():
    sizes = (100, 1000, 10_000, 100_000, 1_000_000)
    line = points((s, 2 + 0.001 * s) for s in sizes)
    a, b = scale.fit(line)
    assert abs(a - 2) < 1e-6 and abs(b - 0.001) < 1e-9, (a, b)
    assert abs(scale.worst(line, (a, b))[0] - 1) < 1e-6
    dear = points((s, (2 + 0.001 * s) * (1.5 if s == 10_000 else 1)) for s in sizes)
    times, size = scale.worst(dear, scale.fit(dear))
    assert times > page.FIT and size == 10_000, (times, size)
    square = points((s, 1e-6 * s * s) for s in sizes)
    assert scale.fit(square)[0] == 0 and scale.worst(square, scale.fit(square))[0] > page.FIT


def test_middle():
    class Cost:
        def __init__(self, cpu):
            self.cpu = cpu

    def found(*costs):
        return scale.middle([(Cost(1), Cost(1 + cost)) for cost in costs])[1].cpu - 1

    assert [found(3), found(3, 2), found(9, 1, 2), found(4, 9, 1, 2), found(9, 8, 3, 1, 2)] == [3, 2, 2, 2, 3]


def test_data():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "records")
        for size in (data.SMALLEST, data.SIZE, 5000, 1 << 20):
            found = data.make(path, 20, 1, size)
            lines = path.read_bytes().split(b"\n")
            assert found.count == 20 and {len(line) for line in lines[:-1]} == {size} and lines[-1] == b""
            assert [json.loads(line)["n"] for line in lines[:-1]] == list(range(20))
            assert data.of_file(path) == found
            path.write_bytes(b"\n".join(lines[1:]))
            assert data.of_file(path) != found


def test_plot():
    lines = [("a & b", [(1, 0.5), (10, 1.0), (1000, 0.25)]), ("c", [(1, 2.0), (1000, 0)])]
    for log in (False, True):
        svg = plot.draw("what <it> costs", "x", "y", lines, lines[:1], log)
        assert svg == plot.draw("what <it> costs", "x", "y", lines, lines[:1], log)
        drawn = xml.dom.minidom.parseString(svg)
        assert len(drawn.getElementsByTagName("polyline")) == 3
    svg = plot.bars("what <it> costs", "x", [("a & b", 2.0, True), ("c", 0.5, False), ("d", -0.1, True)])
    assert len(xml.dom.minidom.parseString(svg).getElementsByTagName("rect")) == 3
    assert plot.steps(0.9) == [0, 0.2, 0.4, 0.6, 0.8, 1.0] and plot.steps(7) == list(range(8))
    assert [plot.short(v) for v in (0.5, 300, 3000, 300_000, 1_000_000, 1 << 20)] == ["0.5", "300", "3k", "300k", "1M", "1Mi"]


def test_profile():
    rows = [
        ("weir source", "libc.so.6", "malloc", 30),
        ("rdk:broker1", "librdkafka.so.1", "0x12", 50),
        ("rdk:broker2", "[kernel.kallsyms]", "read", 20),
    ]
    found = profiles.summary(rows, 1000)
    assert found["samples"] == 100 and list(found["threads"]) == ["librdkafka: brokers", "weir source"]
    assert set(found["threads"]["librdkafka: brokers"]) == {"librdkafka", "kernel"}
    assert found["functions"][0] == ("0x12", "librdkafka", 0.5)


def test_page():
    """What is committed belongs together; figures that change show."""
    text, figures = page.PAGE.read_text(), json.loads(page.FIGURES.read_text())
    made = page.render(figures, text)
    for path, content in made.items():
        assert path.read_text() == content, f"{path} is not what docs/performance.json says: tests/bench/page.py"
    figures["scale"]["size"]["file-file"][0]["us"] *= 2
    other = page.render(figures, text)
    changed = {path.name for path in made if made[path] != other[path]}
    assert changed == {"performance.md", "performance.json", "size.svg"}, changed


def test_isolate(build):
    out = subprocess.run([HERE / "isolate.py", "--records", "2000", "--runs", "1"], check=True, capture_output=True, text=True,
                         env={**os.environ, "WEIR": f"{build}/weir", "WEIR_PLUGIN_PATH": f"{build}/plugins/built"}).stdout
    assert len(out.splitlines()) == 8 and "| the filter | " in out, out


def test_scale(build):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "figures.json")
        command = [sys.executable, "-B", HERE / "bench.py", "--build", build, "--scale", "--quick", "--json", file]
        command += ["--lanes", "file-file", "--sweeps", "size,pipelines"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TMPDIR": folder})
        assert done.returncode == 0, done.stderr
        assert "Size of a record" in done.stdout and "Pipelines in one process" in done.stdout
        found = json.loads(file.read_text())["scale"]
    assert [p["size"] for p in found["size"]["file-file"]] == [100, 10_000, 1 << 20]
    assert [p["pipelines"] for p in found["pipelines"]["file-file"]] == [1, 3]
    for p in found["size"]["file-file"] + found["pipelines"]["file-file"]:
        assert p["start_ms"] > 0 and p["us"] >= 0 and p["wall"] > 0 and p["rss"] > 1 << 20, p
    assert found["size"]["file-file"][2]["us"] > 10, "a record of 1 MiB can not be copied for less"


def test_transforms(build):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "figures.json")
        command = [sys.executable, "-B", HERE / "bench.py", "--build", build, "--transforms", "--records", "1000", "--runs", "1", "--json", file]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TMPDIR": folder})
        assert done.returncode == 0, done.stderr
        found = json.loads(file.read_text())["transforms"]
    ways = {(w["job"], w["way"]) for w in found["ways"]}
    assert ("keep records by a field", "filter") in ways and ("five edits", "fields, five stages") in ways, ways
    assert done.stdout.count("goal: ") == 2 and found["records"] == 1000


if __name__ == "__main__":
    test_fit()
    test_middle()
    test_data()
    test_plot()
    test_profile()
    test_page()
    test_isolate(sys.argv[1])
    test_scale(sys.argv[1])
    test_transforms(sys.argv[1])
