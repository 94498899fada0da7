#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t-install.sh - what `make install` leaves is a weir that works: it finds its plugins without being told, has its manual
# pages, and a plugin of a few lines compiles against the installed header alone and is loaded.
#
# As a gate it looks at `make install DESTDIR=`, where the folder compiled in is not the folder on the disk; `make
# installcheck` (and with it `make distcheck`) calls it with INSTALLED=1 and the folders as they were installed.
. "$(dirname "$0")/lib.sh"
build=$PWD
unset WEIR_PLUGIN_PATH MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C
path=()

stage() { # into a folder of our own
	[ -f Makefile ] || skip "this is no build folder: there is no Makefile"
	local plugin
	pass "make install" make -s install DESTDIR="$tmp/root" || finish
	weir=$(find "$tmp/root" -path '*/bin/weir')
	plugin=$(find "$tmp/root" -path '*/weir/plugins/*.so' | head -n 1)
	plugins=$(dirname "$plugin")
	pc=$(dirname "$(find "$tmp/root" -name weir-plugin.pc)")
	man=$(dirname "$(dirname "$(find "$tmp/root" -name weir.1)")")
	export PKG_CONFIG_SYSROOT_DIR=$tmp/root
	path=(--plugin-path "$plugins")
	checks=$((checks + 1))
	"$weir" --help | grep -qF "${plugins#"$tmp/root"}" || bad "weir does not search ${plugins#"$tmp/root"}, where its plugins are installed"
}

if [ -n "${INSTALLED:-}" ]; then
	weir=$BINDIR/weir plugins=$PLUGINDIR pc=$PKGCONFIGDIR man=$MANDIR
else
	stage
fi
export PKG_CONFIG_PATH=$pc
cd "$tmp" || exit 1

# run FILE: what comes out of the pipeline when a, b and c go in.
run() { printf 'a\nb\nc\n' | "$weir" "${path[@]}" run --until-end --state-dir "$tmp/state" "$1" 2>log; }
gives() { # FILE TEXT
	checks=$((checks + 1))
	local got
	got=$(run "$1" | tr '\n' ' ')
	[ "$got" = "$2" ] && return
	bad "the installed weir made \"$got\" of a, b, c with $1, not \"$2\""
	cat log
}

check_tree() {
	local name so
	pass "weir --version" "$weir" --version
	version=$(sed 's/^weir //' out)
	pass "weir plugins" "$weir" "${path[@]}" plugins
	cp out list
	for so in "$plugins"/*.so; do
		name=$(basename "$so" .so)
		pass "the installed weir does not list $name" grep -q "^$name " list
		[ ! -e "$build/plugins/man" ] || pass "there is no weir-$name(5)" test -s "$man/man5/weir-$name.5"
	done
	pass "there is no weir-plugin(7)" test -s "$man/man7/weir-plugin.7"
	refuse "libtool's files lie among the plugins" compgen -G "$plugins/*.la"
	pass "weir(1) is not there or names another folder of plugins" grep -qF "${plugins#"$tmp/root"}/NAME.so" "$man/man1/weir.1"
}

check_run() {
	[ -e "$plugins/std.so" ] || return
	printf '[source]\nplugin = std\n[sink]\nplugin = std\n' >plain.ini
	gives plain.ini "a b c "
}

# A plugin of somebody else: passes the record that begins at byte 2.
cat >second.c <<'C'
#define WEIR_API 1
#include <weir/plugin.h>

static int second_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    (void)conf;
    *self = ctx;
    return WEIR_OK;
}

static int second_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct weir_ctx *ctx = (struct weir_ctx *)self;
    struct weir_view view = {sizeof view};
    int r = ctx->host->view(ctx, batch, &view);
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++)
        if (weir_record_at(&view, i)->seq == 2)
            r = ctx->host->pass(to, i, 1);
    return r;
}

static void second_destroy(void *self)
{
    (void)self;
}

static const struct weir_ops transform = {.struct_size = sizeof transform,
                                          .kind = WEIR_TRANSFORM,
                                          .create = second_create,
                                          .process = second_process,
                                          .destroy = second_destroy};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "second", "1", "Passes the second line", "0BSD", NULL, ops};
WEIR_PLUGIN(plugin);
C

compile() { # shellcheck disable=SC2046 # they are words
	$CC $sanitizer -shared -fPIC -fvisibility=hidden -o own/second.so second.c $(pkg-config --cflags weir-plugin)
}

check_plugin() {
	have pkg-config || {
		notice "no pkg-config: weir-plugin.pc was not looked at"
		return
	}
	pass "weir-plugin.pc" pkg-config --validate weir-plugin
	pass "weir-plugin.pc has another version than weir" test "$(pkg-config --modversion weir-plugin)" = "$version"
	case $CHECK_FLAGS in *fsanitize*) sanitizer=$CHECK_FLAGS ;; *) sanitizer= ;; esac
	mkdir own
	pass "a plugin does not compile against the installed header" compile || return
	pass "weir plugins check" "$weir" plugins check own/second.so
	[ -e "$plugins/std.so" ] || return
	printf '[source]\nplugin = std\n[transform t]\nplugin = second\n[sink]\nplugin = std\n' >second.ini
	export WEIR_PLUGIN_PATH=$tmp/own
	gives second.ini "b "
}

check_tree
check_run
check_plugin
finish
