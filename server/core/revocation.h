/* SPDX-License-Identifier: MIT */
/* revocation.h - tokens that were taken back before their time: remembered for
 * those who come later, and what rests on them ended at once. */
#ifndef GODWIT_SERVER_REVOCATION_H
#define GODWIT_SERVER_REVOCATION_H

#include "server/core/ask.h"
#include "server/core/wheel.h"

typedef struct gw_hub gw_hub;
typedef struct gw_session gw_session;
typedef struct gw_sub gw_sub;
typedef struct gw_mail gw_mail;

/*
 * Every worker of a node has the same list, as each is told of every revocation
 * and answers from its own. A user's is a line in time: tokens that were issued
 * before it are refused, those after it are good.
 */
typedef struct gw_revocations {
  struct gw_revoked *tokens; /**< uthash, by token id */
  struct gw_revoked *users;  /**< uthash, by name */
  uint32_t num;
  gw_timer timer; /**< forgets what is over */
} gw_revocations;

/** How often those that are over are looked for. */
#define GWS_REVOCATION_SWEEP_MS 60000u

/** What is taken back. */
typedef struct gws_revocation {
  gw_view user; /**< or empty: token_id counts */
  uint64_t token_id;
  uint64_t issued_until_ms; /**< of a user: since 1970 */
  uint64_t for_ms;          /**< 0: as long as tokens live */
} gws_revocation;

/** What was ended by one: sub is NULL for the whole connection. Told before it is
 * done. */
typedef void (*gws_on_ended)(void *arg, const gw_session *s, const gw_sub *sub);

/**
 * End what rests on it here, and remember it.
 *   returns  GW_CODE_OK; GW_CODE_LIMIT_REACHED or GW_CODE_INTERNAL: what was
 *            there has ended, but it is not remembered
 */
uint32_t gws_revoke(gw_hub *h, const gws_revocation *r, gws_on_ended on_ended,
                    void *arg);

/** Tell the other workers. When there is no memory for it, they are not told:
 * false. */
bool gws_revocation_tell(gw_hub *h, const gws_revocation *r);
void gws_revocation_on_mail(gw_hub *h, gw_mail *m);

/** Whether what a verdict grants rests on a token that was taken back. user: the
 * session's, where the verdict names none. */
bool gws_is_revoked(const gw_hub *h, const gw_verdict *v, gw_view user);

/** Whether a user's tokens that were issued up to then were taken back; 0: it is
 * not known when. */
bool gws_is_user_revoked(const gw_hub *h, gw_view user, uint64_t issued_ms);

void gws_revocations_on_timer(gw_hub *h);
void gws_revocations_deinit(gw_hub *h);

#endif
