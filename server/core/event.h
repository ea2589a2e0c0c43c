/* SPDX-License-Identifier: MIT */
/* event.h - named events: publications with a tag `event`, and what happens on
 * the server by the same kind of name. */
#ifndef GODWIT_SERVER_EVENT_H
#define GODWIT_SERVER_EVENT_H

#include "server/core/hub.h"

/** The tag that names an event. */
#define GW_EVENT_TAG "event"

/** Whether a pattern of names is sound: parts that are not empty, * for one part,
 * > for the rest at the end. */
bool gw_event_is_good_pattern(gw_view pattern);
/** Whether a pattern matches a name. One that begins with * or > does not match
 * the server's own names, which begin with a $. */
bool gw_event_matches(gw_view pattern, gw_view name);

/** The owner of a channel has stamped a publication: tell whoever wants to know
 * of events. Only where somebody does. */
typedef struct gw_buf gw_buf;
typedef struct gw_channel gw_channel;
void gws_event(const gw_channel *ch, const gw_buf *b);

#endif
