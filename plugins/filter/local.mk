if BUILD_FILTER
plugin_LTLIBRARIES += %D%/filter.la
%C%_filter_la_SOURCES = %D%/filter.c
%C%_filter_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_filter_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_filter_la_LDFLAGS = $(PLUGIN_LINK)
endif
