# All built plugins in one folder, for tests and for running from the build tree: WEIR_PLUGIN_PATH=plugins/built
BUILT_PLUGINS = %D%/built/.stamp
$(BUILT_PLUGINS): $(plugin_LTLIBRARIES)
	$(AM_V_GEN)rm -rf $(@D) && $(MKDIR_P) $(@D) && for la in $(plugin_LTLIBRARIES); do \
	name=$$(basename $$la .la); $(LN_S) ../../$$(dirname $$la)/.libs/$$name.so $(@D)/$$name.so || exit 1; done && touch $@
all-local: $(BUILT_PLUGINS)
clean-local:
	rm -rf %D%/built

# weir finds NAME.so itself; the .la files of libtool would only be in the way.
install-data-hook:
	for la in $(plugin_LTLIBRARIES); do rm -f $(DESTDIR)$(plugindir)/$$(basename $$la); done
uninstall-hook:
	for la in $(plugin_LTLIBRARIES); do rm -f $(DESTDIR)$(plugindir)/$$(basename $$la .la).so; done
