/* SPDX-License-Identifier: MIT */
/* jwt.c - answers questions about tokens. */
#include "server/auth/jwt.h"

#include <stdlib.h>
#include <string.h>

/** A question that waits for a key; its texts lie behind it. */
typedef struct waiting {
  struct waiting *next;
  uint64_t fetch; /* number of the fetch that will tell */
  uint64_t deadline_ms;
  gw_question question;
  uint8_t texts[];
} waiting;

typedef struct gw_jwt {
  gw_auth base; /* the first field */
  gw_jwt_options options;
  gw_keystore_listener listener;
  waiting *first; /* in the order of their coming */
  waiting **last;
  uint32_t num_waiting;
  gw_claims claims; /* of the last answer, whose views are into them */
  char why[GW_AUTH_WHY_MAX];
} gw_jwt;

/* ---- answers ---------------------------------------------------------------- */

static void refuse(gw_verdict *v, uint32_t code, const char *why) {
  v->code = code;
  v->message = gw_view_of(why);
  if (v->message.len > GW_MAX_REASON_BYTES)
    v->message.len = GW_MAX_REASON_BYTES;
}

/** Why a good token is not good for what is asked; NULL. */
static const char *misfit(const gw_question *q, const gw_claims *c) {
  bool is_of_user = gw_view_eq(c->user, q->user);
  switch (q->kind) {
  case GW_ASK_CONNECT:
    return c->channel.len == 0 ? NULL : "it is a token for a channel";
  case GW_ASK_REFRESH:
    if (c->channel.len != 0) return "it is a token for a channel";
    return is_of_user ? NULL : "it is of another user";
  default:
    if (!gw_view_eq(c->channel, q->channel))
      return c->channel.len != 0 ? "it is for another channel"
                                 : "it is no token for a channel";
    return c->user.len == 0 || is_of_user ? NULL : "it is of another user";
  }
}

static void grant(const gw_question *q, const gw_claims *c, uint64_t wall_ms,
                  gw_verdict *v) {
  v->user = c->user;
  if (c->info != NULL) v->info = (gw_view){(uint8_t *)c->info, c->info_len};
  if (c->expires_ms != 0) v->ttl_ms = c->expires_ms - wall_ms;
  v->token_id = gw_token_id(c->jti, q->token);
  v->issued_ms = c->issued_ms;
  v->by_token = q->kind == GW_ASK_SUBSCRIBE;
  v->channels = c->channels;
  v->num_channels = c->num_channels;
}

static void count(const gw_jwt *j, uint32_t code) {
  gw_auth_stats *stats = j->options.stats;
  gw_stat_add(&stats->tokens_checked_total, 1);
  if (code == GW_CODE_TOKEN_EXPIRED)
    gw_stat_add(&stats->tokens_expired_total, 1);
  else if (code == GW_CODE_AUTH_UNAVAILABLE)
    gw_stat_add(&stats->tokens_unavailable_total, 1);
  else if (code != GW_CODE_OK)
    gw_stat_add(&stats->tokens_invalid_total, 1);
}

/** Check with the keys of a ring. The verdict's views are into c and why. */
static void check(const gw_jwt *j, const gw_keyring *ring, const gw_question *q,
                  gw_verdict *v, gw_claims *c, char *why) {
  const gw_jwt_options *o = &j->options;
  uint64_t wall_ms = o->port.wall_ms(o->user);
  *v = (gw_verdict){
      .code = gw_token_check(ring, o->rules, q->token, wall_ms, c, why)};
  const char *unfit = v->code == GW_CODE_OK ? misfit(q, c) : NULL;
  if (v->code != GW_CODE_OK)
    refuse(v, v->code, why);
  else if (unfit != NULL)
    refuse(v, GW_CODE_TOKEN_INVALID, unfit);
  else
    grant(q, c, wall_ms, v);
}

/* ---- waiting ---------------------------------------------------------------- */

static gw_view keep(uint8_t **at, gw_view v) {
  gw_view kept = {*at, v.len};
  if (v.len != 0) memcpy(*at, v.data, v.len);
  *at += v.len;
  return kept;
}

static waiting *copy(const gw_question *q) {
  waiting *w = malloc(sizeof *w + q->token.len + q->user.len + q->channel.len);
  if (w == NULL) return NULL;
  uint8_t *at = w->texts;
  *w = (waiting){.question = {.kind = q->kind,
                              .session = q->session,
                              .ticket = q->ticket}};
  w->question.token = keep(&at, q->token);
  w->question.user = keep(&at, q->user);
  w->question.channel = keep(&at, q->channel);
  return w;
}

static void append(gw_jwt *j, waiting *w) {
  w->next = NULL;
  *j->last = w;
  j->last = &w->next;
  j->num_waiting++;
  gw_stat_add(&j->options.stats->tokens_waiting, 1);
}

/** What becomes of a question. */
enum next { ANSWERED, WAITS, AGAIN };

/** Put it off until the key that is not in the ring was fetched. ANSWERED: *v says
 * what to tell. AGAIN: it was, just now. */
