/* SPDX-License-Identifier: MIT */
/* revocation.c - remembers tokens that were taken back, and ends what rests on
 * them. */
#include "server/core/revocation.h"

#include <sodium.h>

#include "proto/guard.h"
#include "server/core/api_match.h"
#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/resume.h"
#include "server/core/session.h"
#include "server/core/table.h"

typedef struct gw_revoked {
  UT_hash_handle hh;
  uint64_t token_id;        /**< 0: of a user */
  uint64_t issued_until_ms; /**< of a user */
  uint64_t until_ms;        /**< GW_NEVER */
  uint32_t user_len;
  uint8_t user[];
} gw_revoked;

uint64_t gw_token_id(gw_view jti, gw_view token) {
  gw_view of = jti.len != 0 ? jti : token;
  uint8_t hash[crypto_generichash_BYTES];
  uint64_t id = 0;
  crypto_generichash(hash, sizeof hash, of.data, of.len, NULL, 0);
  for (unsigned i = 0; i < sizeof id; i++)
    id |= (uint64_t)hash[i] << (8 * i);
  return id != 0 ? id : 1;
}

/* ---- the list ------------------------------------------------------------- */

static uint32_t hash_of(const gw_hub *h, const void *key, size_t len) {
  return (uint32_t)gws_hub_hash(h, key, len);
}

static gw_revoked *find_token(const gw_hub *h, uint64_t id) {
  gw_revoked *r = NULL;
  if (id == 0 || h->revocations.tokens == NULL) return NULL;
  HASH_FIND_BYHASHVALUE(hh, h->revocations.tokens, &id, sizeof id,
                        hash_of(h, &id, sizeof id), r);
  return r;
}

static gw_revoked *find_user(const gw_hub *h, gw_view user) {
  gw_revoked *r = NULL;
  if (user.len == 0 || h->revocations.users == NULL) return NULL;
  HASH_FIND_BYHASHVALUE(hh, h->revocations.users, user.data, user.len,
                        hash_of(h, user.data, user.len), r);
  return r;
}

static bool add_token(gw_hub *h, gw_revoked *r) {
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->revocations.tokens, &r->token_id,
                              sizeof r->token_id,
                              hash_of(h, &r->token_id, sizeof r->token_id), r);
  return GWS_TABLE_HAS(r);
}

static bool add_user(gw_hub *h, gw_revoked *r) {
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->revocations.users, r->user, r->user_len,
                              hash_of(h, r->user, r->user_len), r);
  return GWS_TABLE_HAS(r);
}

static void forget(gw_hub *h, gw_revoked *r) {
  /* It is in its table, which so is not empty. */
  /* NOLINTBEGIN(clang-analyzer-core.NullDereference) */
  if (r->token_id != 0)
    HASH_DELETE(hh, h->revocations.tokens, r);
  else
    HASH_DELETE(hh, h->revocations.users, r);
  /* NOLINTEND(clang-analyzer-core.NullDereference) */
  h->revocations.num--;
  gw_stat_sub(&h->stats.revocations, 1);
  gw_mem_free(r);
}

/** Forget those that were over at a time. */
static void sweep(gw_hub *h, uint64_t at_ms) {
  gw_revoked *lists[] = {h->revocations.tokens, h->revocations.users};
  for (int i = 0; i < 2; i++) {
    for (gw_revoked *r = lists[i], *next; r != NULL; r = next) {
      next = r->hh.next;
      if (r->until_ms <= at_ms) forget(h, r);
    }
  }
}

void gws_revocations_on_timer(gw_hub *h) {
  sweep(h, h->now_ms);
  if (h->revocations.num != 0)
    gws_hub_set_timer(h, &h->revocations.timer, GWS_REVOCATION_SWEEP_MS);
}

void gws_revocations_deinit(gw_hub *h) {
  sweep(h, GW_NEVER);
}

/* ---- remembering ----------------------------------------------------------- */

static uint64_t until_of(const gw_hub *h, const gws_revocation *r) {
  uint64_t for_ms = r->for_ms != 0 ? r->for_ms : h->settings->max_token_ms;
  return for_ms != 0 && for_ms < GW_NEVER - h->now_ms ? h->now_ms + for_ms
                                                      : GW_NEVER;
}

static gw_revoked *make(const gws_revocation *r) {
  gw_revoked *one = gw_mem_zalloc(sizeof *one + r->user.len);
  if (one == NULL) return NULL;
  one->token_id = r->user.len == 0 ? r->token_id : 0;
  one->user_len = (uint32_t)r->user.len;
  if (r->user.len != 0) memcpy(one->user, r->user.data, r->user.len);
  return one;
}

static uint32_t add(gw_hub *h, const gws_revocation *r, gw_revoked **one) {
  gw_revocations *list = &h->revocations;
  if (list->num >= h->settings->max_revocations) sweep(h, h->now_ms);
  if (list->num >= h->settings->max_revocations) return GW_CODE_LIMIT_REACHED;
  *one = make(r);
  bool is_in = *one != NULL &&
               ((*one)->token_id != 0 ? add_token(h, *one) : add_user(h, *one));
  if (!is_in) {
    gw_mem_free(*one);
    gws_hub_nomem(h);
    return GW_CODE_INTERNAL;
  }
  list->num++;
  gw_stat_add(&h->stats.revocations, 1);
  if (!gw_timer_is_set(&list->timer))
    gws_hub_set_timer(h, &list->timer, GWS_REVOCATION_SWEEP_MS);
  return GW_CODE_OK;
}

