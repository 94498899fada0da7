# Shared by the scripts of this folder: names, the cache, starting and stopping a server process, waiting for it.
#
# Owns the layout of a run folder (README.md shows it). A server runs in a session of its own, whose number is in its pid
# file. A process is taken for ours only if it is in that session and its command line names the server's folder.
# shellcheck shell=bash

HERE=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
CACHE=${WEIR_CACHE:-${HOME:?}/.cache/weir}
TEST_USER=weir-test
WAIT=${WEIR_SERVICES_WAIT:-600} # only ends a hang: a busy machine needs two minutes, and a server that died is seen at once
KINDS=(kafka elasticsearch opensearch)

say() { echo "services: $*" >&2; }
die() {
	say "$*"
	exit 1
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || die "$tool is missing; packaging/install-test-deps installs it"
	done
}

# --- names and the cache ---

is_kind() { [[ " ${KINDS[*]} " == *" $1 "* ]]; }

# kafka-2 is the second node of kind kafka.
kind_of() { echo "${1%%-*}"; }

version_of() { sed -n "s:.*<$1\.version>\(.*\)</.*:\1:p" "$HERE/pom.xml"; }

# The hash makes a changed pom.xml a new folder, so a folder never changes once it is there.
tree_of() { echo "$CACHE/servers/$1-$(version_of "$1")-$(sha256sum "$HERE/pom.xml" | cut -c1-8)"; }

# --- run folder ---

# Sets RUN from the caller's argument; it need not exist.
use_run_dir() {
	[ -n "${1:-}" ] || die "no run folder given; see the top of $0"
	RUN=$(realpath -m -- "$1")
	[[ $RUN != *[[:space:]]* ]] || die "the servers do not start in a folder with white space in its name: '$RUN'"
}

require_run_dir() {
	use_run_dir "$@"
	[ -e "$RUN/.weir-services" ] || die "$RUN is no run folder of tests/services/up"
}

require_server() {
	[[ -n "${1:-}" && -x "$RUN/$1/run" ]] || die "no server '${1:-}' in $RUN; there are: $(servers | xargs)"
}

# Every server of the run folder, by name.
servers() {
	local dir
	for dir in "$RUN"/*/port; do
		[ -e "$dir" ] && basename "$(dirname "$dir")"
	done
	return 0
}

port_of() { cat "$RUN/$1/port"; }

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port below the range the kernel gives to clients, so that none takes it while the server is down for a moment.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		port_answers "$port" || grep -qsx "$port" "$RUN"/*/port "$RUN"/*/port[2-4] || break
	done
	echo "$port"
}

# --- the unprivileged user ---

prepare_user() {
	[ "$(id -u)" = 0 ] || return 0
	id "$TEST_USER" >/dev/null 2>&1 && return 0
	useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$TEST_USER" ||
		id "$TEST_USER" >/dev/null
}

# Prints the words that go in front of a command to run it without privileges.
as_user() {
	[ "$(id -u)" = 0 ] || return 0
	echo setpriv "--reuid=$TEST_USER" "--regid=$TEST_USER" --clear-groups --no-new-privs
}

# Makes folders that the server may write.
make_owned() {
	mkdir -p "$@"
	[ "$(id -u)" != 0 ] || chown "$TEST_USER:$TEST_USER" "$@"
}

# The server's files under the run folder, as hard links where possible: the user may not be able to see the cache.
link_tree() {
	local tree
	tree=$(tree_of "$1")
	cp -al "$tree" "$2" 2>/dev/null || { rm -rf "$2"; cp -a "$tree" "$2"; }
}

# --- processes ---

session_of() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# Fields after the command's closing bracket: state, parent, group, session.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo "$4"
}

# The process ids of one server; nothing when it is not running.
members() {
	local session file pid
	[ -s "$RUN/$1/pid" ] || return 0
	session=$(cat "$RUN/$1/pid")
	while read -r file; do
		pid=${file#/proc/}
		pid=${pid%/cmdline}
		[ "$(session_of "$pid")" != "$session" ] || echo "$pid"
	done < <(grep -lsF -- "$RUN/$1/" /proc/[0-9]*/cmdline)
}

running() { [ -n "$(members "$1")" ]; }
stopped() { ! running "$1"; }

close_inherited() {
	local fd
	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || eval "exec $fd>&-"
	done
}

# Starts RUN/NAME/run in a session of its own. The child writes the pid file, so it is there even if we are killed.
launch() {
	local name=$1 dir=$RUN/$1
	rm -f "$dir/pid"
	(
		close_inherited
		# shellcheck disable=SC2046,SC2016
		exec setsid env -i PATH="$PATH" HOME="$dir/tmp" LANG=C.UTF-8 \
			bash -c 'echo $$ >"$0/pid.new" && mv "$0/pid.new" "$0/pid" && exec "$@"' "$dir" \
			$(as_user) bash "$dir/run"
	) </dev/null >>"$RUN/logs/$name.log" 2>&1 &
	disown
	wait_until "$WAIT" test -s "$dir/pid" || fail_server "$name" "could not be launched"
}

signal_server() {
	local pids
	pids=$(members "$2")
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill "-$1" $pids 2>/dev/null || true
}

# Afterwards the pid file is gone: one that stays without a process tells of a server that died by itself.
kill_server() {
	wait_until 20 killed "$1" || die "$1 cannot be killed: process $(members "$1" | xargs)"
	rm -f "$RUN/$1/pid"
}

killed() {
	signal_server KILL "$1"
	stopped "$1"
}

stop_server() {
	signal_server TERM "$1"
	wait_until 30 stopped "$1" || say "$1 did not stop in 30 s and is killed"
	kill_server "$1"
}

# --- waiting ---

# wait_until SECONDS CONDITION...: polls the condition, bounded.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# The errors come first: a server's last lines are often about its tidy end only.
show_log() {
	local log=$RUN/logs/$1.log
	say "errors in $log:"
	grep -nE 'ERROR|FATAL|Exception|^Error' "$log" | grep -v ' INFO ' | tail -n 10 >&2 || true
	say "its last lines:"
	tail -n 30 "$log" >&2 || true
}

fail_server() {
	say "$1 $2"
	show_log "$1"
	exit 1
}

# The first process of the session becomes the server. Whether it is there is asked of the kernel: in the midst of an
# execve a process has no command line, and a server that only begins would be taken for dead.
leads() { kill -0 "$(cat "$RUN/$1/pid")" 2>/dev/null; }
ready_or_dead() { "$(kind_of "$1")_ready" "$1" || ! leads "$1"; }

wait_ready() {
	local name=$1
	wait_until "$WAIT" ready_or_dead "$name" || fail_server "$name" "gives no answer on port $(port_of "$name") after $WAIT s"
	leads "$name" || fail_server "$name" "ended while starting"
}
