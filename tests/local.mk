# make check: unit tests and gates in parallel, no server needed, 128 s on two cores (2026-11-21).  See tests/README.md.
TEST_EXTENSIONS = .sh
# A test that hangs fails; none takes half as long, in the slowest build on a machine that is busy with others.
LOG_COMPILER = timeout
AM_LOG_FLAGS = -k 5 300
SH_LOG_COMPILER = timeout -k 5 300 bash
AM_TESTS_ENVIRONMENT = WEIR='$(abs_top_builddir)/weir'; WEIR_PLUGIN_PATH='$(abs_top_builddir)/plugins/built'; \
	CC='$(CC)'; CFLAGS='$(CFLAGS)'; CHECK_FLAGS='$(CHECK_FLAGS)'; export WEIR WEIR_PLUGIN_PATH CC CFLAGS CHECK_FLAGS;

# What ThreadSanitizer needs to see the threads of librdkafka; for every program.
if TSAN
noinst_LIBRARIES += %D%/libtsan_threads.a
TSAN_LIBS = %D%/libtsan_threads.a
TSAN_LINK = -Wl,-u,thrd_create -Wl,--export-dynamic-symbol=thrd_* -Wl,--export-dynamic-symbol=mtx_* \
	-Wl,--export-dynamic-symbol=cnd_* -Wl,--export-dynamic-symbol=call_once
endif
%C%_libtsan_threads_a_SOURCES = %D%/tsan_threads.c

# What a test's program is linked with unless it says otherwise (program_LDADD).
LDADD = $(HOST_LINK) $(CMOCKA_LIBS)

# One line for a unit test of a host module: its source is tests/unit/t-NAME.c.
unit_tests = \
	%D%/unit/t-outlet-results \
	%D%/unit/t-books \
	%D%/unit/t-loop \
	%D%/unit/t-intake \
	%D%/unit/t-pipeline \
	%D%/unit/t-replay \
	%D%/unit/t-readers \
	%D%/unit/t-rebalance \
	%D%/unit/t-state \
	%D%/unit/t-outlet \
	%D%/unit/t-hold \
	%D%/unit/t-hold-memory \
	%D%/unit/t-mirror \
	%D%/unit/t-transform \
	%D%/unit/t-batch \
	%D%/unit/t-anew \
	%D%/unit/t-ledger \
	%D%/unit/t-arena \
	%D%/unit/t-conf \
	%D%/unit/t-describe \
	%D%/unit/t-dlq \
	%D%/unit/t-errors \
	%D%/unit/t-expr \
	%D%/unit/t-format \
	%D%/unit/t-guarantee \
	%D%/unit/t-harness \
	%D%/unit/t-ini-fuzz \
	%D%/unit/t-isolate \
	%D%/unit/t-ini \
	%D%/unit/t-json-edit \
	%D%/unit/t-json-text \
	%D%/unit/t-json \
	%D%/unit/t-level \
	%D%/unit/t-log \
	%D%/unit/t-metrics \
	%D%/unit/t-option \
	%D%/unit/t-pass \
	%D%/unit/t-path \
	%D%/unit/t-stuck \
	%D%/unit/t-subst \
	%D%/unit/t-template \
	%D%/unit/t-testing \
	%D%/unit/t-times

