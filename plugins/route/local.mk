if BUILD_ROUTE
plugin_LTLIBRARIES += %D%/route.la
%C%_route_la_SOURCES = \
	%D%/route.c \
	plugins/common/each.c \
	plugins/common/each.h \
	plugins/common/regex.c \
	plugins/common/regex.h \
	plugins/common/regex_subst.c
%C%_route_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(ROUTE_CFLAGS)
%C%_route_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_route_la_LDFLAGS = $(PLUGIN_LINK)
%C%_route_la_LIBADD = $(ROUTE_LIBS)
endif
