if BUILD_EXEC
plugin_LTLIBRARIES += %D%/exec.la
%C%_exec_la_SOURCES = \
	%D%/env.c \
	%D%/env.h \
	%D%/errlog.c \
	%D%/errlog.h \
	%D%/exec.c \
	%D%/exec.h \
	%D%/marks.c \
	%D%/marks.h \
	%D%/program.c \
	%D%/program.h \
	%D%/sink.c \
	%D%/source.c \
	%D%/talk.c \
	%D%/talk.h \
	%D%/transform.c \
	%D%/words.c \
	%D%/words.h \
	plugins/common/encode.c \
	plugins/common/encode.h \
	plugins/common/lines.c \
	plugins/common/lines.h
execexampledir = $(docdir)/exec
dist_execexample_SCRIPTS = %D%/examples/sink.py %D%/examples/sink.sh %D%/examples/source.py \
	%D%/examples/source.sh %D%/examples/transform.py
%C%_exec_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_exec_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_exec_la_LDFLAGS = $(PLUGIN_LINK)
endif
