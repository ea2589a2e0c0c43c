/* SPDX-License-Identifier: MIT */
/* plugins.h - loads shared objects and unloads them. */
#ifndef GODWIT_MIDDLEWARE_PLUGINS_H
#define GODWIT_MIDDLEWARE_PLUGINS_H

#include "godwit/plugin.h"

/** Plugins of a server. */
#define GW_PLUGINS_MAX 64u

/** Room for a sentence about why one cannot be loaded. */
#define GW_PLUGINS_WHY_MAX 1024u

typedef struct gw_plugin_loaded {
  void *object;
  const gw_plugin *plugin;
  void *state;
} gw_plugin_loaded;

/** All zero is none. */
typedef struct gw_plugins {
  gw_plugin_loaded items[GW_PLUGINS_MAX];
  size_t num;
} gw_plugins;

/** Whether one could be loaded, as far as that shows before its load is called;
 * what the object does by itself when it is opened, it does. Else why. */
bool gw_plugins_check(const char *path, char why[GW_PLUGINS_WHY_MAX]);

/** Load one into a server. 0; GW_ERR_INVALID: why says what is wrong. */
GW_MUST_USE int gw_plugins_load(gw_plugins *p, gw_server *s, const char *path,
                                const char *settings,
                                char why[GW_PLUGINS_WHY_MAX]);

/** Let them end, the last first. Nothing of theirs may be called any more. */
void gw_plugins_unload(gw_plugins *p);

#endif
