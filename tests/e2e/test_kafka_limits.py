# SPDX-License-Identifier: BSD-2-Clause
"""A topic that takes less than weir sends at once: what is too large is a dead letter, nothing else is touched or moved."""
import pytest

from lib.record import Record

pytestmark = pytest.mark.pipeline
LIMIT = 20000


def records(n, every, large):
    """Small ones, and every so many-th one that is `large`."""
    return [Record(value=(b"%d " % i).ljust(large if i % every == every - 1 else 300, b"x"), key=b"k") for i in range(n)]


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_what_is_too_large_is_left_out(weir, kafka, name, tmp_path, delivery):
    """Requests hold fewer records than usual from the first on, so none is refused for a neighbour."""
    topic, out = kafka.create(f"{name}-in"), kafka.create(f"{name}-out", max_message_bytes=LIMIT)
    sent = records(3000, 500, 3 * LIMIT)
    kafka.produce(topic, sent)
    result = weir.run(f"""
        [source]
        plugin = kafka
        brokers = {kafka.brokers}
        topics = {topic}
        [sink]
        plugin = kafka
        brokers = {kafka.brokers}
        topic = {out}
        delivery = {delivery}
        in-flight = 8
        [dead-letter]
        plugin = file
        path = {tmp_path}/dead
        format = record
        """)
    result.ok(2994, dead=6)
    assert [r.value for r in kafka.read(out)] == [r.value for r in sent if len(r.value) < LIMIT]
    assert (tmp_path / "dead").read_text().count("\n") == 6


def test_a_record_that_just_fits_passes(weir, kafka, name, tmp_path):
    """The size that counts is that of the request: 61 bytes, and the record with what frames it."""
    topic, out = kafka.create(f"{name}-in"), kafka.create(f"{name}-out", max_message_bytes=LIMIT)
    most = LIMIT - 61 - 3 - 1 - 3 - 3 - 1 - 1  # time, offset, attributes; key "k", value, headers and their lengths
    kafka.produce(topic, [Record(value=b"x" * size, key=b"k") for size in (most - 1, most, most + 1, most + 2)])
    weir.run(f"""
        [source]
        plugin = kafka
        brokers = {kafka.brokers}
        topics = {topic}
        [sink]
        plugin = kafka
        brokers = {kafka.brokers}
        topic = {out}
        [dead-letter]
        plugin = file
        path = {tmp_path}/dead
        format = record
        """).ok(2, dead=2)
    assert [len(r.value) for r in kafka.read(out)] == [most - 1, most]


def test_what_is_compressed_is_judged_by_the_brokers(weir, kafka, name):
    topic, out = kafka.create(f"{name}-in"), kafka.create(f"{name}-out", max_message_bytes=LIMIT)
    sent = records(1000, 100, 3 * LIMIT)
    kafka.produce(topic, sent)
    weir.run(f"""
        [source]
        plugin = kafka
        brokers = {kafka.brokers}
        topics = {topic}
        [sink]
        plugin = kafka
        brokers = {kafka.brokers}
        topic = {out}
        rdkafka.compression.codec = lz4
        """).ok(1000)
    assert [r.value for r in kafka.read(out)] == [r.value for r in sent]
