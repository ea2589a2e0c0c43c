/* SPDX-License-Identifier: MIT */
/* message.c - stands in for message.c where a client is built without messages
 * to people: what others send is ignored. */
#include "client/internal.h"

void gw__put_send(gw_client *c, const gw__call *call) {
  (void)c, (void)call;
}

int gw__on_sent(gw_client *c, const gw_frame *frame) {
  return gw__link_ignore(c, frame);
}

int gw__on_message(gw_client *c, const gw_frame *frame) {
  return gw__link_ignore(c, frame);
}
