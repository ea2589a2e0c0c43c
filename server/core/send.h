/* SPDX-License-Identifier: MIT */
/* send.h - messages to users, clients, connections, groups, channels, everybody:
 * given to whoever is connected now, and not kept. */
#ifndef GODWIT_SERVER_SEND_H
#define GODWIT_SERVER_SEND_H

#include "server/core/session.h"

/** Whom a message is for: the one field of the address that is set. GW_CODE_OK,
 * or why it cannot be sent, with a literal in *why. */
uint32_t gws_send_check(const gw_hub *h, const gw_send *msg,
                        enum gw_address *to, const char **why);

/** Who sends it, and when. */
typedef struct gws_sender {
  uint64_t client; /**< 0, and no user: the application */
  gw_view user;
  uint64_t at_ms; /**< gws_hub_clock at the worker where it was sent */
} gws_sender;

/** Give a sound message to its receivers on this worker. One whose queue is half
 * full is left out; so is one who came when it had been sent, who may have got it
 * by the connection before, at another worker. Returns how many got it. */
uint32_t gws_send_here(gw_hub *h, const gw_send *msg, enum gw_address to,
                       const gws_sender *from);

#endif
