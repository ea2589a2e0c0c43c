/* SPDX-License-Identifier: MIT */
/* transfer.h - HTTP requests to backends on a libuv loop: libcurl's multi
 * interface. */
#ifndef GODWIT_HOOKS_TRANSFER_H
#define GODWIT_HOOKS_TRANSFER_H

#include <curl/curl.h>
#include <uv.h>

#include "godwit/wire.h"

/** One POST. All zero but what is set before it starts. */
typedef struct gw_transfer {
  /* set by the owner */
  const char *url;
  const char *const *headers; /**< "Name: value"; the last is NULL; copied */
  gw_view body;               /**< valid until it is done */
  uint32_t timeout_ms;
  size_t max_reply;
  /* read-only, when it is done */
  long status;         /**< 0: no answer */
  bool was_sent;       /**< something may have arrived over there */
  const char *failure; /**< a sentence, where there is no answer */
  bool is_too_big;     /**< the reply */
  uint8_t *reply;
  size_t reply_len;
  /* private */
  CURL *easy;
  struct curl_slist *list;
  size_t reply_cap;
} gw_transfer;

/** Called from the loop. May start others. */
typedef void (*gw_on_transfer)(void *user, gw_transfer *t);

typedef struct gw_transfers {
  /* read-only */
  uint32_t num_running;
  /* private */
  uv_loop_t *loop;
  CURLM *multi;
  uv_timer_t timer;
  gw_on_transfer on_done;
  void *user;
} gw_transfers;

/** connections: as many are kept alive. 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_transfers_init(gw_transfers *ts, uv_loop_t *loop,
                                  uint32_t connections, gw_on_transfer on_done,
                                  void *user);
/** All have to be done or dropped. The loop has to run after it. */
void gw_transfers_deinit(gw_transfers *ts);

/** 0, GW_ERR_NOMEM: on_done is not told. */
GW_MUST_USE int gw_transfer_start(gw_transfers *ts, gw_transfer *t);
/** Drop one that is under way; on_done is not told. */
void gw_transfer_drop(gw_transfers *ts, gw_transfer *t);
/** Free what a done one holds. */
void gw_transfer_deinit(gw_transfer *t);

#endif
