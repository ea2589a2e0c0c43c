/* SPDX-License-Identifier: MIT */
/* api_match.c - walks the connections of a worker: what is asked about them is
 * rare, unlike the messages that go to them by the indexes of session.h. */
#include "server/core/api_match.h"

bool gws_match_is_given(const gws_match *m) {
  return m->user.len != 0 || m->client != 0 || m->connection != 0;
}

static bool fits(const gws_match *m, const gw_session *s) {
  return s != NULL && s->state == GWS_SESSION_OPEN &&
         (m->client == 0 || s->client == m->client) &&
         (m->connection == 0 || s->connection == m->connection) &&
         (m->user.len == 0 || gw_view_eq(m->user, gws_session_user(s)));
}

gw_session *gws_match_next(const gw_hub *h, gws_match *m) {
  while (m->next < h->sessions.num) {
    gw_session *s = gw_slots_at(&h->sessions, m->next++);
    if (fits(m, s)) return s;
  }
  return NULL;
}
