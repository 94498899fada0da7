if BUILD_KEY
plugin_LTLIBRARIES += %D%/key.la
%C%_key_la_SOURCES = \
	%D%/key.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/names.c \
	plugins/common/names.h
%C%_key_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_key_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_key_la_LDFLAGS = $(PLUGIN_LINK)
endif
