#!/bin/bash
# t-header.sh - <weir/plugin.h> alone, in every language level and layout it promises, without a warning.
. "$(dirname "$0")/lib.sh"

flags=(-fsyntax-only -Wall -Wextra -Wpedantic -pedantic-errors -Werror -Wconversion -Wpadded "-I$srcdir/plugin-api")
tools=0

cat >"$tmp/header.c" <<'C'
#define WEIR_API 1
#include <weir/plugin.h>
struct conf { int64_t count; const char *name, *other; };
static const struct weir_option rows[] = {
    {"count", WEIR_T_INT, 0, WEIR_OFF(struct conf, count, int64_t), 0, "1", 0, 9, 0, "Count", 0, "0.1"},
    {"name", WEIR_T_STRING, 0, WEIR_OFF(struct conf, name, const char *), 0, 0, 0, 0, 0, "Name", 0, "0.1"}};
static const struct weir_options options = {sizeof(struct weir_options), sizeof(struct weir_option), 2,
                                            sizeof(struct conf), rows};
static const struct weir_ops *const ops[] = {0};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "x", "1", "x", "x", 0, ops};
WEIR_PLUGIN(plugin);
const struct weir_options *shown(void);
const struct weir_options *shown(void) { return &options; }
C
# A compiler looks for holes in what it has to lay out.
sed -nE 's/^struct (weir_\w+) \{.*/enum { size_of_\1 = sizeof(struct \1) };/p' "$srcdir/plugin-api/weir/plugin.h" >"$tmp/sizes"
checks=$((checks + 1))
[ "$(wc -l <"$tmp/sizes")" -gt 25 ] || bad "the structs of the header were not found"
cat "$tmp/sizes" >>"$tmp/header.c"
{ printf '#define WEIR_API 1\n#include <weir/plugin.h>\n' && cat "$tmp/sizes"; } >"$tmp/sizes.c"
cp "$tmp/header.c" "$tmp/header.cc"
cat >"$tmp/helpers.c" <<'C'
#define WEIR_API 1
#include <weir/helpers.h>
struct conf { int64_t count; const char *name, *other; };
const struct weir_options *shown(void);
const struct weir_options *shown(void)
{
    static const struct weir_option rows[] = {
        WEIR_OPT_INT(struct conf, count, "count", 0, "1", 0, 9, "Count", NULL),
        WEIR_OPT_STRING(struct conf, name, "name", 0, NULL, "Name", NULL)};
    static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);
    static const struct weir_metric counted[] = {{"things", WEIR_COUNTER, 0, NULL, "Things"}};
    static const struct weir_metrics metrics = WEIR_METRICS(counted);
    (void)metrics;
    return &options;
}
C
cp "$tmp/helpers.c" "$tmp/helpers.cc"

# each COMPILER SUFFIX STANDARD...
each() {
	local compiler=$1 suffix=$2 std
	shift 2
	have "$compiler" || {
		lacking "no $compiler: its levels were not tried"
		return
	}
	tools=$((tools + 1))
	for std in "$@"; do
		pass "$compiler -std=$std plugin.h" "$compiler" "-std=$std" "${flags[@]}" "$tmp/header.$suffix"
		pass "$compiler -std=$std helpers.h" "$compiler" "-std=$std" "${flags[@]}" "$tmp/helpers.$suffix"
	done
}
each gcc c c99 c11 c17 c2x
each clang c c99 c11 c17 c2x
each g++ cc c++98 c++11 c++14 c++17 c++20
each clang++ cc c++98 c++11 c++14 c++17 c++20

# Other layouts: no struct may have a hole on any of them.
if have clang; then
	for target in i686-linux-gnu armv7-linux-gnueabihf aarch64-linux-gnu riscv64-linux-gnu powerpc64-linux-gnu \
		mips-linux-gnu s390x-linux-gnu; do
		pass "clang --target=$target" clang "--target=$target" -std=c11 -ffreestanding "${flags[@]}" "$tmp/header.c"
	done
else
	lacking "no clang: other layouts were not tried"
fi
[ "$tools" -gt 0 ] || skip "there is no compiler"

# What must not compile.
compiler=$CC
have "${compiler%% *}" || compiler=cc
sed 's/, count, int64_t/, count, int32_t/' "$tmp/header.c" >"$tmp/type.c"
refuse "an option row whose C type is not the field's compiles" $compiler -std=c99 "${flags[@]}" "$tmp/type.c"
sed '/define WEIR_API/d' "$tmp/header.c" >"$tmp/level.c"
refuse "plugin.h without WEIR_API compiles" $compiler -std=c99 "${flags[@]}" "$tmp/level.c"
sed 's/WEIR_API 1/WEIR_API 99/' "$tmp/header.c" >"$tmp/level.c"
refuse "plugin.h with an unknown WEIR_API compiles" $compiler -std=c99 "${flags[@]}" "$tmp/level.c"
for least in 0 2; do
	sed "s/WEIR_API 1/&\n#define WEIR_API_MIN $least/" "$tmp/header.c" >"$tmp/level.c"
	refuse "plugin.h with a WEIR_API_MIN of $least compiles" $compiler -std=c99 "${flags[@]}" "$tmp/level.c"
done

# A hole is seen, on the machines where it is one.
mkdir -p "$tmp/hole/weir"
sed '/^struct weir_option {/,/^};/{/uint32_t reserved;/d}' "$srcdir/plugin-api/weir/plugin.h" >"$tmp/hole/weir/plugin.h"
holes() { clang "--target=$1" -std=c11 -ffreestanding -fsyntax-only -Wpadded -Werror "-I$2" "$tmp/sizes.c"; }
for target in armv7-linux-gnueabihf mips-linux-gnu; do
	have clang || break
	pass "holes are seen where there are none" holes $target "$srcdir/plugin-api"
	refuse "a hole is not seen on $target" holes $target "$tmp/hole"
	cp "$tmp/out" "$tmp/said"
	pass "what was refused was no hole" grep -q 'Wpadded' "$tmp/said"
done
finish
