if BUILD_REDACT
plugin_LTLIBRARIES += %D%/redact.la
%C%_redact_la_SOURCES = \
	%D%/act.c \
	%D%/act.h \
	%D%/find.c \
	%D%/find.h \
	%D%/find_sums.c \
	%D%/find_tokens.c \
	%D%/look.c \
	%D%/look.h \
	%D%/redact.c \
	%D%/scan.c \
	%D%/scan.h \
	%D%/text.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h \
	plugins/common/regex.c \
	plugins/common/regex.h
%C%_redact_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_redact_la_CFLAGS = $(PLUGIN_CFLAGS) $(REDACT_CFLAGS)
%C%_redact_la_LDFLAGS = $(PLUGIN_LINK)
%C%_redact_la_LIBADD = $(REDACT_LIBS)
endif
