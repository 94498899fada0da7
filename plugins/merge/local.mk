if BUILD_MERGE
plugin_LTLIBRARIES += %D%/merge.la
%C%_merge_la_SOURCES = \
	%D%/merge.c \
	plugins/common/groups.c \
	plugins/common/groups.h \
	plugins/common/table.c \
	plugins/common/table.h
%C%_merge_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_merge_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_merge_la_LDFLAGS = $(PLUGIN_LINK)
endif
