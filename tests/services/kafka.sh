# How an Apache Kafka node is set up, started and asked whether it is ready.
#
# Every node is broker and controller. Several names (kafka kafka-2 kafka-3) given to `up` make one cluster.
# shellcheck shell=bash

kafka_env_name() { echo KAFKA; }
kafka_address() { echo "127.0.0.1:$(port_of "$1")"; }

kafka_node_id() {
	case $1 in
	*-*) echo "${1#*-}" ;;
	*) echo 1 ;;
	esac
}

# kafka_voters NAME...: the controllers of all nodes, for controller.quorum.voters.
kafka_voters() {
	local name list=
	for name in "$@"; do
		list+=,$(kafka_node_id "$name")@127.0.0.1:$(cat "$RUN/$name/port2")
	done
	echo "${list#,}"
}

# A random UUID in Kafka's own spelling; it must not begin with a hyphen.
kafka_uuid() { echo "w$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)"; }

kafka_properties() {
	local dir=$RUN/$1 replicas=$2 voters=$3
	cat <<-END
		process.roles=broker,controller
		node.id=$(kafka_node_id "$1")
		controller.quorum.voters=$voters
		listeners=PLAINTEXT://127.0.0.1:$(port_of "$1"),PROXIED://127.0.0.1:$(cat "$dir/port3"),CONTROLLER://127.0.0.1:$(cat "$dir/port2")
		# Clients of PROXIED are told the port of a proxy, which a test may start.
		advertised.listeners=PLAINTEXT://127.0.0.1:$(port_of "$1"),PROXIED://127.0.0.1:$(cat "$dir/port4")
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
		inter.broker.listener.name=PLAINTEXT
		controller.listener.names=CONTROLLER
		log.dirs=$dir/data
		auto.create.topics.enable=true
		default.replication.factor=$replicas
		offsets.topic.replication.factor=$replicas
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=$replicas
		transaction.state.log.min.isr=$(((replicas + 1) / 2))
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=$replicas
		share.coordinator.state.topic.min.isr=$(((replicas + 1) / 2))
		group.initial.rebalance.delay.ms=0
		# Otherwise records with old timestamps vanish within minutes, even from an active segment.
		log.retention.ms=-1
		message.max.bytes=2097152
		replica.fetch.max.bytes=2097152
		# A node killed and started again is let in only when its former session has ended: 3 s instead of 9.
		broker.session.timeout.ms=3000
		broker.heartbeat.interval.ms=500
		log.cleaner.dedupe.buffer.size=16777216
	END
}

# kafka_configure NAME ALL...: ALL are the nodes of the cluster.
kafka_configure() {
	local name=$1 dir=$RUN/$1 heap=512m java
	shift
	[ $# = 1 ] || heap=384m
	[ -e "$RUN/kafka.uuid" ] || kafka_uuid >"$RUN/kafka.uuid"
	kafka_properties "$name" $(($# < 3 ? $# : 3)) "$(kafka_voters "$@")" >"$dir/server.properties"
	java=$(printf '%q -cp %q' "$(command -v java)" "$dir/home/*")
	cat >"$dir/run" <<-END
		#!/bin/bash
		# Formats the data folder if it is new, then becomes the broker.
		set -eu
		[ -e $(printf %q "$dir/data/meta.properties") ] || $java -Xmx128m kafka.tools.StorageTool format \\
			--cluster-id=$(cat "$RUN/kafka.uuid") --config $(printf %q "$dir/server.properties")
		exec $java -Xms$heap -Xmx$heap -Dorg.slf4j.simpleLogger.showDateTime=true \\
			"-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS" kafka.Kafka $(printf %q "$dir/server.properties")
	END
}

# The broker lists itself once the controller has let it in; the port alone answers earlier.
kafka_ready() {
	local at
	at=$(kafka_address "$1")
	port_answers "$(port_of "$1")" && kcat -b "$at" -L -m 2 2>/dev/null | grep -q "^  broker .* at $at"
}
