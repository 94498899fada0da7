# The host: all but main.c is a library too, so that a unit test links the modules it tests and no more.
noinst_LIBRARIES += %D%/libweirhost.a
%C%_libweirhost_a_CPPFLAGS = $(HOST_CPPFLAGS) -I%D% \
	-DWEIR_VERSION='"$(PACKAGE_VERSION)"' -DWEIR_PLUGIN_DIR='"$(plugindir)"' \
	-DWEIR_CONF_DIR='"$(sysconfdir)/weir"' -DWEIR_STATE_DIR='"$(localstatedir)/lib/weir"'
%C%_libweirhost_a_SOURCES = \
	%D%/child/child.c \
	%D%/child/child.h \
	%D%/child/child_batch.c \
	%D%/child/child_host.c \
	%D%/child/child_sink.c \
	%D%/cmd_check.c \
	%D%/cmd_dlq.c \
	%D%/cmd_new.c \
	%D%/cmd_plugins.c \
	%D%/cmd_run.c \
	%D%/cmd_test.c \
	%D%/command.h \
	%D%/config/compiled.c \
	%D%/config/compiled.h \
	%D%/config/conf.c \
	%D%/config/conf.h \
	%D%/config/conf_files.c \
	%D%/config/describe.c \
	%D%/config/describe.h \
	%D%/config/describe_man.c \
	%D%/config/describe_schema.c \
	%D%/config/errors.c \
	%D%/config/errors.h \
	%D%/config/guarantee.c \
	%D%/config/guarantee.h \
	%D%/config/host_options.c \
	%D%/config/host_options.h \
	%D%/config/ini.c \
	%D%/config/ini.h \
	%D%/config/number.c \
	%D%/config/number.h \
	%D%/config/option.c \
	%D%/config/option.h \
	%D%/config/problem.c \
	%D%/config/problem.h \
	%D%/config/sections.c \
	%D%/config/sections.h \
	%D%/config/subst.c \
	%D%/config/subst.h \
	%D%/delivery/deadletter.c \
	%D%/delivery/deadletter.h \
	%D%/delivery/flow.c \
	%D%/delivery/flow.h \
	%D%/delivery/bundle.c \
	%D%/delivery/ledger.c \
	%D%/delivery/ledger.h \
	%D%/delivery/ledger_private.h \
	%D%/delivery/outlet.c \
	%D%/delivery/outlet.h \
	%D%/delivery/outlet_form.c \
	%D%/delivery/outlet_results.c \
	%D%/delivery/state.c \
	%D%/delivery/state.h \
	%D%/delivery/takeover.c \
	%D%/delivery/takeover.h \
	%D%/dlq/letter.c \
	%D%/dlq/letter.h \
	%D%/dlq/look.c \
	%D%/dlq/look.h \
	%D%/dlq/pass.c \
	%D%/dlq/pass.h \
	%D%/dlq/print.c \
	%D%/dlq/print.h \
	%D%/dlq/reader.c \
	%D%/dlq/reader.h \
	%D%/dlq/redrive.c \
	%D%/dlq/redrive.h \
	%D%/dlq/redriven.c \
	%D%/dlq/redriven.h \
	%D%/dlq/sift.c \
	%D%/dlq/sift.h \
	%D%/dlq/snapshot.c \
	%D%/dlq/snapshot.h \
	%D%/dlq/text.c \
	%D%/dlq/text.h \
	%D%/engine/commit.c \
	%D%/engine/emitter.h \
	%D%/engine/gate.h \
	%D%/engine/hang.c \
	%D%/engine/hang.h \
	%D%/engine/intake.c \
	%D%/engine/intake.h \
	%D%/engine/intake_emit.c \
	%D%/engine/lane.c \
	%D%/engine/lane.h \
	%D%/engine/pipeline.c \
	%D%/engine/pipeline.h \
	%D%/engine/readers.c \
	%D%/engine/readers.h \
	%D%/engine/replay.c \
	%D%/engine/revoke.c \
	%D%/engine/service.c \
	%D%/engine/service.h \
	%D%/engine/service_record.c \
	%D%/engine/stuck.c \
	%D%/engine/stuck.h \
	%D%/engine/stuck_cause.c \
	%D%/engine/hold.c \
	%D%/engine/hold.h \
	%D%/engine/transform.c \
	%D%/engine/transform.h \
	%D%/engine/transform_emit.c \
	%D%/harness/guard.c \
	%D%/harness/guard.h \
	%D%/harness/harness.c \
	%D%/harness/harness.h \
	%D%/harness/harness_batch.c \
	%D%/harness/harness_conf.c \
	%D%/harness/harness_emit.c \
	%D%/harness/harness_hold.c \
	%D%/harness/harness_host.c \
	%D%/harness/harness_private.h \
	%D%/harness/harness_shard.c \
	%D%/harness/harness_step.c \
	%D%/harness/rule.c \
	%D%/harness/rule.h \
	%D%/instance/call.c \
	%D%/instance/call.h \
	%D%/instance/instance.c \
	%D%/instance/instance.h \
	%D%/instance/loop.c \
	%D%/instance/loop.h \
	%D%/isolate/isolate.h \
	%D%/isolate/pack.c \
	%D%/isolate/pack.h \
	%D%/isolate/process.c \
	%D%/isolate/process.h \
	%D%/isolate/proxy.c \
	%D%/isolate/proxy.h \
	%D%/isolate/proxy_sink.c \
	%D%/isolate/proxy_state.c \
	%D%/isolate/proxy_take.c \
	%D%/isolate/setup.c \
	%D%/isolate/setup.h \
	%D%/isolate/wire.c \
	%D%/isolate/wire.h \
	%D%/monitor/books.c \
	%D%/monitor/books.h \
	%D%/monitor/health.c \
	%D%/monitor/health.h \
	%D%/monitor/http.c \
	%D%/monitor/http.h \
	%D%/monitor/metrics.c \
	%D%/monitor/metrics.h \
	%D%/monitor/metrics_plugin.c \
	%D%/monitor/metrics_process.c \
	%D%/monitor/metrics_shards.c \
	%D%/monitor/metrics_values.h \
	%D%/monitor/monitor.c \
	%D%/monitor/monitor.h \
	%D%/monitor/progress.c \
	%D%/monitor/progress.h \
	%D%/plugin/checkhost.c \
	%D%/plugin/checkhost.h \
	%D%/plugin/examine.c \
	%D%/plugin/examine.h \
	%D%/plugin/handshake.c \
	%D%/plugin/handshake.h \
	%D%/plugin/loader.c \
	%D%/plugin/loader.h \
	%D%/plugin/ltdl.c \
	%D%/plugin/ltdl.h \
	%D%/record/arena.c \
	%D%/record/arena.h \
	%D%/record/base64.c \
	%D%/record/base64.h \
	%D%/record/batch.c \
	%D%/record/batch.h \
	%D%/record/batch_json.c \
	%D%/record/budget.c \
	%D%/record/budget.h \
	%D%/record/closest.c \
	%D%/record/closest.h \
	%D%/record/expr.h \
	%D%/record/expr_call.c \
	%D%/record/expr_eval.c \
	%D%/record/expr_lex.c \
	%D%/record/expr_literal.c \
	%D%/record/expr_parse.c \
	%D%/record/expr_tree.h \
	%D%/record/expr_value.c \
	%D%/record/expr_value.h \
	%D%/record/format.c \
	%D%/record/format.h \
	%D%/record/format_parse.c \
	%D%/record/json.h \
	%D%/record/json_edit.c \
	%D%/record/json_find.c \
	%D%/record/json_parse.c \
	%D%/record/json_print.c \
	%D%/record/json_private.h \
	%D%/record/json_scan.h \
	%D%/record/json_text.c \
	%D%/record/json_walk.c \
	%D%/record/json_walk.h \
	%D%/record/path.c \
	%D%/record/path.h \
	%D%/record/strbuf.c \
	%D%/record/strbuf.h \
	%D%/record/subject.h \
	%D%/record/template.c \
	%D%/record/template.h \
	%D%/record/template_private.h \
	%D%/record/template_render.c \
	%D%/record/template_time.c \
	%D%/report/clock.c \
	%D%/report/clock.h \
	%D%/report/crash.c \
	%D%/report/crash.h \
	%D%/report/expo.c \
	%D%/report/expo.h \
	%D%/report/log.c \
	%D%/report/log.h \
	%D%/report/redact.c \
	%D%/report/redact.h \
	%D%/testing/capture.c \
	%D%/testing/capture.h \
	%D%/testing/cluster.c \
	%D%/testing/cluster.h \
	%D%/testing/cluster_bulk.c \
	%D%/testing/compare.c \
	%D%/testing/compare.h \
	%D%/testing/faults.c \
	%D%/testing/faults.h \
	%D%/testing/lapse.c \
	%D%/testing/lapse.h \
	%D%/testing/outputs.c \
	%D%/testing/outputs.h \
	%D%/testing/place.c \
	%D%/testing/place.h \
	%D%/testing/rehearsal.c \
	%D%/testing/rehearsal.h \
	%D%/testing/script.c \
	%D%/testing/script.h \
	%D%/testing/script_text.c \
	%D%/testing/source.c \
	%D%/testing/source.h \
	%D%/testing/trial.c \
	%D%/testing/trial.h

