if BUILD_LUA
plugin_LTLIBRARIES += %D%/lua.la
%C%_lua_la_SOURCES = \
	%D%/lua.c \
	%D%/headers.c \
	%D%/headers.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/print.c \
	%D%/read.c \
	%D%/sandbox.c \
	%D%/script.c \
	%D%/script.h \
	%D%/text.h \
	%D%/token.h \
	%D%/value.h \
	%D%/view.c \
	%D%/view.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h \
	plugins/common/source.c \
	plugins/common/source.h
%C%_lua_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(LUA_CFLAGS)
%C%_lua_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_lua_la_LDFLAGS = $(PLUGIN_LINK)
%C%_lua_la_LIBADD = $(LUA_LIBS)
endif
