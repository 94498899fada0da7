# The demo's broker: librdkafka's mock cluster as a program.
if BUILD_KAFKA
noinst_PROGRAMS += %D%/mock-broker
%C%_mock_broker_SOURCES = %D%/mock-broker.c
%C%_mock_broker_CFLAGS = $(AM_CFLAGS) $(KAFKA_CFLAGS)
%C%_mock_broker_LDADD = $(KAFKA_LIBS) $(TSAN_LIBS)
endif
EXTRA_DIST += \
	%D%/access.ndjson \
	%D%/conf.d/10-log-to-kafka.ini \
	%D%/conf.d/20-kafka-to-file.ini \
	%D%/conf.d/20-kafka-to-file.test.ini \
	%D%/conf.d/30-kafka-to-elasticsearch.ini.with-url \
	%D%/make-access-log.py \
	%D%/run
