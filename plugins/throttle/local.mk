if BUILD_THROTTLE
plugin_LTLIBRARIES += %D%/throttle.la
%C%_throttle_la_SOURCES = %D%/throttle.c
%C%_throttle_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
%C%_throttle_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_throttle_la_LDFLAGS = $(PLUGIN_LINK)
endif
