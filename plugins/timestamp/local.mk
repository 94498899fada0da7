if BUILD_TIMESTAMP
plugin_LTLIBRARIES += %D%/timestamp.la
%C%_timestamp_la_SOURCES = \
	%D%/timestamp.c \
	plugins/common/calendar.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/times.c \
	plugins/common/times.h \
	plugins/common/times_number.c \
	plugins/common/times_print.c \
	plugins/common/times_private.h \
	plugins/common/zones.c \
	plugins/common/zones.h
%C%_timestamp_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_timestamp_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_timestamp_la_LDFLAGS = $(PLUGIN_LINK)
endif
