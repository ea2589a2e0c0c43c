/* SPDX-License-Identifier: MIT */
/* event.h - named events: publications with a tag `event`, and what happens on
 * the server by the same kind of name. */
#ifndef GODWIT_SERVER_EVENT_H
#define GODWIT_SERVER_EVENT_H

#include "server/core/hub.h"

/** The owner of a channel has stamped a publication: tell whoever wants to know
 * of events. Only where somebody does. */
typedef struct gw_buf gw_buf;
typedef struct gw_channel gw_channel;
void gws_event(const gw_channel *ch, const gw_buf *b);

#endif