# Tests of a plugin, when it is built.
if BUILD_ELASTICSEARCH
unit_tests += %D%/unit/t-elasticsearch-options %D%/unit/t-elasticsearch-parts %D%/unit/t-elasticsearch-source %D%/unit/t-elasticsearch %D%/unit/t-elasticsearch-answers
%C%_unit_t_elasticsearch_parts_LDADD = $(LDADD) $(ELASTICSEARCH_LIBS)
%C%_unit_t_elasticsearch_source_LDADD = $(LDADD) $(ELASTICSEARCH_LIBS)
%C%_unit_t_elasticsearch_LDADD = $(LDADD) $(ELASTICSEARCH_LIBS)
%C%_unit_t_elasticsearch_answers_LDADD = $(LDADD) $(ELASTICSEARCH_LIBS)
endif
if BUILD_FILE
unit_tests += %D%/unit/t-file-compress %D%/unit/t-file-refused %D%/unit/t-file-rotation %D%/unit/t-file-sink %D%/unit/t-file-source
endif
if BUILD_STD
unit_tests += %D%/unit/t-std
endif
if BUILD_EXEC
unit_tests += %D%/unit/t-exec-sink %D%/unit/t-exec-source %D%/unit/t-exec-transform
endif
if BUILD_KAFKA
unit_tests += %D%/unit/t-kafka
%C%_unit_t_kafka_LDADD = $(LDADD) $(KAFKA_LIBS)
endif
if BUILD_MULTILINE
unit_tests += %D%/unit/t-multiline
endif
if BUILD_REDACT
unit_tests += %D%/unit/t-redact
endif
if BUILD_CAST
unit_tests += %D%/unit/t-cast
endif
unit_tests += %D%/unit/t-bad-input
if BUILD_VALIDATE
unit_tests += %D%/unit/t-validate
endif
if BUILD_SPLIT
unit_tests += %D%/unit/t-split
endif
if BUILD_TIMESTAMP
unit_tests += %D%/unit/t-timestamp
endif
if BUILD_ROUTE
unit_tests += %D%/unit/t-route
endif
if BUILD_HEADER
unit_tests += %D%/unit/t-header
endif
if BUILD_KEY
unit_tests += %D%/unit/t-key
endif
if BUILD_MERGE
unit_tests += %D%/unit/t-merge
endif
if BUILD_LUA
unit_tests += %D%/unit/t-lua
endif
if BUILD_JQ
unit_tests += %D%/unit/t-jq
endif
if BUILD_DEDUPE
if BUILD_SAMPLE
if BUILD_THROTTLE
unit_tests += %D%/unit/t-thin
endif
endif
endif
if BUILD_PARSE
unit_tests += %D%/unit/t-parse %D%/unit/t-parse-lines %D%/unit/t-parse-grok %D%/unit/t-parse-access
%C%_unit_t_parse_grok_LDADD = $(LDADD) $(PARSE_LIBS)
endif
if BUILD_FIELDS
unit_tests += %D%/unit/t-fields
endif
if BUILD_HOIST
if BUILD_EXTRACT
unit_tests += %D%/unit/t-whole-value
endif
endif
if BUILD_FLATTEN
unit_tests += %D%/unit/t-flatten
endif
if BUILD_FILTER
if BUILD_CASE
unit_tests += %D%/unit/t-transforms
endif
endif

if HAVE_PCRE2
unit_tests += %D%/unit/t-regex
%C%_unit_t_regex_LDADD = $(LDADD) $(PCRE2_LIBS)
endif

if BUILD_KAFKA
unit_tests += %D%/unit/t-kafka-sink
%C%_unit_t_kafka_sink_LDADD = $(LDADD) $(KAFKA_LIBS)
endif

