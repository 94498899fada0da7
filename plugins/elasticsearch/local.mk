if BUILD_ELASTICSEARCH
#plugin_LTLIBRARIES += %D%/elasticsearch.la
endif
%C%_elasticsearch_la_SOURCES = %D%/elasticsearch.c
%C%_elasticsearch_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(ELASTICSEARCH_CFLAGS)
%C%_elasticsearch_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_elasticsearch_la_LDFLAGS = $(PLUGIN_LINK)
%C%_elasticsearch_la_LIBADD = $(ELASTICSEARCH_LIBS)
