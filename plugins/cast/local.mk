if BUILD_CAST
plugin_LTLIBRARIES += %D%/cast.la
%C%_cast_la_SOURCES = \
	%D%/cast.c \
	%D%/convert.c \
	%D%/convert.h \
	%D%/decimal.c \
	%D%/decimal.h \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/steps.c \
	plugins/common/steps.h
%C%_cast_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_cast_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_cast_la_LDFLAGS = $(PLUGIN_LINK)
endif
