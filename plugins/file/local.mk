if BUILD_FILE
plugin_LTLIBRARIES += %D%/file.la
%C%_file_la_SOURCES = \
	%D%/file.c \
	%D%/file.h \
	%D%/known.c \
	%D%/out.c \
	%D%/pack.c \
	%D%/pack.h \
	%D%/print.c \
	%D%/print.h \
	%D%/recover.c \
	%D%/scan.c \
	%D%/sink.c \
	%D%/sink.h \
	%D%/source.c \
	%D%/source.h \
	%D%/tail.c \
	%D%/unpack.c \
	plugins/common/encode.c \
	plugins/common/encode.h \
	plugins/common/errnos.c \
	plugins/common/errnos.h \
	plugins/common/lines.c \
	plugins/common/lines.h
%C%_file_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(FILE_CFLAGS) $(ZSTD_CFLAGS)
%C%_file_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_file_la_LDFLAGS = $(PLUGIN_LINK)
%C%_file_la_LIBADD = $(FILE_LIBS) $(ZSTD_LIBS)
endif
