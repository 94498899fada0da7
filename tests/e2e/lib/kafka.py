# SPDX-License-Identifier: BSD-2-Clause
"""Producing and consuming with confluent-kafka: a second client, to check weir's against."""
import contextlib

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from lib.record import Record
from lib.wait import until

QUIET = {"log_level": 2, "reconnect.backoff.max.ms": 500}  # a broker that a test kills is no news


class Kafka:
    def __init__(self, brokers):
        self.brokers = brokers
        self.admin = AdminClient({"bootstrap.servers": brokers, **QUIET})
        self.given_up = []
        self.producer = self.new_producer()

    def new_producer(self):
        return Producer(
            {
                "bootstrap.servers": self.brokers,
                "message.max.bytes": 2000000,
                "enable.idempotence": True,
                "linger.ms": 0,
                **QUIET,
            }
        )

    def create(self, topic, partitions=1, **config):
        config = {k.replace("_", "."): str(v) for k, v in config.items()}
        new = NewTopic(topic, num_partitions=partitions, replication_factor=-1, config=config)
        self.ask(lambda: self.admin.create_topics([new])[topic], 30, KafkaError.TOPIC_ALREADY_EXISTS)
        until(lambda: self.has_leaders(topic, partitions), f"topic {topic} has its leaders")
        return topic

    def grow(self, topic, partitions):
        for future in self.admin.create_partitions([NewPartitions(topic, partitions)]).values():
            future.result(30)
        until(lambda: self.has_leaders(topic, partitions), f"topic {topic} has its leaders")
        self.producer = self.new_producer()  # the old one goes on with the partitions it knew

    def has_leaders(self, topic, partitions):
        """A new topic answers with errors for a moment."""
        try:
            return len(self.ends_now(topic)) == partitions
        except KafkaException:
            return False

    def produce(self, topic, records, partition=0):
        """Appends records to one partition and returns them with their place."""
        out = []

        def delivered(error, message, record):
            assert error is None, error
            out.append(record.at(topic, message.partition(), message.offset()))

        for r in records:
            self.producer.produce(
                topic,
                value=r.value,
                key=r.key,
                headers=r.headers or None,
                partition=partition if r.partition is None else r.partition,
                timestamp=r.timestamp or 0,
                on_delivery=lambda e, m, r=r: delivered(e, m, r),
            )
            self.producer.poll(0)
        assert self.producer.flush(60) == 0
        return out

    def fill(self, topic, n, partitions=1, value=lambda i: b'{"n":%d}' % i, first=0):
        """n numbered records, spread over the partitions; key and value tell the number."""
        for i in range(first, first + n):
            while True:
                try:
                    self.producer.produce(topic, value(i), key=b"%d" % i, partition=i % partitions)
                    break
                except BufferError:
                    self.producer.poll(0.1)
        assert self.producer.flush(60) == 0

    def ends(self, topic, isolation="read_committed"):
        """End of each partition: of what is committed, or of all. A broker that stood still for three seconds, on a slow
        disk too, is without leaders for a moment: it is asked until it answers."""
        found = []

        def answer():
            with contextlib.suppress(KafkaException):
                found.append(self.ends_now(topic, isolation))
            return found

        return until(answer, f"the broker answers where {topic} ends")[0]

    def ends_now(self, topic, isolation="read_committed"):
        c = self.consumer(isolation)
        try:
            parts = c.list_topics(topic, 30).topics[topic].partitions
            return {p: c.get_watermark_offsets(TopicPartition(topic, p), 30)[1] for p in sorted(parts)}
        finally:
            c.close()

    def count(self, topic):
        return sum(self.ends(topic).values())

    def consumer(self, isolation="read_committed", group="e2e-reader"):
        return Consumer(
            {
                "bootstrap.servers": self.brokers,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": isolation,
                "fetch.message.max.bytes": 4000000,
                **QUIET,
            }
        )

    def read(self, topic):
        """Every record of the topic, partition by partition in order. A transaction that its producer has committed is
        not to be read before the broker has written so behind it, a moment later."""
        until(lambda: self.ends(topic) == self.ends(topic, "read_uncommitted"), f"no transaction is open in {topic}")
        ends = self.ends(topic)
        out = {p: [] for p in ends}
        c = self.consumer()
        c.assign([TopicPartition(topic, p, 0) for p in ends])
        left = {p for p, end in ends.items() if end}
        try:
            while left:
                m = c.poll(30)
                assert m is not None, f"no more records in {topic}, still waiting for partitions {left}"
                if m.error():  # but for the end of a partition they are troubles that the client itself gets over
                    if m.error().code() == KafkaError._PARTITION_EOF and m.offset() >= ends[m.partition()]:
                        left.discard(m.partition())
                    continue
                out[m.partition()].append(from_message(m))
        finally:
            c.close()
        return [r for p in sorted(out) for r in out[p]]

    def committed(self, group, topic):
        """Committed offset of each partition that has one."""
        # asked by a consumer that joins nothing: librdkafka 2.16 crashes in the admin client's request for the offsets
        # of a group when the coordinator is not where it was (rd_kafka_cgrp_op of no group)
        c = self.consumer("read_uncommitted", group)

        def answer():
            try:
                partitions = c.list_topics(topic, 5).topics[topic].partitions
                return (c.committed([TopicPartition(topic, p) for p in partitions], 5),)
            except KafkaException:
                return None

        try:
            (found,) = until(answer, "the broker answers what is committed")
        finally:
            c.close()
        return {t.partition: t.offset for t in found if t.offset >= 0}

    def members(self, group):
        return self.ask(lambda: self.admin.describe_consumer_groups([group])[group]).members

    def ask(self, request, timeout=5, done=None):
        """A request of the admin client, which may hang for good when the broker was killed: then a new client asks.
        The old one is kept, as the library does not outlive the end of a client that is being asked. The error `done`
        says that an earlier request was carried out, whose answer did not come in time."""
        last = []

        def answer():
            try:
                return (request().result(timeout),)
            except (TimeoutError, KafkaException) as e:
                if last and isinstance(e, KafkaException) and e.args[0].code() == done:
                    return (None,)
                last.append(repr(e))
                self.given_up.append(self.admin)
                self.admin = AdminClient({"bootstrap.servers": self.brokers, **QUIET})
                return None

        return until(answer, lambda: f"the broker answers an admin request: {last[-1]}")[0]

    def wait_members(self, group, n, partitions):
        """Until n members share all partitions, each with some."""

        def shared():
            members = self.members(group)
            sizes = [len(m.assignment.topic_partitions) for m in members]
            return len(members) == n and all(sizes) and sum(sizes) == partitions

        until(shared, f"{n} members of {group} share {partitions} partitions")


def from_message(m):
    return Record(
        value=m.value(),
        key=m.key(),
        headers=m.headers() or [],
        timestamp=m.timestamp()[1],
        topic=m.topic(),
        partition=m.partition(),
        offset=m.offset(),
    )
