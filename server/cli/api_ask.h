/* SPDX-License-Identifier: MIT */
/* api_ask.h - one request to the server API over HTTP, for subcommands. */
#ifndef GODWIT_CLI_API_ASK_H
#define GODWIT_CLI_API_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/cli/options.h"

#define GW_API_DEFAULT "http://127.0.0.1:9000"

/** A text that grows up to GW_API_TEXT_MAX; a NUL behind it. */
typedef struct gw_api_text {
  char *data; /**< NULL: empty */
  size_t len;
} gw_api_text;

#define GW_API_TEXT_MAX (64u * 1024u * 1024u)

/** False when it would be too long, or memory is out. */
bool gw_api_text_add(gw_api_text *t, const char *data, size_t len);

typedef struct gw_api_ask {
  const char *name; /**< of the subcommand, for what is told */
  const char *url;  /**< of the listener; NULL: as the environment says */
  const char *key;  /**< NULL: the same; none */
  uint32_t timeout_ms;
  const char *method;
  gw_api_text request; /**< JSON */
  gw_api_text reply;   /**< JSON */
} gw_api_ask;

/** What all such subcommands take: where to ask, and how. */
#define GW_API_OPTIONS(a)                                               \
  {"--api", GW_OPTION_TEXT, &(a)->url, "URL",                           \
   "the internal listener [GODWIT_API, or " GW_API_DEFAULT "]"},        \
      {"--key", GW_OPTION_TEXT, &(a)->key, "KEY",                       \
       "a key of api.keys [GODWIT_KEY, which does not show in lists]"}, \
  {                                                                     \
    "--timeout", GW_OPTION_DURATION, &(a)->timeout_ms, "TIME",          \
        "for the whole of it [75s]"                                     \
  }

/** Defaults, and what the environment says. Before the options are read. */
void gw_api_ask_init(gw_api_ask *a, const char *name);
void gw_api_ask_deinit(gw_api_ask *a);

/** Ask, and wait. Returns an exit code; what went wrong is told on standard
 * error. */
int gw_api_ask_run(gw_api_ask *a);

#endif
