if BUILD_STD
#plugin_LTLIBRARIES += %D%/std.la
endif
%C%_std_la_SOURCES = %D%/std.c
%C%_std_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_std_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_std_la_LDFLAGS = $(PLUGIN_LINK)
