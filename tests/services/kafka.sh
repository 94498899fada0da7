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

# --- listeners with TLS: one for each SECURE/listeners/NAME.pem, which holds its key and certificates ---
#
# A name that begins with "mutual" asks for a client certificate, any other for a user and a password: "plain" by PLAIN,
# with the users of SECURE/plain.jaas, the rest by SCRAM. Whoever comes without TLS may do everything, all others what the
# access control lists say.

kafka_listeners() {
	local pem
	for pem in "$SECURE"/listeners/*.pem; do
		basename "$pem" .pem
	done
}

kafka_secure_env() {
	local file name
	for file in "$RUN"/kafka/port-*; do
		name=${file##*/port-}
		[ ! -e "$file" ] || echo "KAFKA_${name^^}=127.0.0.1:$(cat "$file")"
	done
}

# kafka_secure NAME PROPERTIES: appends the listeners and what belongs to them.
kafka_secure() {
	local dir=$RUN/$1 file=$2 name listeners= map= login=org.apache.kafka.common.security
	make_owned "$dir/tls"
	cp "$SECURE/ca.pem" "$SECURE"/listeners/*.pem "$dir/tls/"
	[ "$(id -u)" != 0 ] || chown -R "$TEST_USER:$TEST_USER" "$dir/tls"
	for name in $(kafka_listeners); do
		free_port >"$dir/port-$name"
		listeners+=,${name^^}://127.0.0.1:$(cat "$dir/port-$name")
		[[ $name == mutual* ]] && map+=,${name^^}:SSL || map+=,${name^^}:SASL_SSL
		cat >>"$file" <<-END
			listener.name.$name.ssl.keystore.type=PEM
			listener.name.$name.ssl.keystore.location=$dir/tls/$name.pem
			listener.name.$name.ssl.truststore.type=PEM
			listener.name.$name.ssl.truststore.location=$dir/tls/ca.pem
			listener.name.$name.ssl.client.auth=$([[ $name == mutual* ]] && echo required || echo none)
			listener.name.$name.sasl.enabled.mechanisms=$([ "$name" = plain ] && echo PLAIN || echo SCRAM-SHA-512)
			listener.name.$name.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
			listener.name.$name.plain.sasl.jaas.config=$login.plain.PlainLoginModule required $(cat "$SECURE/plain.jaas");
		END
	done
	sed -i -e "s|^\(advertised\.\)\?listeners=.*|&$listeners|" -e "s|^listener.security.protocol.map=.*|&$map|" "$file"
	cat >>"$file" <<-END
		# A test may give a listener any other certificate while the broker runs.
		ssl.allow.dn.changes=true
		ssl.allow.san.changes=true
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:ANONYMOUS
	END
}

# kafka_configure NAME ALL...: ALL are the nodes of the cluster.
kafka_configure() {
	local name=$1 dir=$RUN/$1 heap=512m java
	shift
	[ $# = 1 ] || heap=384m
	[ -e "$RUN/kafka.uuid" ] || kafka_uuid >"$RUN/kafka.uuid"
	kafka_properties "$name" $(($# < 3 ? $# : 3)) "$(kafka_voters "$@")" >"$dir/server.properties"
	[ -z "$SECURE" ] || kafka_secure "$name" "$dir/server.properties"
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
	port_answers "$(port_of "$1")" && kcat -b "$at" -L -m 10 2>/dev/null | grep -q "^  broker .* at $at"
}
