/* SPDX-License-Identifier: MIT */
/* notice.h - what happens to channels, for whoever wants to know: the application,
 * hooks, and subscribers of a channel that is made of it. */
#ifndef GODWIT_SERVER_NOTICE_H
#define GODWIT_SERVER_NOTICE_H

#include "server/core/hub_state.h"

/*
 * Notices are gathered while the hub is at work and handed on at its safe point,
 * as a handler may not look into the middle of things. They go to gw_on_notice,
 * and, where the namespace says so (channel.events), as publications to
 *
 *    $events:channels    item: the channel; tags: event, namespace
 *    {"event":"subscribed","channel":"chat:1","client":"..","user":"ada"}
 *
 * which there is only when the configuration has a namespace $events: its rules
 * say who may see it. Channels whose name begins with a $ are the server's own:
 * clients do not publish there, and their own happenings are no news.
 */
#define GWS_NOTICE_SPACE   "$events"
#define GWS_NOTICE_CHANNEL "$events:channels"

/** Notices that are gathered at most before they are handed on: what comes then
 * is counted, and lost. */
#define GWS_NOTICES_MAX 4096u

/** Whether a name is one of the server's own. */
bool gws_name_is_own(gw_view name);

/** Note that something happened to a channel; s: by whose doing; NULL. */
void gws_notice(gw_channel *ch, enum gw_notice what, const gw_session *s);

/** Hand on what was gathered; at the safe point. */
void gws_notices_flush(gw_hub *h);
void gws_notices_free(gw_hub *h);

#endif
