if BUILD_CASE
plugin_LTLIBRARIES += %D%/case.la
%C%_case_la_SOURCES = \
	%D%/case.c \
	plugins/common/each.c \
	plugins/common/each.h
%C%_case_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_case_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_case_la_LDFLAGS = $(PLUGIN_LINK)
%C%_case_la_LIBADD = $(CASE_LIBS)
endif
