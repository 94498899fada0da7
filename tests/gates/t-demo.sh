#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-demo.sh - demo/run, the README's first command, on the build under test: its books balance, its files hold what the
# access log says they must, and its broker ends with it. Installs nothing: without a package it is skipped.
. "$(dirname "$0")/lib.sh"
[ -x demo/mock-broker ] || skip "there is no demo/mock-broker: the plugin kafka was not built"
have jq || skip "there is no jq to count with"
for plugin in file std filter case; do
	[ -e "plugins/built/$plugin.so" ] || skip "the plugin $plugin was not built"
done
mkdir "$tmp/bin"
printf '#!/bin/sh\necho "no apt-get in a test" >&2\nexit 1\n' | tee "$tmp/bin/apt-get" "$tmp/bin/sudo" >/dev/null
chmod +x "$tmp/bin/apt-get" "$tmp/bin/sudo"
export PATH=$tmp/bin:$PATH
"$srcdir/packaging/install-build-deps" >"$tmp/deps" 2>&1 || skip "not all packages of packaging/install-build-deps are installed"
unset WEIR_PLUGIN_PATH MAKEFLAGS MFLAGS MAKELEVEL

log=$srcdir/demo/access.ndjson
count() { jq -s "map(select($1)) | length" "$log"; }
says() { # LINE
	checks=$((checks + 1))
	grep -qxF -- "$1" "$tmp/err" || bad "demo/run did not say: $1"
}

WEIR_BUILD=$PWD "$srcdir/demo/run" >"$tmp/screen" 2>"$tmp/err"
status=$?
checks=$((checks + 1))
[ $status = 0 ] || bad "demo/run exits with $status"

all=$(count true) errors=$(count '.status >= 400') slow=$(count '.status == 503 and .ms > 1500')
says "10-log-to-kafka: read $all = delivered $all + dead-lettered 0 + dropped 0 + undelivered 0"
says "  kafka: in $all = delivered $all + duplicate 0 + dead-lettered 0"
says "20-kafka-to-file: read $all = delivered $errors + dead-lettered 0 + dropped $((all - errors)) + undelivered 0"
says "  file: in $errors = delivered $errors + duplicate 0 + dead-lettered 0"
says "  screen: in $slow = delivered $slow + duplicate 0 + dead-lettered 0"
for of in $(jq -s 'map(select(.status >= 400)) | group_by(.status)[] | "\(length):\(.[0].status)"' -r "$log"); do
	says "$(printf '%6d ./errors-%s.ndjson' "${of%:*}" "${of#*:}")"
done
says "$(printf '%6d total' "$errors")"

# What is on the screen: those records alone, their hosts in capitals.
jq -Sc 'select(.status == 503 and .ms > 1500) | .host |= ascii_upcase' "$log" | sort >"$tmp/want"
jq -Sc . "$tmp/screen" | sort >"$tmp/got"
pass "demo/run shows other records than the slow 503 of the log" diff "$tmp/want" "$tmp/got"

broker=$(sed -nE 's/.* listens on (.*)$/\1/p' "$tmp/err")
gone() { # within half a minute
	timeout 30 bash -c 'while (exec 3<>"/dev/tcp/$0") 2>/dev/null; do read -r -t 0.05 <> <(:); done' "${1/://}"
}
pass "demo/run does not say where its broker listens" test -n "$broker" && pass "the mock broker outlives demo/run" gone "$broker"
[ $failures = 0 ] || tail -n 40 "$tmp/err"
finish
