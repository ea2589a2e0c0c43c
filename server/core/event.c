/* SPDX-License-Identifier: MIT */
/* event.c - telling events. */
#include "server/core/event.h"

#include "server/core/channel.h"
#include "server/core/news.h"

void gws_event(const gw_channel *ch, const gw_buf *b) {
  gw_hub *h = ch->hub;
  gw_frame f;
  gw_publication p;
  gw_view channel = gws_channel_name(ch);
  /* The server's own are news, which are told as what they are. */
  if (gws_name_is_own(channel) ||
      gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, &p) < 0)
    return;
  gw_view name = gw_event_name(&p);
  if (name.len != 0)
    h->on_event(h->on_event_user, name, channel, ch->epoch, &p);
}
