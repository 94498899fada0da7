if BUILD_KAFKA
plugin_LTLIBRARIES += %D%/kafka.la
%C%_kafka_la_SOURCES = \
	%D%/client.c \
	%D%/commit.c \
	%D%/conf.c \
	%D%/error.c \
	%D%/fetch.c \
	%D%/group.c \
	%D%/kafka.c \
	%D%/kafka.h \
	%D%/limit.c \
	%D%/lookup.c \
	%D%/produce.c \
	%D%/rebalance.c \
	%D%/sink.c \
	%D%/sink.h \
	%D%/source.c \
	%D%/source.h \
	%D%/start.c \
	%D%/transaction.c \
	%D%/transaction.h \
	%D%/window.c \
	plugins/common/keyfile.c \
	plugins/common/keyfile.h
%C%_kafka_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(KAFKA_CFLAGS)
%C%_kafka_la_CFLAGS = $(PLUGIN_CFLAGS)
%C%_kafka_la_LDFLAGS = $(PLUGIN_LINK)
%C%_kafka_la_LIBADD = $(KAFKA_LIBS)
endif
