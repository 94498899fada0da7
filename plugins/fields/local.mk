if BUILD_FIELDS
plugin_LTLIBRARIES += %D%/fields.la
%C%_fields_la_SOURCES = \
	%D%/assign.c \
	%D%/assign.h \
	%D%/fields.c \
	%D%/fields.h \
	%D%/keep.c \
	%D%/keep.h \
	%D%/removal.c \
	%D%/removal.h \
	%D%/rules.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/jsonscan.c \
	plugins/common/jsonscan.h \
	plugins/common/steps.c \
	plugins/common/steps.h
%C%_fields_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_fields_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_fields_la_LDFLAGS = $(PLUGIN_LINK)
endif
