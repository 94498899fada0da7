if BUILD_PARSE
plugin_LTLIBRARIES += %D%/parse.la
%C%_parse_la_SOURCES = \
	%D%/beside.c \
	%D%/beside.h \
	%D%/formats.c \
	%D%/json.c \
	%D%/logfmt.c \
	%D%/members.c \
	%D%/members.h \
	%D%/parse.c \
	%D%/parse.h \
	%D%/text.c \
	%D%/text.h \
	%D%/types.c \
	%D%/types.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h
%C%_parse_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_parse_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_parse_la_LDFLAGS = $(PLUGIN_LINK)
endif
