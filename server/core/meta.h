/* SPDX-License-Identifier: MIT */
/* meta.h - JSON that the application keeps about a channel: kept by its owner,
 * told to its subscribers. */
#ifndef GODWIT_SERVER_META_H
#define GODWIT_SERVER_META_H

#include "server/core/channel.h"

/** Empty for none. */
static inline gw_view gws_meta_of(const gw_channel *ch) {
  return ch->meta != NULL ? gw_buf_payload(ch->meta) : (gw_view){NULL, 0};
}

/** At the owner: change it, tell subscribers and followers. 0, GW_ERR_NOMEM:
 * all is as it was. */
GW_MUST_USE int gws_meta_set(gw_channel *ch, gw_view json);

/** At a follower: it is this now; NULL: none. Takes the reference. */
void gws_meta_take(gw_channel *ch, gw_buf *meta);
void gws_meta_on_mail(gw_hub *h, gw_mail *m);

/** Queue it to a subscription that was too slow for it. */
void gws_meta_draw(gw_sub *sub);

#endif
