if BUILD_FILE
#plugin_LTLIBRARIES += %D%/file.la
%C%_file_la_SOURCES = %D%/file.c
%C%_file_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_file_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_file_la_LDFLAGS = $(PLUGIN_LINK)
endif
