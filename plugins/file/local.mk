if BUILD_FILE
plugin_LTLIBRARIES += %D%/file.la
%C%_file_la_SOURCES = \
	%D%/file.c \
	%D%/file.h \
	%D%/known.c \
	%D%/out.c \
	%D%/print.c \
	%D%/print.h \
	%D%/recover.c \
	%D%/scan.c \
	%D%/sink.c \
	%D%/sink.h \
	%D%/source.c \
	%D%/source.h \
	%D%/tail.c \
	plugins/common/encode.c \
	plugins/common/encode.h \
	plugins/common/lines.c \
	plugins/common/lines.h
%C%_file_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_file_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_file_la_LDFLAGS = $(PLUGIN_LINK)
endif
