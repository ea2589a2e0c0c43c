/* SPDX-License-Identifier: MIT */
/* pack.h - messages with compressed bodies, for the sessions that read them. */
#ifndef GODWIT_SERVER_PACK_H
#define GODWIT_SERVER_PACK_H

#include "server/core/hub_state.h"

/*
 * A message is compressed when it is taken for the first session that reads that,
 * once on the node, and is kept beside the plain one as long as that lives: in
 * queues, in the history, in a snapshot. So who fills queues knows nothing of it,
 * and neither who reads only plain messages nor a message that nobody takes pays
 * for it. A delta is a message like any other, and compressed where it is long
 * enough.
 *
 * Each frame of a message has its own body compressed, by the block format of LZ4
 * (godwit/lz4.h): nothing is shared between frames, so what one says cannot be
 * guessed from the length of another. What saves less than an eighth is sent as it
 * is.
 */

/** Shorter messages are not looked at. */
#define GWS_PACK_FLOOR 64u

/** Let a new message be compressed, as the settings say; NULL is fine. */
static inline gw_buf *gws_may_pack(gw_buf *b, const gw_packing *p) {
  if (b != NULL && p->on) b->pack_min = p->min_bytes;
  return b;
}

/** How what belongs to no channel is. */
static inline const gw_packing *gws_pack_rest(const gw_hub *h) {
  const gw_settings *s = h->settings;
  return &s->namespaces[s->num_namespaces - 1].packing;
}

/** The message to send in place of a binary one: the compressed one, which lives
 * as long as b, or b itself, also when there is no memory. */
gw_buf *gws_pack(gw_hub *h, gw_buf *b);
/** The same of a reference that was taken: it passes on to the other. */
gw_buf *gws_pack_taken(gw_hub *h, gw_buf *b);

#endif
