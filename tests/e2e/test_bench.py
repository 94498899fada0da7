# SPDX-License-Identifier: BSD-2-Clause
"""The short mode of tests/bench with the real servers: what goes through its lanes is compared there, record by record."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench" / "bench.py"


@pytest.mark.skipif(bool(os.environ.get("WEIR_SANITIZED")), reason="what it measures is not what users get")
def test_cost_as_partitions_and_workers_grow(services, kafka, es, tmp_path):
    file = tmp_path / "figures.json"
    build = pathlib.Path(os.environ["WEIR"]).parent
    command = [sys.executable, "-B", BENCH, "--build", build, "--scale", "--quick", "--sweeps", "partitions,workers", "--json", file]
    env = {**os.environ, "WEIR_SERVICES": services.dir}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())["scale"]
    assert set(found["partitions"]) == {"kafka-file", "kafka-es", "file-kafka", "file-kafka-spread", "limit", "limit-write"}
    assert set(found["workers"]) == {"kafka-file", "kafka-es"}
    for points in (*found["partitions"].values(), *found["workers"].values()):
        assert len(points) == 2 and all(p["start_ms"] > 0 and p["wall"] > 0 and p["rss"] > 1 << 20 for p in points)