# Tests of more than one source.
%C%_unit_t_parse_access_SOURCES = %D%/unit/t-parse-access.c %D%/unit/parse_test.h
%C%_unit_t_parse_grok_SOURCES = %D%/unit/t-parse-grok.c %D%/unit/parse_test.h plugins/common/regex.c plugins/parse/grok.c plugins/parse/grok_names.c
%C%_unit_t_parse_SOURCES = %D%/unit/t-parse.c %D%/unit/parse_test.h
%C%_unit_t_parse_lines_SOURCES = %D%/unit/t-parse-lines.c %D%/unit/parse_test.h
%C%_unit_t_books_SOURCES = %D%/unit/t-books.c %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_conf_SOURCES = %D%/unit/t-conf.c %D%/unit/toy.h
%C%_unit_t_errors_SOURCES = %D%/unit/t-errors.c %D%/unit/toy.h
%C%_unit_t_describe_SOURCES = %D%/unit/t-describe.c %D%/unit/toy.h
%C%_unit_t_dlq_SOURCES = %D%/unit/t-dlq.c %D%/unit/scratch.h
%C%_unit_t_elasticsearch_options_SOURCES = %D%/unit/t-elasticsearch-options.c %D%/unit/es_server.c %D%/unit/es_server.h
%C%_unit_t_elasticsearch_parts_SOURCES = %D%/unit/t-elasticsearch-parts.c plugins/elasticsearch/auth.c plugins/elasticsearch/bulk.c plugins/elasticsearch/bytes.c plugins/elasticsearch/call.c plugins/elasticsearch/elasticsearch.c plugins/elasticsearch/errors.c plugins/elasticsearch/hits.c plugins/elasticsearch/http.c plugins/elasticsearch/marks.c plugins/elasticsearch/nodes.c plugins/elasticsearch/outcome.c plugins/elasticsearch/reply.c plugins/elasticsearch/search.c plugins/elasticsearch/sink.c plugins/elasticsearch/source.c plugins/common/keyfile.c
%C%_unit_t_elasticsearch_source_SOURCES = %D%/unit/t-elasticsearch-source.c %D%/unit/es_server.c %D%/unit/es_server.h
%C%_unit_t_elasticsearch_SOURCES = %D%/unit/t-elasticsearch.c %D%/unit/es_server.c %D%/unit/es_server.h %D%/unit/es_test.h
%C%_unit_t_elasticsearch_answers_SOURCES = %D%/unit/t-elasticsearch-answers.c %D%/unit/es_server.c %D%/unit/es_server.h %D%/unit/es_test.h
%C%_unit_t_exec_sink_SOURCES = %D%/unit/t-exec-sink.c %D%/unit/exec_test.h %D%/unit/scratch.h
%C%_unit_t_exec_source_SOURCES = %D%/unit/t-exec-source.c %D%/unit/exec_test.h %D%/unit/scratch.h
%C%_unit_t_exec_transform_SOURCES = %D%/unit/t-exec-transform.c %D%/unit/exec_test.h %D%/unit/scratch.h
%C%_unit_t_expr_SOURCES = %D%/unit/t-expr.c %D%/unit/doc_table.h
%C%_unit_t_std_SOURCES = %D%/unit/t-std.c %D%/unit/scratch.h
%C%_unit_t_file_compress_SOURCES = %D%/unit/t-file-compress.c %D%/unit/scratch.h
%C%_unit_t_file_refused_SOURCES = %D%/unit/t-file-refused.c %D%/unit/file_source.h %D%/unit/scratch.h
%C%_unit_t_file_sink_SOURCES = %D%/unit/t-file-sink.c %D%/unit/scratch.h
%C%_unit_t_file_rotation_SOURCES = %D%/unit/t-file-rotation.c %D%/unit/file_source.h %D%/unit/scratch.h
%C%_unit_t_file_source_SOURCES = %D%/unit/t-file-source.c %D%/unit/file_source.h %D%/unit/scratch.h
%C%_unit_t_format_SOURCES = %D%/unit/t-format.c %D%/unit/doc_table.h
%C%_unit_t_kafka_SOURCES = %D%/unit/t-kafka.c %D%/unit/kafka_mock.c %D%/unit/kafka_mock.h
%C%_unit_t_template_SOURCES = %D%/unit/t-template.c %D%/unit/doc_table.h
%C%_unit_t_kafka_sink_SOURCES = %D%/unit/t-kafka-sink.c %D%/unit/kafka_mock.c %D%/unit/kafka_mock.h
%C%_unit_t_json_edit_SOURCES = %D%/unit/t-json-edit.c %D%/unit/json_model.h
%C%_unit_t_fields_SOURCES = %D%/unit/t-fields.c %D%/unit/one_value.h
%C%_unit_t_flatten_SOURCES = %D%/unit/t-flatten.c %D%/unit/one_value.h
%C%_unit_t_whole_value_SOURCES = %D%/unit/t-whole-value.c %D%/unit/one_value.h
%C%_unit_t_intake_SOURCES = %D%/unit/t-intake.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/whole.h
%C%_unit_t_pass_SOURCES = %D%/unit/t-pass.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_pipeline_SOURCES = %D%/unit/t-pipeline.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/whole.h
%C%_unit_t_readers_SOURCES = %D%/unit/t-readers.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_rebalance_SOURCES = %D%/unit/t-rebalance.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/whole.h
%C%_unit_t_replay_SOURCES = %D%/unit/t-replay.c %D%/unit/flow.h %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_state_SOURCES = %D%/unit/t-state.c %D%/unit/scratch.h
%C%_unit_t_outlet_SOURCES = %D%/unit/t-outlet.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/told.h
%C%_unit_t_metrics_SOURCES = %D%/unit/t-metrics.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/told.h
%C%_unit_t_stuck_SOURCES = %D%/unit/t-stuck.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/told.h
%C%_unit_t_outlet_results_SOURCES = %D%/unit/t-outlet-results.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/told.h
%C%_unit_t_hold_SOURCES = %D%/unit/t-hold.c %D%/unit/hold_test.h %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_hold_memory_SOURCES = %D%/unit/t-hold-memory.c %D%/unit/hold_test.h %D%/unit/rig.h %D%/unit/scratch.h
%C%_unit_t_testing_SOURCES = %D%/unit/t-testing.c %D%/unit/scratch.h
%C%_unit_t_anew_SOURCES = %D%/unit/t-anew.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/stage.h
%C%_unit_t_mirror_SOURCES = %D%/unit/t-mirror.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/stage.h
%C%_unit_t_transform_SOURCES = %D%/unit/t-transform.c %D%/unit/rig.h %D%/unit/scratch.h %D%/unit/stage.h
%C%_unit_t_validate_SOURCES = %D%/unit/t-validate.c %D%/unit/scratch.h
%C%_unit_t_regex_SOURCES = %D%/unit/t-regex.c plugins/common/regex.c plugins/common/regex.h plugins/common/regex_subst.c
%C%_unit_t_times_SOURCES = %D%/unit/t-times.c plugins/common/calendar.h plugins/common/times.c plugins/common/times.h plugins/common/times_number.c plugins/common/times_print.c plugins/common/times_private.h plugins/common/zones.c plugins/common/zones.h
# end of them

