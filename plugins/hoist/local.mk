if BUILD_HOIST
plugin_LTLIBRARIES += %D%/hoist.la
%C%_hoist_la_SOURCES = \
	%D%/hoist.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h
%C%_hoist_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_hoist_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_hoist_la_LDFLAGS = $(PLUGIN_LINK)
endif
