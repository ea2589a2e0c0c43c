/* SPDX-License-Identifier: MIT */
/* asks.h - who answers the core's questions: an authenticator first, then the
 * application's backend; and who is told what happens to channels. */
#ifndef GODWIT_SERVER_ASKS_H
#define GODWIT_SERVER_ASKS_H

#include "godwit/request.h"
#include "server/auth/auth.h"
#include "server/core/notice.h"

typedef struct gw_hooks gw_hooks;

/*
 *   a token was given, and may decide ----------> the authenticator
 *   otherwise the hook, where one is used ------> the backend
 *   otherwise, a connection or token ----------> the authenticator, which knows
 *                                                what holds without a token
 *   nobody is there for it ---------------------> refused; a connection is let in
 *                                                as who it says it is
 */

/** Of one worker. All zero: nobody answers, and everything is granted. */
typedef struct gw_asks {
  gw_auth *auth;   /**< NULL: no token can be checked */
  gw_hooks *hooks; /**< NULL: none */
  uint32_t worker;
  void (*on_channel)(void *user, const gw_notice *notice); /**< NULL: none */
  void *on_channel_user;
  /** NULL: none */
  void (*on_connection)(void *user, const gw_notice *notice);
  void *on_connection_user;
  const struct gw_event_handlers *events; /**< NULL: nobody wants any */
} gw_asks;

/** Whether there is anybody. */
bool gw_asks_are_any(const gw_asks *a);

/** As gw_hub_port.ask. request: that the connection began with, of CONNECT; NULL:
 * it is not known. */
bool gw_asks_ask(const gw_asks *a, const gw_question *q,
                 const gw_request *request, gw_verdict *verdict);

/** Whether somebody wants to know what happens to channels, and telling it. */
bool gw_asks_want_channels(const gw_asks *a);
void gw_asks_tell_channel(const gw_asks *a, const gw_notice *notice);

/** Whether somebody wants to know of presence. */
bool gw_asks_want_presence(const gw_asks *a);

/** As of channels, of changes of connections. */
bool gw_asks_want_connections(const gw_asks *a);
void gw_asks_tell_connection(const gw_asks *a, const gw_notice *notice);

#endif
