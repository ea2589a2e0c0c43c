/* SPDX-License-Identifier: MIT */
/* asks.h - who answers the core's questions: an authenticator first, then the
 * application's backend; and who is told what happens to channels. */
#ifndef GODWIT_SERVER_ASKS_H
#define GODWIT_SERVER_ASKS_H

#include "godwit/request.h"
#include "server/core/ask.h"
#include "server/core/notice.h"

typedef struct gw_hooks gw_hooks;

/** What an authenticator says to a question. */
enum gw_auth_said {
  GW_AUTH_ANSWERED, /**< *verdict is the answer */
  GW_AUTH_LATER,    /**< it will be given by gw_hub_decide, once */
  GW_AUTH_PASS      /**< not for it to say */
};

/** Called on the worker's thread; must not wait. */
typedef struct gw_authenticator {
  enum gw_auth_said (*ask)(void *user, uint32_t worker,
                           const gw_question *question, gw_verdict *verdict);
} gw_authenticator;

/** All zero: nobody answers, and everything is granted. */
typedef struct gw_asks {
  const gw_authenticator *auth; /**< NULL: none */
  void *auth_user;
  gw_hooks *hooks;                                         /**< NULL: none */
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
bool gw_asks_ask(const gw_asks *a, uint32_t worker, const gw_question *q,
                 const gw_request *request, gw_verdict *verdict);

/** Whether somebody wants to know what happens to channels, and telling it. */
bool gw_asks_want_channels(const gw_asks *a);
void gw_asks_tell_channel(const gw_asks *a, uint32_t worker,
                          const gw_notice *notice);

/** The same of changes of connections. */
bool gw_asks_want_connections(const gw_asks *a);
void gw_asks_tell_connection(const gw_asks *a, uint32_t worker,
                             const gw_notice *notice);

#endif
