if BUILD_PARSE
plugin_LTLIBRARIES += %D%/parse.la
%C%_parse_la_SOURCES = \
	%D%/access.c \
	%D%/beside.c \
	%D%/beside.h \
	%D%/csv.c \
	%D%/formats.c \
	%D%/grok.c \
	%D%/grok.h \
	%D%/grok_names.c \
	%D%/json.c \
	%D%/logfmt.c \
	%D%/members.c \
	%D%/members.h \
	%D%/parse.c \
	%D%/parse.h \
	%D%/pattern.c \
	%D%/syslog.c \
	%D%/syslog.h \
	%D%/syslog_3164.c \
	%D%/syslog_5424.c \
	%D%/text.c \
	%D%/text.h \
	%D%/types.c \
	%D%/types.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h \
	plugins/common/calendar.h \
	plugins/common/regex.c \
	plugins/common/regex.h \
	plugins/common/times.c \
	plugins/common/times.h \
	plugins/common/times_number.c \
	plugins/common/times_print.c \
	plugins/common/times_private.h \
	plugins/common/zones.c \
	plugins/common/zones.h
%C%_parse_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_parse_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_parse_la_LDFLAGS = $(PLUGIN_LINK)
%C%_parse_la_LIBADD = $(PARSE_LIBS)
endif
