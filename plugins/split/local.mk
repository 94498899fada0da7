if BUILD_SPLIT
plugin_LTLIBRARIES += %D%/split.la
%C%_split_la_SOURCES = \
	%D%/split.c \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h
%C%_split_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_split_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_split_la_LDFLAGS = $(PLUGIN_LINK)
endif
