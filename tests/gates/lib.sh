# lib.sh - what the gates share; sourced.  Environment: see tests/local.mk; each has a default for a run by hand.
set -u
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
srcdir=$(cd "$srcdir" && pwd)
WEIR=${WEIR:-./weir}
export WEIR_PLUGIN_PATH=${WEIR_PLUGIN_PATH:-$PWD/plugins/built}
CC=${CC:-gcc}
CHECK_FLAGS=${CHECK_FLAGS:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0 checks=0

skip() {
	echo "skipped: $*"
	exit 77
}

notice() { echo "notice: $*"; }

bad() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# lacking TEXT: what a missing tool left untried; where all tools must be there (tests/run-all) that is a failure.
lacking() {
	[ -n "${WEIR_NEEDS_ALL_TOOLS:-}" ] || { notice "$*" && return; }
	checks=$((checks + 1))
	bad "$*"
}

have() { command -v "$1" >/dev/null; }

# pass DESCRIPTION COMMAND...: the command must succeed; its output is shown when it does not.
pass() {
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$tmp/out" 2>&1 && return 0
	bad "$what"
	head -n 20 "$tmp/out"
	return 1
}

# refuse DESCRIPTION COMMAND...: the command must fail.
refuse() {
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$tmp/out" 2>&1 || return 0
	bad "$what"
}

finish() {
	echo "$checks checks, $failures failed"
	[ "$checks" -gt 0 ] || exit 1 # a gate that checked nothing is broken
	[ "$failures" = 0 ]
	exit
}
