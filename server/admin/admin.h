/* SPDX-License-Identifier: MIT */
/* admin.h - the login of administrators without its HTTP: who may try, who is in,
 * and the token that shows that a request is the page's own. No I/O, no clock and
 * no random source; of one thread. */
#ifndef GODWIT_ADMIN_ADMIN_H
#define GODWIT_ADMIN_ADMIN_H

#include "server/admin/attempts.h"
#include "server/admin/sessions.h"
#include "server/core/stats.h"

/** name, Prometheus type, help. */
#define GW_ADMIN_STATS(X)                                                \
  X(admin_logins_total, counter, "Logins of administrators")             \
  X(admin_logins_failed_total, counter, "Wrong names and passwords")     \
  X(admin_logins_limited_total, counter, "Logins that came too often")   \
  X(admin_refused_total, counter,                                        \
    "Requests of administrators without session, token or right origin") \
  X(admin_sessions_displaced_total, counter,                             \
    "Sessions that ended for newer ones")                                \
  X(admin_calls_total, counter, "Methods that administrators called")

typedef struct gw_admin_stats {
#define GW__ADMIN_STATS_FIELD(name, type, help) _Atomic uint64_t name;
  GW_ADMIN_STATS(GW__ADMIN_STATS_FIELD)
#undef GW__ADMIN_STATS_FIELD
} gw_admin_stats;

/** Characters of an id or a token in base64url, with the NUL. */
#define GW_ADMIN_TOKEN_MAX 44u

typedef struct gw_admin {
  gw_admin_users users;
  gw_admin_sessions sessions;
  gw_attempts attempts;
  gw_password stand_in; /* what unknown names are checked against */
  uint8_t secret[32];
  gw_admin_stats stats;
} gw_admin;

typedef struct gw_admin_options {
  gw_admin_sessions_options sessions;
  gw_rate failures;   /**< of one address, and of one name */
  uint8_t secret[32]; /**< random; new with each start */
} gw_admin_options;

/** Takes over the users, also on failure; at least one. 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_admin_init(gw_admin *a, gw_admin_users *users,
                              const gw_admin_options *o);
void gw_admin_deinit(gw_admin *a);

/** Somebody wants to try a password. 0; otherwise it is too often, and one may
 * come back after so many milliseconds. Counts as a failure until gw_admin_enter.
 */
uint32_t gw_admin_try(gw_admin *a, gw_view name, gw_view address,
                      uint64_t now_ms);

/** What to check a password against: that of the user, or one that nobody has,
 * which takes as long. *user is NULL then. */
const gw_password *gw_admin_password_of(const gw_admin *a, gw_view name,
                                        const gw_admin_user **user);

/** The password was right: a session begins, and failures are forgotten. Returns
 * as gw_admin_sessions_begin. */
const gw_admin_user *gw_admin_enter(gw_admin *a, const gw_admin_user *user,
                                    gw_view address,
                                    const uint8_t id[GW_ADMIN_ID_BYTES],
                                    uint64_t now_ms);

/** The text of an id, as it stands in the cookie. */
void gw_admin_id_write(const uint8_t id[GW_ADMIN_ID_BYTES],
                       char text[GW_ADMIN_TOKEN_MAX]);
/** false: it is none. */
bool gw_admin_id_read(gw_view text, uint8_t id[GW_ADMIN_ID_BYTES]);

/** The token of a session against requests that other pages make. */
void gw_admin_csrf(const gw_admin *a, const uint8_t id[GW_ADMIN_ID_BYTES],
                   char token[GW_ADMIN_TOKEN_MAX]);
/** Whether it is the one, in constant time. */
bool gw_admin_csrf_is(const gw_admin *a, const uint8_t id[GW_ADMIN_ID_BYTES],
                      gw_view token);

#endif
