if BUILD_MULTILINE
plugin_LTLIBRARIES += %D%/multiline.la
%C%_multiline_la_SOURCES = \
	%D%/multiline.c \
	plugins/common/groups.c \
	plugins/common/groups.h \
	plugins/common/table.c \
	plugins/common/table.h
%C%_multiline_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_multiline_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_multiline_la_LDFLAGS = $(PLUGIN_LINK)
endif
