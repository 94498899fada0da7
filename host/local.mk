# The host: all but main.c is a library too, so that a unit test links the modules it tests and no more.
noinst_LIBRARIES += %D%/libweirhost.a
%C%_libweirhost_a_CPPFLAGS = $(HOST_CPPFLAGS) \
	-DWEIR_VERSION='"$(PACKAGE_VERSION)"' -DWEIR_PLUGIN_DIR='"$(plugindir)"' \
	-DWEIR_CONF_DIR='"$(sysconfdir)/weir"' -DWEIR_STATE_DIR='"$(localstatedir)/lib/weir"'
%C%_libweirhost_a_SOURCES = \
	%D%/config/conf.h \
	%D%/engine/loop.h \
	%D%/plugin/loader.h \
	%D%/record/arena.h \
	%D%/record/batch.h \
	%D%/record/expr.h \
	%D%/record/format.h \
	%D%/record/json.h \
	%D%/record/path.h \
	%D%/record/strbuf.h \
	%D%/record/subject.h \
	%D%/record/template.h \
	%D%/report/log.h

HOST_LINK = host/libweirhost.a $(HOST_LIBS) -lltdl -lm
