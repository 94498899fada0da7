#!/bin/bash
# t-json-fuzz.sh - five seconds of the JSON module against simdjson, from a new seed each time.  For longer:
# tests/gates/t-json-fuzz.sh SECONDS, in the build folder.
. "$(dirname "$0")/lib.sh"

case $CC in *clang*) cxx=clang++ ;; *) cxx=g++ ;; esac
cxx=${CXX:-$cxx}
have "$cxx" || skip "there is no C++ compiler $cxx (package g++ or clang)"
echo '#include <simdjson.h>' | "$cxx" -std=c++17 -fsyntax-only -x c++ - 2>/dev/null ||
	skip "there is no simdjson (package libsimdjson-dev)"
[ -f host/libweirhost.a ] || skip "this is no build folder: there is no host/libweirhost.a"

pass "json-simdjson.cc compiles" "$cxx" -std=c++17 -O1 -g -Wall -Wextra -Wshadow -DWEIR_API=1 $CHECK_FLAGS \
	"-I$srcdir/plugin-api" "-I$srcdir/host" "$srcdir/tests/fuzz/json-simdjson.cc" -o "$tmp/json-simdjson" \
	host/libweirhost.a -lsimdjson -pthread || finish
pass "the JSON module and simdjson differ" "$tmp/json-simdjson" -s "${1:-5}" "$srcdir"/tests/fuzz/corpus/json/* &&
	cat "$tmp/out"
finish
