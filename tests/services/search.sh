# How Elasticsearch and OpenSearch are set up, started and asked whether they are ready: one code for both, since
# OpenSearch differs in the prefix of its settings and variables only.
# shellcheck shell=bash

elasticsearch_env_name() { echo ES; }
elasticsearch_address() { search_address "$@"; }
elasticsearch_configure() {
	if [ -z "$SECURE" ]; then
		search_configure "$1" ES 'xpack.security.enabled: false'
	else
		search_configure "$1" ES "$(elasticsearch_secure "$1")"
	fi
}
elasticsearch_ready() { search_ready "$@"; }

opensearch_env_name() { echo OPENSEARCH; }
opensearch_address() { search_address "$@"; }
opensearch_configure() { search_configure "$1" OPENSEARCH ''; }
opensearch_ready() { search_ready "$@"; }

search_address() { echo "http$([ ! -e "$RUN/$1/curlrc" ] || echo s)://127.0.0.1:$(port_of "$1")"; }

# Copies certificates and users from SECURE (server.pem, server.key, ca.pem; users, users_roles, roles.yml of the file
# realm; curlrc with what curl needs to be let in) and prints the settings. The server looks at them every second.
elasticsearch_secure() {
	local dir=$RUN/$1
	make_owned "$dir/config"
	cp "$SECURE"/{server.pem,server.key,ca.pem,users,users_roles,roles.yml} "$dir/config/"
	cp "$SECURE/curlrc" "$dir/"
	[ "$(id -u)" != 0 ] || chown "$TEST_USER:$TEST_USER" "$dir"/config/*
	cat <<-END
		xpack.security.enabled: true
		xpack.security.http.ssl.enabled: true
		xpack.security.http.ssl.key: server.key
		xpack.security.http.ssl.certificate: server.pem
		xpack.security.http.ssl.certificate_authorities: ca.pem
		xpack.security.http.ssl.client_authentication: none
		resource.reload.interval.high: 1s
	END
}

search_settings() {
	local name=$1 dir=$RUN/$1 more=$2
	cat <<-END
		cluster.name: weir-test
		node.name: $name
		path.data: $dir/data
		path.logs: $dir/tmp
		network.host: 127.0.0.1
		http.port: $(port_of "$name")
		transport.port: $(cat "$dir/port2")
		discovery.type: single-node
		cluster.routing.allocation.disk.threshold_enabled: false
		$more
	END
}

# The distribution's own options without those that write files next to the program.
search_jvm_options() {
	grep -vE '^-Xm[sx]|gc\.log|HeapDump|ErrorFile' "$1"
	printf '%s\n' -Xms512m -Xmx512m
}

search_logging() {
	cat <<-END
		status = error
		appender.console.type = Console
		appender.console.name = console
		appender.console.layout.type = PatternLayout
		appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
		rootLogger.level = info
		rootLogger.appenderRef.console.ref = console
	END
}

# search_configure NAME PREFIX SETTING: PREFIX is that of the environment variables.
search_configure() {
	local name=$1 prefix=$2 dir=$RUN/$1 kind home
	kind=$(kind_of "$name")
	home=$dir/home/$kind-$(version_of "$kind")
	make_owned "$dir/config"
	search_settings "$name" "$3" >"$dir/config/$kind.yml"
	search_jvm_options "$home/config/jvm.options" >"$dir/config/jvm.options"
	search_logging >"$dir/config/log4j2.properties"
	cat >"$dir/run" <<-END
		#!/bin/bash
		# Becomes the server; it reads its settings from the config folder.
		export ${prefix}_JAVA_HOME=$(printf %q "$(dirname "$(dirname "$(realpath "$(command -v java)")")")")
		export ${prefix}_PATH_CONF=$(printf %q "$dir/config")
		export ${prefix}_TMPDIR=$(printf %q "$dir/tmp")
		exec $(printf %q "$home/bin/$kind")
	END
}

search_ready() {
	local rc=$RUN/$1/curlrc
	[ -e "$rc" ] || rc=/dev/null
	port_answers "$(port_of "$1")" &&
		curl -q -K "$rc" -sf -m 30 -o /dev/null "$(search_address "$1")/_cluster/health?wait_for_status=yellow&timeout=3s"
}