# These count how often a document is read and printed.
%C%_unit_t_batch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=json_parse,--wrap=json_print
%C%_unit_t_anew_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=json_parse,--wrap=json_print
%C%_unit_t_mirror_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=json_parse,--wrap=json_print
%C%_unit_t_transform_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=json_parse,--wrap=json_print

# Plugins and libraries find these in the program.
%C%_unit_t_file_refused_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol=glob \
	-Wl,--export-dynamic-symbol=opendir -Wl,--export-dynamic-symbol=preadv -Wl,--export-dynamic-symbol=unlink
%C%_unit_t_state_LDFLAGS = $(AM_LDFLAGS) -Wl,--export-dynamic-symbol=fdatasync

# Programs that gates and people run.
check_PROGRAMS += %D%/unit/expr-driver %D%/bench/json-bench
if BUILD_VALIDATE
check_PROGRAMS += %D%/unit/schema-driver
%C%_unit_schema_driver_SOURCES = %D%/unit/schema-driver.c plugins/validate/equal.c plugins/validate/format.c plugins/validate/judge.c plugins/validate/number.c plugins/validate/say.c plugins/validate/schema.c plugins/validate/schema_words.c plugins/common/jsontree.c plugins/common/regex.c
%C%_unit_schema_driver_LDADD = $(LDADD) $(PCRE2_LIBS)
endif
if HAVE_CMOCKA
if BUILD_ELASTICSEARCH
check_PROGRAMS += %D%/unit/t-elasticsearch-live
%C%_unit_t_elasticsearch_live_LDADD = $(LDADD) $(ELASTICSEARCH_LIBS)
endif
endif

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
check-local:
	@echo "note: the unit tests were left out, for there is no cmocka (package libcmocka-dev)"
endif

