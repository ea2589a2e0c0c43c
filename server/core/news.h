/* SPDX-License-Identifier: MIT */
/* news.h - what happens to channels, for whoever wants to know: the application,
 * hooks, and subscribers of a channel that is made of it. */
#ifndef GODWIT_SERVER_NEWS_H
#define GODWIT_SERVER_NEWS_H

#include "server/core/hub_state.h"

/*
 * News are gathered while the hub is at work and handed on at its safe point, as
 * they may lead to a publication. They go to whom gw_hub_set_on_channel names,
 * and, where the namespace says so (channel.events), as publications to
 *
 *    $events:channels    item: the channel; tags: event, namespace
 *    {"event":"subscribed","channel":"chat:1","client":"..","user":"ada"}
 *
 * which there is only when the configuration has a namespace $events: its rules
 * say who may see it. Channels whose name begins with a $ are the server's own:
 * clients do not publish there, and their own happenings are no news.
 */
#define GWS_NEWS_SPACE   "$events"
#define GWS_NEWS_CHANNEL "$events:channels"

/** News that are gathered at most before they are handed on: what comes then is
 * counted, and lost. */
#define GWS_NEWS_MAX 4096u

/** Whether a name is one of the server's own. */
static inline bool gws_name_is_own(gw_view name) {
  return name.len != 0 && name.data[0] == '$';
}

/** Note that something happened to a channel; s: by whose doing; NULL. */
void gws_news(gw_channel *ch, enum gw_channel_event what, const gw_session *s);

/** Hand on what was gathered; at the safe point. */
void gws_news_flush(gw_hub *h);
void gws_news_free(gw_hub *h);

#endif
