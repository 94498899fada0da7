# weir-plugin.m4 - which plugins are built.
#
# WEIR_PLUGIN(NAME, MODULES, WHAT, [LIBRARY], [HEADER], [FUNCTION])
#   gives configure --with-NAME and --without-NAME.  Without either the plugin is built when what it needs is there.
#   MODULES: pkg-config modules, may be empty.  LIBRARY, HEADER, FUNCTION: one library more that has no .pc file.
#   Sets NAME_CFLAGS and NAME_LIBS (in capitals) and the Automake conditional BUILD_NAME.
#
# WEIR_PLUGIN_SUMMARY prints what was decided and why.

AC_DEFUN([WEIR_PLUGIN], [
m4_pushdef([UP], m4_toupper(m4_translit([$1], [-], [_])))
AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [do not build the plugin $1: $3])],
    [weir_with=$withval], [weir_with=auto])
AS_CASE([$weir_with], [yes|no|auto], [],
    [AC_MSG_ERROR([--with-$1 takes no value; use --with-$1 or --without-$1])])
weir_have=yes weir_lacks=
AS_IF([test "$weir_with" = no], [weir_have=no weir_lacks="not wanted"], [
    m4_ifval([$2], [PKG_CHECK_MODULES(UP, [$2], [], [weir_have=no weir_lacks="needs $2"])])
    m4_ifval([$4], [
        weir_save_LIBS=$LIBS
        AC_CHECK_HEADER([$5], [AC_CHECK_LIB([$4], [$6], [UP[]_LIBS="$UP[]_LIBS -l$4"],
            [weir_have=no weir_lacks="needs lib$4"])], [weir_have=no weir_lacks="needs lib$4 with <$5>"])
        LIBS=$weir_save_LIBS
        AC_SUBST(UP[]_LIBS)
    ])
])
AS_IF([test "$weir_with" = yes && test "$weir_have" = no],
    [AC_MSG_ERROR([--with-$1 was given, but the plugin $1 $weir_lacks; install it or use --without-$1])])
AM_CONDITIONAL([BUILD_]UP, [test "$weir_have" = yes])
AS_IF([test "$weir_have" = yes], [weir_lacks="$3"])
weir_plugins="$weir_plugins
    m4_format([%-14s], [$1]) $weir_have	$weir_lacks"
m4_popdef([UP])
])

AC_DEFUN([WEIR_PLUGIN_SUMMARY], [AS_ECHO(["
  plugins:$weir_plugins
"])])
