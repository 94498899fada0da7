if BUILD_ELASTICSEARCH
plugin_LTLIBRARIES += %D%/elasticsearch.la
%C%_elasticsearch_la_SOURCES = \
	%D%/auth.c \
	%D%/bulk.c \
	%D%/bytes.c \
	%D%/call.c \
	%D%/elasticsearch.c \
	%D%/errors.c \
	%D%/es.h \
	%D%/hits.c \
	%D%/http.c \
	%D%/marks.c \
	%D%/nodes.c \
	%D%/outcome.c \
	%D%/reply.c \
	%D%/search.c \
	%D%/sink.c \
	%D%/source.c \
	plugins/common/keyfile.c \
	plugins/common/keyfile.h
%C%_elasticsearch_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(ELASTICSEARCH_CFLAGS)
%C%_elasticsearch_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_elasticsearch_la_LDFLAGS = $(PLUGIN_LINK)
%C%_elasticsearch_la_LIBADD = $(ELASTICSEARCH_LIBS)
endif
