if BUILD_KAFKA
#plugin_LTLIBRARIES += %D%/kafka.la
%C%_kafka_la_SOURCES = %D%/kafka.c
%C%_kafka_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(KAFKA_CFLAGS)
%C%_kafka_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_kafka_la_LDFLAGS = $(PLUGIN_LINK)
%C%_kafka_la_LIBADD = $(KAFKA_LIBS)
endif
