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

/** Who sends it; all zero: the application. */
typedef struct gws_sender {
  uint64_t client;
  gw_view user;
} gws_sender;

/** Give a sound message to its receivers on this worker. One whose queue is half
 * full is left out. Returns how many got it. */
uint32_t gws_send_here(gw_hub *h, const gw_send *msg, enum gw_address to,
                       const gws_sender *from);

#endif
