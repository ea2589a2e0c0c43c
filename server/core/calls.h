/* SPDX-License-Identifier: MIT */
/* calls.h - calls: to the server, from client to client through it, and from
 * the server to a client. */
#ifndef GODWIT_SERVER_CALLS_H
#define GODWIT_SERVER_CALLS_H

#include "server/core/hub_state.h"
#include "server/core/table.h"

typedef struct gw_mail gw_mail;

/*
 *   caller's worker                          callee's worker
 *   gw_call_open  --- here, or by mail --->  gw_call_sent  --- Rpc ---> client
 *   (who asked)   <---------------------     (who answers) <- RpcResult -
 *
 * The open half knows who waits, the sent half who has to answer; each has its
 * own timer and each may vanish before the other, which then finds nobody.
 */

/** Somebody waits for an answer. */
typedef struct gw_call_open {
  UT_hash_handle hh;
  uint32_t id;
  uint32_t request;                 /**< of the session's Rpc */
  gw_session *session;              /**< NULL: the application waits */
  struct gw_call_open *prev, *next; /**< of the session */
  gw_on_reply on_reply;             /**< of the application */
  void *arg;
  uint32_t num_asked; /**< workers that have not said no yet */
  gw_timer timer;
  gw_hub *hub;
} gw_call_open;

/** A client has to answer. */
typedef struct gw_call_sent {
  UT_hash_handle hh;
  uint32_t id; /**< request id of the frame that it was sent */
  gw_session *callee;
  struct gw_call_sent *prev, *next; /**< of the callee */
  uint32_t open; /**< id of the open half, when that is here */
  gw_mail *mail; /**< becomes the answer, when it is not */
  gw_timer timer;
} gw_call_sent;

/** The calls of one session. */
typedef struct gw_calls {
  gw_call_open *open;
  gw_call_sent *sent;
  uint32_t num_open;
  uint32_t num_sent;
} gw_calls;

/** A wish, or the default, within the limit. */
uint32_t gws_call_timeout(uint32_t wish_ms);

/** Somebody begins to wait; s may be NULL. NULL when out of memory. */
gw_call_open *gws_call_open(gw_hub *h, gw_session *s, uint32_t request,
                            uint32_t timeout_ms);
gw_call_open *gws_call_find(const gw_session *s, uint32_t request);
bool gws_call_has_room(const gw_session *s);
/** Deliver it to a client, wherever on the node it is. GW_CODE_OK, or why not:
 * then the call is still open. */
uint32_t gws_call_route(gw_call_open *c, uint64_t to, const gw_rpc *rpc);
/** Tell who waits, and forget the call. */
void gws_call_finish(gw_call_open *c, uint32_t code, gw_view message,
                     const gw_rpc_result *result);
/** The same with a failure as a client has told it: when to come again goes on
 * to a caller that is a client. */
void gws_call_fail(gw_call_open *c, const gw_error *failure);
/** Forget it without a word. */
void gws_call_cancel(gw_call_open *c);

/** A client has answered what it was sent under this id. failure: NULL for
 * none. */
void gws_call_answered(gw_session *callee, uint32_t id, const gw_error *failure,
                       const gw_rpc_result *result);

void gws_calls_on_open_timer(gw_call_open *c);
void gws_calls_on_sent_timer(gw_call_sent *c);

/** A worker asks for a client of this one. */
void gws_calls_on_mail(gw_hub *h, gw_mail *m);
/** It answered. */
void gws_calls_on_done(gw_hub *h, gw_mail *m);

/** The session ends: whoever waits for it is told, what it waits for is
 * forgotten. */
void gws_calls_drop(gw_session *s);
/** The hub ends. */
void gws_calls_free(gw_hub *h);

#endif
