#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-bench.sh - the benchmark measures, and docs/performance.md with its plots is what its figures say.
. "$(dirname "$0")/lib.sh"
python=${WEIR_CACHE:-$HOME/.cache/weir}/venv/bin/python3
[ -x "$python" ] || python=python3
have "$python" || skip "there is no python3"
"$python" -c 'import confluent_kafka, requests' 2>/dev/null || skip "there is no confluent_kafka for $python (packaging/install-test-deps)"
have kcat && have rsyslogd || skip "there is no kcat or no rsyslogd (packaging/install-test-deps)"
[ -e "$WEIR_PLUGIN_PATH/file.so" ] || skip "the plugin file was not built"
pass "the bench's own tests" "$python" -B "$srcdir/tests/bench/selftest.py" "$(dirname "$WEIR")"
finish
