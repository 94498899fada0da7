if BUILD_SAMPLE
plugin_LTLIBRARIES += %D%/sample.la
%C%_sample_la_SOURCES = \
	%D%/sample.c \
	plugins/common/table.c \
	plugins/common/table.h
%C%_sample_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_sample_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_sample_la_LDFLAGS = $(PLUGIN_LINK)
endif
