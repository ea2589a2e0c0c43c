/* SPDX-License-Identifier: MIT */
/* plugin.h - shared objects that `plugins:` loads into the server. */
#ifndef GODWIT_PLUGIN_H
#define GODWIT_PLUGIN_H

#include "godwit/server.h"

/** What both sides have to agree on. */
#define GW_PLUGIN_ABI GW_MIDDLEWARE_ABI

/** Room for a plugin's sentence about what is wrong. */
#define GW_PLUGIN_WHY_MAX 256u

/*
 * A plugin defines one object of this type, by GW_PLUGIN. load registers links,
 * methods and routes by gw_server_middleware, gw_server_handle and
 * gw_server_route. Plugins are loaded in the order of the list, before the
 * server listens. One that crashes takes the server with it, as it is part of
 * the process; one that waits makes a worker wait (see middleware.h).
 */

/** A plugin: what it is called, and how it begins and ends. */
typedef struct gw_plugin {
  size_t size;  /**< sizeof(gw_plugin) */
  uint32_t abi; /**< GW_PLUGIN_ABI */
  const char *name;
  const char *version;
  /**
   * Begin.
   *   settings  the text of the configuration, "" without; valid until it returns
   *   why       gets a sentence about what is wrong
   *   state     for unload; may be left alone
   *   returns   0; below 0: the server does not start
   */
  int (*load)(gw_server *s, const char *settings, char why[GW_PLUGIN_WHY_MAX],
              void **state);
  /** End, when no worker runs any more; NULL: there is nothing to do. */
  void (*unload)(void *state);
} gw_plugin;

/** Name of the object. */
#define GW_PLUGIN_SYMBOL "godwit_plugin"

/** GW_PLUGIN(.name = "words", .version = "1", .load = load); */
#define GW_PLUGIN(...)                                                     \
  extern const gw_plugin godwit_plugin;                                    \
  __attribute__((visibility("default"))) const gw_plugin godwit_plugin = { \
      .size = sizeof(gw_plugin), .abi = GW_PLUGIN_ABI, __VA_ARGS__}

#endif
