/* SPDX-License-Identifier: MIT */
/* identity.h - what is known of a session beside its user's name, and what is
 * granted for a time only. */
#ifndef GODWIT_SERVER_IDENTITY_H
#define GODWIT_SERVER_IDENTITY_H

#include "server/core/ask.h"
#include "server/core/wheel.h"

typedef struct gw_session gw_session;
typedef struct gw_sub gw_sub;

/** Of a session whose verdict said more than a name. */
typedef struct gw_identity {
  gw_timer timer; /**< end of the token */
  gw_session *session;
  uint64_t expires_ms; /**< 0: never */
  uint64_t token_id;
  uint64_t issued_ms; /**< of the token, since 1970; 0: not known */
  uint32_t info_len;
  uint8_t info[];
} gw_identity;

/** Of a subscription that was granted for a time. */
typedef struct gw_lease {
  gw_timer timer;
  gw_sub *sub;
  uint64_t expires_ms; /**< 0: never */
  uint64_t token_id;
  uint64_t issued_ms; /**< as above */
} gw_lease;

/** Take over what a verdict about a connection says, at the beginning or by a
 * new token. 0, GW_ERR_NOMEM: all is as it was. */
GW_MUST_USE int gws_identity_set(gw_session *s, const gw_verdict *v);
gw_view gws_identity_info(const gw_session *s);
/** What is left of the token's life; 0: it does not end. */
uint64_t gws_identity_ttl_ms(const gw_session *s);
void gws_identity_free(gw_session *s);
void gws_identity_on_timer(gw_identity *id);

/** The same about a subscription. */
GW_MUST_USE int gws_lease_set(gw_sub *sub, const gw_verdict *v);
/** What is left of it; 0: it does not end. */
uint64_t gws_lease_ttl_ms(const gw_sub *sub);
void gws_lease_free(gw_sub *sub);
/** The token has run out: the subscription ends with TOKEN_EXPIRED. */
void gws_lease_on_timer(gw_lease *l);

#endif