/** What is remembered already is only ever widened. */
static uint32_t remember(gw_hub *h, const gws_revocation *r) {
  gw_revoked *one =
      r->user.len != 0 ? find_user(h, r->user) : find_token(h, r->token_id);
  uint32_t code = one != NULL ? GW_CODE_OK : add(h, r, &one);
  if (code != GW_CODE_OK) {
    gws_hub_log(h, GWS_LOG_ERROR, "revocation.forgotten", "code=%u name=%s",
                code, gw_code_name(code));
    return code;
  }
  uint64_t until_ms = until_of(h, r);
  if (one->until_ms < until_ms) one->until_ms = until_ms;
  if (one->issued_until_ms < r->issued_until_ms)
    one->issued_until_ms = r->issued_until_ms;
  return GW_CODE_OK;
}

/* ---- ending what is there --------------------------------------------------- */

/** One that is being carried out. */
typedef struct ending {
  gw_hub *hub;
  const gws_revocation *revocation;
  gws_on_ended on_ended;
  void *arg;
} ending;

static void end_session(const ending *e, gw_session *s) {
  if (s->state != GWS_SESSION_OPEN) return;
  gw_stat_add(&e->hub->stats.revoked_total, 1);
  if (e->on_ended != NULL) e->on_ended(e->arg, s, NULL);
  gws_session_end(s, GW_CODE_TOKEN_REVOKED, NULL);
}

static void end_sub(const ending *e, gw_sub *sub) {
  if (sub->session->state != GWS_SESSION_OPEN) return;
  gw_stat_add(&e->hub->stats.revoked_total, 1);
  if (e->on_ended != NULL) e->on_ended(e->arg, sub->session, sub);
  gws_sub_end(sub, GW_CODE_TOKEN_REVOKED, NULL, GWS_FAREWELL_LEFT);
}

/** Whatever rests on the token: the index changes with each that ends, so the
 * walk begins anew. Sessions stay in it until they are taken apart. */
static void end_token(const ending *e) {
  uint64_t id = e->revocation->token_id;
  gw_index_walk walk = {.hash = (uint32_t)id};
  gw_timer *t;
  while ((t = gw_index_next(&e->hub->tokens, &walk)) != NULL) {
    if (t->kind == GWS_TIMER_IDENTITY) {
      gw_identity *one = GWS_AROUND(t, gw_identity, timer);
      if (one->token_id == id) end_session(e, one->session);
      continue;
    }
    gw_lease *one = GWS_AROUND(t, gw_lease, timer);
    if (one->token_id != id || one->sub->session->state != GWS_SESSION_OPEN)
      continue;
    end_sub(e, one->sub);
    walk = (gw_index_walk){.hash = (uint32_t)id};
  }
}

/** A newer token holds the connection; its channels may rest on older ones. */
static void end_older(const ending *e, gw_sub *list) {
  gw_sub *sub, *next;
  DL_FOREACH_SAFE(list, sub, next) {
    const gw_lease *l = sub->lease;
    if (l != NULL && l->token_id != 0 &&
        l->issued_ms <= e->revocation->issued_until_ms)
      end_sub(e, sub);
  }
}

static void end_user(const ending *e) {
  gws_match who = {.user = e->revocation->user};
  for (gw_session *s; (s = gws_match_next(e->hub, &who)) != NULL;) {
    uint64_t issued = s->identity != NULL ? s->identity->issued_ms : 0;
    if (issued <= e->revocation->issued_until_ms) {
      end_session(e, s);
    } else {
      end_older(e, s->subs.quiet);
      end_older(e, s->subs.drawing);
    }
  }
}

uint32_t gws_revoke(gw_hub *h, const gws_revocation *r, gws_on_ended on_ended,
                    void *arg) {
  ending e = {h, r, on_ended, arg};
  uint32_t code = remember(h, r);
  if (!GW_GUARD(REVOKED_ENDS)) return code;
  gws_resume_revoke(h, r);
  if (r->user.len == 0) {
    end_token(&e);
    return code;
  }
  end_user(&e);
  gws_acts_note(h, &(gws_act){.user = r->user,
                              .code = GW_CODE_TOKEN_REVOKED,
                              .issued_until_ms = r->issued_until_ms});
  return code;
}

/* ---- the other workers ------------------------------------------------------ */

bool gws_revocation_tell(gw_hub *h, const gws_revocation *r) {
  bool are_told = true;
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (w == h->worker) continue;
    gw_mail *m = gws_mail_new(GWS_MAIL_REVOKE, r->user.len);
    if (m == NULL) {
      gws_hub_nomem(h);
      gws_receipts_excuse(h, w);
      are_told = false;
      continue;
    }
    m->u.revocation = *r;
    m->u.revocation.user = gws_mail_keep(m, r->user);
    gws_mail_post(h, w, m);
  }
  if (h->num_workers > 1) gws_receipts_expect(h);
  return are_told;
}

void gws_revocation_on_mail(gw_hub *h, gw_mail *m) {
  (void)gws_revoke(h, &m->u.revocation, NULL, NULL);
  gws_receipts_give(h, m);
}

/* ---- those who come later --------------------------------------------------- */

bool gws_is_revoked(const gw_hub *h, const gw_verdict *v, gw_view user) {
  if (v->token_id == 0 || !GW_GUARD(REVOKED_COMES)) return false;
  if (v->user.len != 0) user = v->user;
  const gw_revoked *token = find_token(h, v->token_id);
  if (token != NULL && token->until_ms > h->now_ms) return true;
  return gws_is_user_revoked(h, user, v->issued_ms);
}

bool gws_is_user_revoked(const gw_hub *h, gw_view user, uint64_t issued_ms) {
  const gw_revoked *r = find_user(h, user);
  return r != NULL && r->until_ms > h->now_ms &&
         issued_ms <= r->issued_until_ms;
}
