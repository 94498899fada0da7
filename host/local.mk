# The host: all but main.c is a library too, so that a unit test links the modules it tests and no more.
noinst_LIBRARIES += %D%/libweirhost.a
%C%_libweirhost_a_CPPFLAGS = $(HOST_CPPFLAGS) \
	-DWEIR_VERSION='"$(PACKAGE_VERSION)"' -DWEIR_PLUGIN_DIR='"$(plugindir)"' \
	-DWEIR_CONF_DIR='"$(sysconfdir)/weir"' -DWEIR_STATE_DIR='"$(localstatedir)/lib/weir"'
%C%_libweirhost_a_SOURCES = \
	%D%/config/conf.h \
	%D%/config/ini.c \
	%D%/config/ini.h \
	%D%/config/problem.c \
	%D%/config/problem.h \
	%D%/config/subst.c \
	%D%/config/subst.h \
	%D%/delivery/ledger.c \
	%D%/delivery/ledger.h \
	%D%/engine/loop.h \
	%D%/plugin/loader.h \
	%D%/record/arena.c \
	%D%/record/arena.h \
	%D%/record/batch.c \
	%D%/record/batch.h \
	%D%/record/batch_json.c \
	%D%/record/budget.c \
	%D%/record/budget.h \
	%D%/record/expr.h \
	%D%/record/format.h \
	%D%/record/json.h \
	%D%/record/json_parse.c \
	%D%/record/json_private.h \
	%D%/record/json_scan.h \
	%D%/record/json_edit.c \
	%D%/record/json_find.c \
	%D%/record/json_print.c \
	%D%/record/json_text.c \
	%D%/record/path.c \
	%D%/record/path.h \
	%D%/record/strbuf.c \
	%D%/record/strbuf.h \
	%D%/record/subject.h \
	%D%/record/template.h \
	%D%/report/clock.c \
	%D%/report/clock.h \
	%D%/report/log.c \
	%D%/report/log.h \
	%D%/report/redact.c \
	%D%/report/redact.h

HOST_LINK = host/libweirhost.a $(HOST_LIBS) -lltdl -lm
