# All built plugins in one folder, for tests and for running from the build tree: WEIR_PLUGIN_PATH=plugins/built
BUILT_PLUGINS = %D%/built/.stamp
$(BUILT_PLUGINS): $(plugin_LTLIBRARIES)
	$(AM_V_GEN)rm -rf $(@D) && $(MKDIR_P) $(@D) && for la in $(plugin_LTLIBRARIES); do \
	name=$$(basename $$la .la); $(LN_S) ../../$$(dirname $$la)/.libs/$$name.so $(@D)/$$name.so || exit 1; done && touch $@
all-local: $(BUILT_PLUGINS)
clean-local:
	rm -rf %D%/built %D%/man

# weir(1) names the folders of this build.
nodist_man1_MANS = %D%/man/weir.1
dist_man1_MANS = docs/weir-dlq.1 docs/weir-test.1
dist_man7_MANS = docs/weir-plugin.7
%D%/man/weir.1: docs/weir.1 Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's,/usr/lib/weir/plugins,$(plugindir),' -e 's,/etc/weir,$(sysconfdir)/weir,' \
	-e 's,/var/lib/weir,$(localstatedir)/lib/weir,' $(srcdir)/docs/weir.1 >$@.new && mv $@.new $@

# The manual pages weir(5) and weir-NAME(5), printed by the weir that was just built: not when it can not run here.
if !CROSS
plugin_pages = %D%/man/weir.5 $(patsubst %.la,%D%/man/weir-%.5,$(notdir $(plugin_LTLIBRARIES)))
nodist_man5_MANS = $(plugin_pages)
endif
print_page = $(AM_V_GEN)$(MKDIR_P) $(@D) && WEIR_PLUGIN_PATH=$(abs_top_builddir)/%D%/built
%D%/man/weir.5: weir
	$(print_page) ./weir plugins --man >$@.new && mv $@.new $@
%D%/man/weir-%.5: weir $(BUILT_PLUGINS)
	$(print_page) ./weir plugins $* --man >$@.new && mv $@.new $@

# weir finds NAME.so itself; the .la files of libtool would only be in the way.
install-data-hook:
	for la in $(plugin_LTLIBRARIES); do rm -f $(DESTDIR)$(plugindir)/$$(basename $$la); done
uninstall-hook:
	for la in $(plugin_LTLIBRARIES); do rm -f $(DESTDIR)$(plugindir)/$$(basename $$la .la).so; done
