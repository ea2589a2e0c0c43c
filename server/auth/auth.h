/* SPDX-License-Identifier: MIT */
/* auth.h - authenticators: who answers what a hub asks about tokens. Each worker
 * has one if tokens are configured; without, who somebody claims to be is believed
 * (development), or the application decides by hooks. */
#ifndef GODWIT_AUTH_AUTH_H
#define GODWIT_AUTH_AUTH_H

#include "server/core/ask.h"

/** What the configuration says: auth.*. Texts are never NULL. */
typedef struct gw_auth_settings {
  bool anonymous; /**< connections without a token get in, as nobody */
  char *cookie;   /**< that may hold the token; empty: none */
  char *requests; /**< words: what the link auth demands a token for */
  char *frames;   /**< words: what it demands a known user for */
  /* auth.jwt.*: with one of the first five the authenticator is "jwt" */
  char *secret;
  char *secret_file;
  char *key_file;
  char *jwks_file;
  char *jwks_url;
  uint32_t jwks_min_age_ms;  /**< a set is good for at least this long */
  uint32_t jwks_max_age_ms;  /**< and at most */
  uint32_t jwks_interval_ms; /**< an unknown kid fetches once in this time */
  uint32_t jwks_timeout_ms;
  char *algorithms; /**< words; empty: all that there are keys for */
  char *issuer;
  char *audience; /**< words */
  uint32_t leeway_ms;
  uint32_t max_lifetime_ms;
  char *user_claim;
  char *info_claim;
  char *channels_claim;
  char *channel_claim;
} gw_auth_settings;

/** Whether tokens are checked at all. */
bool gw_auth_is_configured(const gw_auth_settings *s);

/* ---- one worker's authenticator --------------------------------------------- */

/** What an authenticator wants from its worker. Copied. */
typedef struct gw_auth_port {
  /** gw_hub_decide of the worker's hub. */
  void (*decide)(void *user, uint64_t session, uint64_t ticket,
                 const gw_verdict *verdict);
  /** See that gw_auth_run is called soon, on the worker's thread. Called on any
   * thread. */
  void (*wake)(void *user);
  uint64_t (*now_ms)(void *user);  /**< a clock that never goes back */
  uint64_t (*wall_ms)(void *user); /**< milliseconds since 1970 */
} gw_auth_port;

typedef struct gw_auth gw_auth;
typedef struct gw_auth_ops {
  const char *name;
  /** Of CONNECT, REFRESH, SUBSCRIBE (which rests on a token) and
   * SUBSCRIPTION_REFRESH: as gw_hub_port.ask. */
  bool (*ask)(gw_auth *a, const gw_question *q, gw_verdict *v);
  void (*run)(gw_auth *a);
  uint64_t (*deadline)(const gw_auth *a);
  void (*free)(gw_auth *a);
} gw_auth_ops;

/** The first field of each kind of authenticator. */
struct gw_auth {
  const gw_auth_ops *ops;
};

static inline bool gw_auth_ask(gw_auth *a, const gw_question *q,
                               gw_verdict *v) {
  return a->ops->ask(a, q, v);
}
/** Answer what waited and can be answered now, or has waited for too long. Not
 * within ask. NULL is fine, here and below. */
static inline void gw_auth_run(gw_auth *a) {
  if (a != NULL) a->ops->run(a);
}
/** When gw_auth_run has to be called at the latest, in now_ms; UINT64_MAX: not
 * for the sake of time. */
static inline uint64_t gw_auth_deadline(const gw_auth *a) {
  return a != NULL ? a->ops->deadline(a) : UINT64_MAX;
}
/** Before its hub; what waits is not answered. */
static inline void gw_auth_free(gw_auth *a) {
  if (a != NULL) a->ops->free(a);
}

#endif
