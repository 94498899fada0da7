if BUILD_FLATTEN
plugin_LTLIBRARIES += %D%/flatten.la
%C%_flatten_la_SOURCES = \
	%D%/flatten.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h
%C%_flatten_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_flatten_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_flatten_la_LDFLAGS = $(PLUGIN_LINK)
endif
