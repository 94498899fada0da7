#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-languages.sh - the example plugins in C++17 and in Rust, as somebody meets them who has installed weir and no more:
# copied from its documentation they build without a warning, weir examines them, they pass their tests in pipelines, and
# an exception and a panic end the pipeline with their sentence, not the process.  The bindings for Rust are what the
# installed header says, and laid out as a C compiler lays it out.
. "$(dirname "$0")/lib.sh"
[ -f Makefile ] || skip "this is no build folder: there is no Makefile"
[ -e "$WEIR_PLUGIN_PATH/std.so" ] && [ -e "$WEIR_PLUGIN_PATH/file.so" ] || skip "the plugins std and file, which the tests use, were not built"
have pkg-config || skip "there is no pkg-config"
unset WEIR_PLUGIN_PATH MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS
export LC_ALL=C.UTF-8

# What an administrator installs, in a folder of our own.
pass "make install" make -s install DESTDIR="$tmp/root" || finish
WEIR=$(find "$tmp/root" -path '*/bin/weir')
WEIR_PLUGIN_PATH=$(dirname "$(find "$tmp/root" -path '*/weir/plugins/std.so')")
pc=$(find "$tmp/root" -name weir-plugin.pc)
sed -E -i "s,^(prefix|libdir|includedir)=/,\\1=$tmp/root/," "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
export WEIR WEIR_PLUGIN_PATH PKG_CONFIG_PATH
include=$(pkg-config --variable=includedir weir-plugin)
examples=$(dirname "$(find "$tmp/root" -path '*/examples/cpp/csv.cc')")/..
cd "$tmp" || exit 1
cp -r "$examples"/cpp "$examples"/rust .

quiet() { # COMMAND...: it succeeds, and warns of nothing
	"$@" >"$tmp/quiet" 2>&1 || { cat "$tmp/quiet" && return 1; }
	! grep -i 'warning' "$tmp/quiet"
}

# Built, examined, tested by make; described as any plugin; the folder it goes to is weir's.
works() { # FOLDER NAME MAKE-VARIABLE...
	local folder=$1 name=$2
	shift 2
	make -s -C "$folder" clean
	pass "$name, built with $*" quiet make -s -C "$folder" "$@" || return
	pass "$name, built with $*, does not pass its test" make -C "$folder" "$@" check
	pass "weir plugins $name" "$WEIR" --plugin-path "$folder" plugins "$name" && cp "$tmp/out" help
	pass "$name has no metrics" grep -q "^  weir_${name}_.*counter" help
	pass "make install of $name" make -C "$folder" install "$@" DESTDIR="$tmp/package"
	pass "$name was not installed where weir looks" test "$(find "$tmp/package" -path "*/weir/plugins/$name.so")"
}

# thrown FOLDER NAME INI TEXT MAKE-VARIABLE...: the plugin, changed so that it throws, stops its pipeline with the text.
thrown() {
	local folder=$1 name=$2 ini=$3 text=$4 status
	shift 4
	pass "$name that throws" make -C "$folder" "$@" || return
	printf '7\tAnn\n' >customers.tsv
	checks=$((checks + 1))
	echo '{"id":1,"customer":7}' | "$WEIR" --plugin-path "$folder" run --until-end --state-dir "$tmp/state" "$folder/$ini" >out 2>log
	status=$?
	[ $status = 1 ] || bad "$name threw: weir exits with $status, not 1: $(cat log)"
	grep -q "$text" log || bad "$name threw, and weir does not say \"$text\" but: $(cat log)"
}

tried=
for compiler in g++ clang++; do
	have $compiler || continue
	tried=yes
	works cpp csv CXX=$compiler CXXFLAGS='-O1 -Werror -Wpedantic'
done
if [ -n "$tried" ]; then
	cp -r cpp cpp-throws
	sed -i 's/^        begin(before);/        throw std::runtime_error("thrown on purpose");/; s/^#include <map>/&\n#include <stdexcept>/' cpp-throws/csv.cc
	thrown cpp-throws csv csv.ini '\[sink\] thrown on purpose'
else
	lacking "there is no g++ and no clang++: the plugin in C++ was not tried"
fi

# Bindings and header.
as_header() { python3 "$srcdir/tests/abi/header.py" "$include" 1 "$1"; }
if have python3; then
	export CC
	as_header rust >bindings.rs
	pass "plugin.rs is not what the header says; meant? make update-golden" diff -u rust/plugin.rs bindings.rs
	as_header rust-twin >rust-twin.rs
	as_header c-twin >c-twin.c
	cp rust/plugin.rs .
	pass "the program of the layout in C" $CC -I"$include" -o c-twin c-twin.c && ./c-twin >layout.c
else
	lacking "there is no python3: the bindings for Rust were not compared with the header"
fi
# That of Debian first: it is the oldest that is promised.
rustc=$([ -x /usr/bin/rustc ] && echo /usr/bin/rustc || command -v rustc)
if [ -n "$rustc" ]; then
	works rust lookup RUSTC="$rustc" RUSTFLAGS='-D warnings'
	cp -r rust rust-throws
	sed -i 's/^        let mut counts = .*/        if view.count > 0 { panic!("thrown on {}", "purpose"); }\n&/' rust-throws/lookup.rs
	thrown rust-throws lookup lookup.ini '\[transform names\] thrown on purpose' RUSTC="$rustc" RUSTFLAGS='-A warnings'
	[ ! -s layout.c ] || {
		pass "the program of the layout in Rust" "$rustc" --edition 2021 -o rust-twin rust-twin.rs && ./rust-twin >layout.rust
		pass "Rust lays the contract out in another way than C" diff -u layout.c layout.rust
	}
else
	lacking "there is no rustc: the plugin in Rust was not tried"
fi
finish
