if BUILD_STD
plugin_LTLIBRARIES += %D%/std.la
%C%_std_la_SOURCES = \
	%D%/sink.c \
	%D%/source.c \
	%D%/std.c \
	%D%/std.h \
	plugins/common/encode.c \
	plugins/common/encode.h \
	plugins/common/errnos.c \
	plugins/common/errnos.h \
	plugins/common/lines.c \
	plugins/common/lines.h
%C%_std_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_std_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_std_la_LDFLAGS = $(PLUGIN_LINK)
endif