# The C library comes first: Debian's libonig has a regcomp and a regexec of its own, which would stand in for the
# C library's in every plugin and in librdkafka.
HOST_LINK = host/libweirhost.a $(TSAN_LIBS) -lc $(HOST_LIBS) -lltdl -lm

bin_PROGRAMS += weir
weir_SOURCES = %D%/main.c
weir_CPPFLAGS = $(%C%_libweirhost_a_CPPFLAGS)
weir_LDADD = $(HOST_LINK)

# The files that `weir new` writes, as texts of cmd_new.c.
NEW_FILES = plugin-api/new/Makefile plugin-api/new/meson.build \
	plugin-api/new/sink/my-plugin.c plugin-api/new/sink/my-plugin.ini plugin-api/new/sink/test.sh \
	plugin-api/new/source/my-plugin.c plugin-api/new/source/my-plugin.ini plugin-api/new/source/test.sh \
	plugin-api/new/transform/my-plugin.c plugin-api/new/transform/my-plugin.ini plugin-api/new/transform/test.sh
EXTRA_DIST += $(NEW_FILES)
CLEANFILES += %D%/new_files.h
%D%/new_files.h: $(NEW_FILES)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && for file in $(NEW_FILES); do \
	echo "static const char $$(echo $$file | sed -e 's,^plugin-api/,,' -e 's,[^A-Za-z],_,g')[] ="; \
	sed -e 's/[\\"]/\\&/g' -e 's/.*/    "&\\n"/' $(srcdir)/$$file && echo '    "";' || exit 1; done >$@.new && mv $@.new $@
%D%/libweirhost_a-cmd_new.$(OBJEXT): %D%/new_files.h
