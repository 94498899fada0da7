#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-faults.sh - the fault bench finds what is missing, doubled or out of order, and a seed gives one schedule.
. "$(dirname "$0")/lib.sh"
python=${WEIR_CACHE:-$HOME/.cache/weir}/venv/bin/python3
[ -x "$python" ] || python=python3
have "$python" || skip "there is no python3"
"$python" -c 'import pytest' 2>/dev/null || skip "there is no pytest for $python (packaging/install-test-deps)"
pass "the bench's own tests" "$python" -B "$srcdir/tests/faults/selftest.py"
finish