static enum next put_off(gw_jwt *j, const gw_keyring *ring,
                         const gw_question *q, gw_verdict *v) {
  const gw_jwt_options *o = &j->options;
  uint64_t wait_ms = 0;
  uint64_t fetch = gw_keystore_want(o->keystore, ring, &wait_ms);
  if (fetch == GW_KEYSTORE_CHANGED) return AGAIN;
  if (fetch == 0) {
    refuse(v, GW_CODE_TOKEN_INVALID, j->why);
    return ANSWERED;
  }
  waiting *w = NULL;
  if (wait_ms <= GW_JWT_WAIT_MS && j->num_waiting < GW_JWT_MAX_WAITING)
    w = copy(q);
  if (w == NULL) {
    refuse(v, GW_CODE_AUTH_UNAVAILABLE, "its key is not here yet");
    v->retry_after_ms = (uint32_t)(wait_ms < 1000 ? 1000 : wait_ms);
    return ANSWERED;
  }
  w->fetch = fetch;
  w->deadline_ms =
      o->port.now_ms(o->user) + wait_ms + o->fetch_timeout_ms + 1000;
  append(j, w);
  return WAITS;
}

/** The fetch is over, or has taken too long. */
static void answer(gw_jwt *j, const waiting *w, enum gw_fetch_state state) {
  const gw_jwt_options *o = &j->options;
  char why[GW_AUTH_WHY_MAX];
  gw_claims claims;
  gw_verdict v;
  gw_keyring *ring = gw_keystore_ring(o->keystore);
  check(j, ring, &w->question, &v, &claims, why);
  gw_keyring_unref(ring);
  if (v.code == GW_CODE_AUTH_UNAVAILABLE && state == GW_FETCH_GOOD)
    refuse(&v, GW_CODE_TOKEN_INVALID, why);
  if (v.code == GW_CODE_AUTH_UNAVAILABLE) v.retry_after_ms = 1000;
  count(j, v.code);
  o->port.decide(o->user, w->question.session, w->question.ticket, &v);
  gw_claims_deinit(&claims);
}

static void run_jwt(gw_auth *a) {
  gw_jwt *j = (gw_jwt *)(void *)a;
  const gw_jwt_options *o = &j->options;
  if (j->first == NULL) return;
  uint64_t now_ms = o->port.now_ms(o->user);
  /* Deciding may ask anew, which goes to the new list. */
  waiting *w = j->first;
  gw_stat_sub(&o->stats->tokens_waiting, j->num_waiting);
  j->first = NULL;
  j->last = &j->first;
  j->num_waiting = 0;
  /* Most wait for the same fetch. */
  uint64_t fetch = 0;
  enum gw_fetch_state state = GW_FETCH_WAITS;
  for (waiting *next; w != NULL; w = next) {
    next = w->next;
    if (w->fetch != fetch) state = gw_keystore_state(o->keystore, w->fetch);
    fetch = w->fetch;
    if (state == GW_FETCH_WAITS && now_ms < w->deadline_ms) {
      append(j, w);
      continue;
    }
    answer(j, w, state);
    free(w);
  }
}

static uint64_t deadline_of_jwt(const gw_auth *a) {
  const gw_jwt *j = (const gw_jwt *)(const void *)a;
  uint64_t first_ms = UINT64_MAX;
  for (const waiting *w = j->first; w != NULL; w = w->next) {
    if (w->deadline_ms < first_ms) first_ms = w->deadline_ms;
  }
  return first_ms;
}

/* ---- asking ----------------------------------------------------------------- */

/** Nobody gave a token. */
static void answer_without(gw_jwt *j, const gw_question *q, gw_verdict *v) {
  if (q->kind == GW_ASK_CONNECT && j->options.anonymous) return;
  gw_stat_add(&j->options.stats->tokens_missing_total, 1);
  refuse(v, GW_CODE_TOKEN_INVALID, "a token is needed");
}

/** With the keys that there are now. */
static enum next try_token(gw_jwt *j, const gw_question *q, gw_verdict *v) {
  gw_keyring *ring = gw_keystore_ring(j->options.keystore);
  enum next next = ANSWERED;
  gw_claims_deinit(&j->claims);
  check(j, ring, q, v, &j->claims, j->why);
  if (v->code == GW_CODE_AUTH_UNAVAILABLE) next = put_off(j, ring, q, v);
  gw_keyring_unref(ring);
  return next;
}

static bool ask_jwt(gw_auth *a, const gw_question *q, gw_verdict *v) {
  gw_jwt *j = (gw_jwt *)(void *)a;
  enum next next;
  if (q->token.len == 0) {
    answer_without(j, q, v);
    return true;
  }
  do {
    next = try_token(j, q, v);
  } while (next == AGAIN);
  if (next == ANSWERED) count(j, v->code);
  return next == ANSWERED;
}

/* ---- life ------------------------------------------------------------------- */

static void on_over(void *user) {
  gw_jwt *j = user;
  j->options.port.wake(j->options.user);
}

static void free_jwt(gw_auth *a) {
  gw_jwt *j = (gw_jwt *)(void *)a;
  gw_keystore_unlisten(j->options.keystore, &j->listener);
  for (waiting *w = j->first, *next; w != NULL; w = next) {
    next = w->next;
    free(w);
  }
  gw_claims_deinit(&j->claims);
  free(j);
}

gw_auth *gw_jwt_new(const gw_jwt_options *options) {
  static const gw_auth_ops ops = {"jwt", ask_jwt, run_jwt, deadline_of_jwt,
                                  free_jwt};
  gw_jwt *j = calloc(1, sizeof *j);
  if (j == NULL) return NULL;
  j->base.ops = &ops;
  j->options = *options;
  j->last = &j->first;
  j->listener = (gw_keystore_listener){.on_over = on_over, .user = j};
  gw_keystore_listen(options->keystore, &j->listener);
  return &j->base;
}
