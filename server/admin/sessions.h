/* SPDX-License-Identifier: MIT */
/* sessions.h - who is logged in as an administrator. No clock: time comes in. */
#ifndef GODWIT_ADMIN_SESSIONS_H
#define GODWIT_ADMIN_SESSIONS_H

#include "server/admin/users.h"

/** Bytes of a session's id, random: it is all that shows who one is. */
#define GW_ADMIN_ID_BYTES 32u

/** Sessions at once at most, whatever the configuration says. */
#define GW_ADMIN_SESSIONS_MAX 1024u

typedef struct gw_admin_session {
  uint8_t hash[32]; /**< of its id, which is nowhere kept */
  const gw_admin_user *user;
  uint64_t begun_ms;
  uint64_t used_ms;
} gw_admin_session;

typedef struct gw_admin_sessions_options {
  uint32_t idle_ms;     /**< ends when it was not used for so long */
  uint32_t lifetime_ms; /**< ends so long after it began */
  uint32_t max;         /**< 1 .. GW_ADMIN_SESSIONS_MAX */
} gw_admin_sessions_options;

typedef struct gw_admin_sessions {
  /* read-only */
  size_t num; /**< that are remembered; some of them may be over */
  /* private */
  gw_admin_sessions_options options;
  gw_admin_session *items;
} gw_admin_sessions;

/** 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_admin_sessions_init(gw_admin_sessions *s,
                                       const gw_admin_sessions_options *o);
void gw_admin_sessions_deinit(gw_admin_sessions *s);

/**
 * Begin one. Of those that are over none is left.
 *   id       random
 *   user     outlives the session
 *   returns  whose session had to end for it, the one that was not used for
 *            longest, as there were as many as may be; NULL: nobody's
 */
const gw_admin_user *
gw_admin_sessions_begin(gw_admin_sessions *s,
                        const uint8_t id[GW_ADMIN_ID_BYTES],
                        const gw_admin_user *user, uint64_t now_ms);

/** Whose session it is; NULL: there is none, or it is over. is_use: it counts as
 * used; what a page asks by itself does not. */
const gw_admin_user *gw_admin_sessions_find(gw_admin_sessions *s,
                                            const uint8_t id[GW_ADMIN_ID_BYTES],
                                            bool is_use, uint64_t now_ms);

/** End one; false: there was none. */
bool gw_admin_sessions_end(gw_admin_sessions *s,
                           const uint8_t id[GW_ADMIN_ID_BYTES]);

/** Forget those that are over. Returns how many are left. */
size_t gw_admin_sessions_expire(gw_admin_sessions *s, uint64_t now_ms);

#endif
