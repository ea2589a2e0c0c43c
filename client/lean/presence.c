/* SPDX-License-Identifier: MIT */
/* presence.c - stands in for presence.c and members.c where a client is built
 * without presence: nothing is told, and what others tell is ignored. */
#include "client/internal.h"

void gw__put_presence_get(gw_client *c, const gw__call *call) {
  (void)c, (void)call;
}

void gw__presence_pump(gw_client *c, gw__sub *s) {
  (void)c, (void)s;
}

void gw__presence_due(gw_client *c, gw__sub *s) {
  (void)c, (void)s;
}

void gw__presence_lost(gw_client *c, gw__sub *s) {
  (void)c, (void)s;
}

void gw__presence_subscribed(gw_client *c, gw__sub *s) {
  (void)c, (void)s;
}

void gw__presence_free(gw_client *c, gw__sub *s) {
  (void)c, (void)s;
}

void gw__presence_ok(gw_client *c, uint32_t request) {
  (void)c, (void)request;
}

bool gw__presence_refused(gw_client *c, uint32_t request,
                          const gw_error *error) {
  (void)c, (void)request, (void)error;
  return false;
}

int gw__on_snapshot(gw_client *c, const gw_frame *frame) {
  return gw__link_ignore(c, frame);
}

int gw__on_diff(gw_client *c, const gw_frame *frame) {
  return gw__link_ignore(c, frame);
}

void gw__members_lost(gw__members *ms, const gw_alloc *alloc) {
  (void)ms, (void)alloc;
}

void gw__members_free_chain(gw__member *chain, const gw_alloc *alloc) {
  (void)chain, (void)alloc;
}

int gw_client_presence_set(gw_client *c, uint32_t sub, gw_view state,
                           gw_payload payload) {
  (void)c, (void)sub, (void)state, (void)payload;
  return GW_ERR_STATE;
}

int gw_client_presence_leave(gw_client *c, uint32_t sub) {
  (void)c, (void)sub;
  return GW_ERR_STATE;
}
