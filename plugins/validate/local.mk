if BUILD_VALIDATE
plugin_LTLIBRARIES += %D%/validate.la
%C%_validate_la_SOURCES = \
	%D%/equal.c \
	%D%/format.c \
	%D%/judge.c \
	%D%/judge.h \
	%D%/number.c \
	%D%/number.h \
	%D%/say.c \
	%D%/schema.c \
	%D%/schema.h \
	%D%/schema_private.h \
	%D%/schema_words.c \
	%D%/validate.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsontree.c \
	plugins/common/jsontree.h \
	plugins/common/regex.c \
	plugins/common/regex.h
%C%_validate_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_validate_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_validate_la_LDFLAGS = $(PLUGIN_LINK)
%C%_validate_la_LIBADD = $(VALIDATE_LIBS)
endif
