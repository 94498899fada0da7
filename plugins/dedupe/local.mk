if BUILD_DEDUPE
plugin_LTLIBRARIES += %D%/dedupe.la
%C%_dedupe_la_SOURCES = \
	%D%/dedupe.c \
	plugins/common/table.c \
	plugins/common/table.h
%C%_dedupe_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_dedupe_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_dedupe_la_LDFLAGS = $(PLUGIN_LINK)
endif
