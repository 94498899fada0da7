if BUILD_HEADER
plugin_LTLIBRARIES += %D%/header.la
%C%_header_la_SOURCES = \
	%D%/header.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/names.c \
	plugins/common/names.h
%C%_header_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_header_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_header_la_LDFLAGS = $(PLUGIN_LINK)
endif
