/* SPDX-License-Identifier: MIT */
/* identity.c - tokens run out: of a connection, of a subscription. */
#include "server/core/identity.h"

#include <string.h>

#include "proto/guard.h"
#include "server/core/mem.h"
#include "server/core/session.h"

/** The longest that is waited for at once; what lasts longer is looked at
 * again. */
#define FAR_MS (GW_WHEEL_MAX_MS / 2)

static void set_timer(gw_hub *h, gw_timer *t, uint64_t expires_ms) {
  uint64_t delay = expires_ms > h->now_ms ? expires_ms - h->now_ms : 0;
  if (expires_ms == 0)
    gw_wheel_cancel(&h->wheel, t);
  else
    gws_hub_set_timer(h, t, delay < FAR_MS ? delay : FAR_MS);
}

static uint64_t expiry_of(const gw_hub *h, const gw_verdict *v) {
  return v->ttl_ms != 0 ? h->now_ms + v->ttl_ms : 0;
}

/* ---- by token ------------------------------------------------------------ */

/** Tokens are found by revocations: by the timer of what rests on them. */
static int index_token(gw_hub *h, uint64_t token_id, gw_timer *t) {
  return token_id != 0 ? gw_index_add(&h->tokens, (uint32_t)token_id, t) : 0;
}

static void unindex_token(gw_hub *h, uint64_t token_id, gw_timer *t) {
  if (token_id != 0) gw_index_remove(&h->tokens, (uint32_t)token_id, t);
}

/* ---- connections --------------------------------------------------------- */

static gw_identity *make_identity(gw_session *s, gw_view info) {
  gw_identity *id = gw_mem_zalloc(sizeof *id + info.len);
  if (id == NULL) return NULL;
  id->session = s;
  id->timer.kind = GWS_TIMER_IDENTITY;
  id->info_len = (uint32_t)info.len;
  if (info.len != 0) memcpy(id->info, info.data, info.len);
  return id;
}

int gws_identity_set(gw_session *s, const gw_verdict *v) {
  gw_hub *h = s->hub;
  /* A new token does not have to say again who somebody is. */
  gw_view info = v->info.len != 0 ? v->info : gws_identity_info(s);
  if (v->ttl_ms == 0 && v->token_id == 0 && info.len == 0) {
    gws_identity_free(s);
    return 0;
  }
  gw_identity *id = make_identity(s, info);
  if (id == NULL || index_token(h, v->token_id, &id->timer) < 0) {
    gw_mem_free(id);
    return GW_ERR_NOMEM;
  }
  gws_identity_free(s);
  s->identity = id;
  id->token_id = v->token_id;
  id->issued_ms = v->issued_ms;
  id->expires_ms = expiry_of(h, v);
  set_timer(h, &id->timer, id->expires_ms);
  return 0;
}

gw_view gws_identity_info(const gw_session *s) {
  const gw_identity *id = s->identity;
  return id != NULL ? (gw_view){id->info, id->info_len} : (gw_view){NULL, 0};
}

uint64_t gws_identity_ttl_ms(const gw_session *s) {
  const gw_identity *id = s->identity;
  return id != NULL && id->expires_ms > s->hub->now_ms
             ? id->expires_ms - s->hub->now_ms
             : 0;
}

void gws_identity_free(gw_session *s) {
  gw_identity *id = s->identity;
  if (id == NULL) return;
  unindex_token(s->hub, id->token_id, &id->timer);
  gw_wheel_cancel(&s->hub->wheel, &id->timer);
  gw_mem_free(s->identity);
  s->identity = NULL;
}

void gws_identity_on_timer(gw_identity *id) {
  gw_session *s = id->session;
  if (s->hub->now_ms < id->expires_ms)
    set_timer(s->hub, &id->timer, id->expires_ms);
  else if (GW_GUARD(TOKEN_EXPIRY))
    gws_session_end(s, GW_CODE_TOKEN_EXPIRED, NULL);
}

/* ---- subscriptions ------------------------------------------------------- */

int gws_lease_set(gw_sub *sub, const gw_verdict *v) {
  gw_hub *h = sub->session->hub;
  if (v->ttl_ms == 0 && v->token_id == 0) {
    gws_lease_free(sub);
    return 0;
  }
  gw_lease *l = gw_mem_zalloc(sizeof *l);
  if (l == NULL || index_token(h, v->token_id, &l->timer) < 0) {
    gw_mem_free(l);
    return GW_ERR_NOMEM;
  }
  gws_lease_free(sub);
  sub->lease = l;
  l->sub = sub;
  l->timer.kind = GWS_TIMER_LEASE;
  l->token_id = v->token_id;
  l->issued_ms = v->issued_ms;
  l->expires_ms = expiry_of(h, v);
  set_timer(h, &l->timer, l->expires_ms);
  return 0;
}

uint64_t gws_lease_ttl_ms(const gw_sub *sub) {
  const gw_lease *l = sub->lease;
  uint64_t now = sub->session->hub->now_ms;
  return l != NULL && l->expires_ms > now ? l->expires_ms - now : 0;
}

void gws_lease_free(gw_sub *sub) {
  gw_hub *h = sub->session->hub;
  if (sub->lease == NULL) return;
  unindex_token(h, sub->lease->token_id, &sub->lease->timer);
  gw_wheel_cancel(&h->wheel, &sub->lease->timer);
  gw_mem_free(sub->lease);
  sub->lease = NULL;
}

void gws_lease_on_timer(gw_lease *l) {
  gw_sub *sub = l->sub;
  gw_hub *h = sub->session->hub;
  if (h->now_ms < l->expires_ms)
    set_timer(h, &l->timer, l->expires_ms);
  else if (GW_GUARD(LEASE_EXPIRY))
    gws_sub_end(sub, GW_CODE_TOKEN_EXPIRED, NULL, GWS_FAREWELL_LEFT);
}