gates = \
	%D%/gates/t-abi.sh \
	%D%/gates/t-bench.sh \
	%D%/gates/t-docs.sh \
	%D%/gates/t-demo.sh \
	%D%/gates/t-expr-jq.sh \
	%D%/gates/t-faults.sh \
	%D%/gates/t-header.sh \
	%D%/gates/t-install.sh \
	%D%/gates/t-instructions.sh \
	%D%/gates/t-fuzz.sh \
	%D%/gates/t-json-fuzz.sh \
	%D%/gates/t-languages.sh \
	%D%/gates/t-new.sh \
	%D%/gates/t-plugins.sh \
	%D%/gates/t-refuse.sh \
	%D%/gates/t-schema.sh \
	%D%/gates/t-conform.sh \
	%D%/gates/t-style.sh \
	%D%/gates/t-terminal.sh \
	%D%/gates/t-test.sh
TESTS += $(gates)
EXTRA_DIST += %D%/run-all %D%/sanitizers/lsan.txt %D%/bench/README.md %D%/bench/bench.py %D%/bench/data.py %D%/bench/lanes.py %D%/bench/measure.c \
	%D%/bench/measure.py %D%/bench/page.py %D%/bench/plot.py %D%/bench/profiles.py %D%/bench/programs.py %D%/bench/run \
	%D%/bench/scale.py %D%/bench/selftest.py %D%/bench/servers.py %D%/bench/startup.py %D%/bench/table.py %D%/bench/transforms.py
EXTRA_DIST += %D%/README.md %D%/abi %D%/bad-plugins %D%/connect %D%/cost %D%/e2e %D%/faults %D%/fuzz %D%/gates %D%/golden %D%/services %D%/unit/expr-corpus.txt

# What was installed, in its place.
installcheck-local:
	INSTALLED=1 BINDIR='$(bindir)' PLUGINDIR='$(plugindir)' PKGCONFIGDIR='$(pkgconfigdir)' MANDIR='$(mandir)' CC='$(CC)' \
	CHECK_FLAGS='$(CHECK_FLAGS)' bash $(srcdir)/%D%/gates/t-install.sh

# The options of the built plugins and of one with every type of option, and the page of metrics, as they are now; look at the difference before it is committed.
update-golden: weir $(BUILT_PLUGINS) tests/unit/t-metrics
	@outside=$$(mktemp -d) && golden=$(srcdir)/%D%/golden/every-option.json && $(CC) -shared -fPIC -I$(srcdir)/plugin-api \
	-o $$outside/every-option.so $(srcdir)/%D%/bad-plugins/every-option.c && \
	./weir --plugin-path $$outside plugins every-option --schema >$$golden.new && mv $$golden.new $$golden && rm -r $$outside
	@python3 $(srcdir)/%D%/abi/header.py $(srcdir)/plugin-api 1 rust >plugin.rs.new && mv plugin.rs.new $(srcdir)/plugin-api/examples/rust/plugin.rs
	@tests/unit/t-metrics --page >$(srcdir)/docs/metrics.md.new && mv $(srcdir)/docs/metrics.md.new $(srcdir)/docs/metrics.md
	@for la in $(plugin_LTLIBRARIES); do name=$$(basename $$la .la); golden=$(srcdir)/%D%/golden/$$name.json; \
	WEIR_PLUGIN_PATH=$(abs_top_builddir)/plugins/built ./weir plugins $$name --schema >$$golden.new && \
	mv $$golden.new $$golden || exit 1; done
.PHONY: update-golden

# The fuzz targets are built by tests/fuzz/run, with clang alone.
EXTRA_DIST += %D%/fuzz/fuzz-bulk.c %D%/fuzz/fuzz-expr.c %D%/fuzz/fuzz-grok.c %D%/fuzz/fuzz-group.c %D%/fuzz/fuzz-hits.c %D%/fuzz/fuzz-host.c \
	%D%/fuzz/fuzz-ini.c %D%/fuzz/fuzz-json.c %D%/fuzz/fuzz-parse.c %D%/fuzz/fuzz-position.c %D%/fuzz/fuzz-record.c %D%/fuzz/fuzz-schema.c %D%/fuzz/fuzz-subject.h \
	%D%/fuzz/fuzz-template.c %D%/fuzz/fuzz-times.c %D%/fuzz/fuzz-unpack.c %D%/fuzz/fuzz.h
mostlyclean-local:
	rm -rf tests/fuzz-work
