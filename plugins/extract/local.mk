if BUILD_EXTRACT
plugin_LTLIBRARIES += %D%/extract.la
%C%_extract_la_SOURCES = \
	%D%/extract.c \
	plugins/common/each.c \
	plugins/common/each.h
%C%_extract_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_extract_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_extract_la_LDFLAGS = $(PLUGIN_LINK)
endif
