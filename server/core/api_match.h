/* SPDX-License-Identifier: MIT */
/* api_match.h - the connections of a worker that a request is about. */
#ifndef GODWIT_SERVER_API_MATCH_H
#define GODWIT_SERVER_API_MATCH_H

#include "server/core/session.h"

/** What a connection has to be; empty and 0 are any. */
typedef struct gws_match {
  gw_view user;
  uint64_t client;
  uint64_t connection;
  uint32_t next; /**< private: slot to look at next */
} gws_match;

/** Whether it names anybody: a request without a name is not one about all. */
bool gws_match_is_given(const gws_match *m);

/** The next open one, or NULL. It may be ended, and others with it, before the
 * next is asked for. */
gw_session *gws_match_next(const gw_hub *h, gws_match *m);

#endif
