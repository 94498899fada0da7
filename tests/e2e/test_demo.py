# SPDX-License-Identifier: BSD-2-Clause
"""demo/run URL: the README's first command with a search server, whose index then holds the topic."""
import os
import pathlib
import subprocess

DEMO = pathlib.Path(__file__).resolve().parents[2] / "demo"
INDEX = "web-access"  # the demo's, so no other test may have it


def test_demo_indexes_the_log(search):
    lines = (DEMO / "access.ndjson").read_bytes().splitlines()
    build = pathlib.Path(os.environ["WEIR"]).parent
    search.delete(INDEX)
    r = subprocess.run([DEMO / "run", search.url], env={**os.environ, "WEIR_BUILD": str(build)}, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=600)
    n = len(lines)
    assert r.returncode == 0, r.stderr
    assert f"30-kafka-to-elasticsearch: read {n} = delivered {n} + dead-lettered 0 + dropped 0 + undelivered 0\n" in r.stderr
    search.refresh(INDEX)
    assert search.count(INDEX) == n
    assert search.source(INDEX, "7478") == lines[7477]
    search.delete(INDEX)
