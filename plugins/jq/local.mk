if BUILD_JQ
plugin_LTLIBRARIES += %D%/jq.la
%C%_jq_la_SOURCES = \
	%D%/jq.c \
	%D%/program.c \
	%D%/program.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/source.c \
	plugins/common/source.h
%C%_jq_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(JQ_CFLAGS)
%C%_jq_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_jq_la_LDFLAGS = $(PLUGIN_LINK)
%C%_jq_la_LIBADD = $(JQ_LIBS)
endif
