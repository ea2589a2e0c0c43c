/* SPDX-License-Identifier: MIT */
/* token.c - tokens: asked for once at a time, renewed ahead of their end, never
 * the same twice after a refusal. */
#include "client/internal.h"
#include "proto/guard.h"

/*
 *   ask ------ GW_EVENT_TOKEN ------> application
 *    ^                                     |
 *    |   70 to 80 % of its life            | give_token
 *    |                                     v
 *   accepted <--- Welcome, Subscribed, --- Hello, Subscribe, Refresh
 *                 Refreshed
 *
 * A question is open until it is answered. When its answer is not needed any more
 * it goes stale, and the next one waits for it, so that the application never
 * works on two at a time.
 */

/* ---- asking ---------------------------------------------------------------- */

static bool is_over(const gw_client *c, const gw__token *t) {
  return t->expires_ms != 0 && c->now >= t->expires_ms;
}

static void ask(gw_client *c, gw__token *t, const gw__sub *sub) {
  if (GW_GUARD(ONE_QUESTION) && t->ask != 0)
    return; /* the answer comes first, if only to be dropped */
  t->ask = ++c->last_ask;
  t->is_stale = false;
  t->renew_ms = 0;
  gw_event *e = gw__events_push(c, GW_EVENT_TOKEN);
  e->u.token.ask = t->ask;
  e->u.token.code = t->code;
  if (sub == NULL) return;
  e->u.token.sub = sub->id;
  e->u.token.channel = sub->channel;
}

bool gw__token_ready(gw_client *c, gw__token *t, const gw__sub *sub) {
  if (!t->is_asked) return true;
  if (t->text.len != 0 && !is_over(c, t)) return true;
  gw__drop(c, &t->text);
  ask(c, t, sub);
  return false;
}

void gw__token_void(gw__token *t) {
  t->is_stale = t->ask != 0;
  t->refusal = 0;
}

/* ---- what became of one ------------------------------------------------------ */

static uint64_t backoff_of(gw_client *c, gw__token *t) {
  return gw__backoff_delay(&c->backoff.policy, ++t->num_failed,
                           (uint32_t)gw__random(c));
}

void gw__token_accepted(gw_client *c, gw__token *t, uint64_t ttl_ms) {
  t->num_refused = t->num_failed = 0;
  t->code = GW_CODE_OK;
  t->expires_ms = ttl_ms != 0 ? c->now + ttl_ms : 0;
  t->renew_ms = 0;
  if (ttl_ms == 0 || !t->is_asked) return;
  uint64_t tenth = ttl_ms / 10, wait = ttl_ms - 2 * tenth;
  wait -= gw__random(c) % (tenth + 1);
  if (wait < GW__TOKEN_MIN_MS) wait = GW__TOKEN_MIN_MS;
  if (wait > GW__TOKEN_MAX_MS) wait = GW__TOKEN_MAX_MS;
  t->renew_ms = c->now + wait;
}

bool gw__token_refused(gw_client *c, gw__token *t, uint32_t code) {
  if (!t->is_asked || gw_code_class(code) != GW_CLASS_REAUTH) return false;
  gw__drop(c, &t->text);
  t->expires_ms = 0;
  t->code = code;
  return ++t->num_refused < GW__TOKEN_MAX_REFUSED;
}

void gw__token_lost(gw__token *t) {
  t->request = 0;
  t->renew_ms = 0;
  t->is_due = false;
}

/* ---- answers of the application ---------------------------------------------- */

/** The token that waits for an answer; *sub: whose it is, NULL the connection's.
 * Those that ended are not found. */
static gw__token *find_ask(gw_client *c, uint32_t number, gw__sub **sub) {
  *sub = NULL;
  if (number == 0) return NULL;
  if (c->token.ask == number) return &c->token;
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    *sub = s;
    if (s->token.ask == number) return &s->token;
  }
  return NULL;
}

/** Close a question. false: nobody waits for it. */
static bool close_ask(gw_client *c, gw__token *t) {
  if (t == NULL) return false;
  bool is_stale = GW_GUARD(STALE_ANSWER) && t->is_stale;
  t->ask = 0;
  t->is_stale = false;
  gw__kick(c); /* another may wait for this one */
  return !is_stale;
}

int gw_client_give_token(gw_client *c, uint32_t number, gw_view token) {
  gw__sub *sub;
  gw__token *t = find_ask(c, number, &sub);
  gw_view copy;
  if (t != NULL && (!t->is_stale || !GW_GUARD(STALE_ANSWER))) {
    if (token.len == 0) return GW_ERR_INVALID;
    if (token.len > GW_MAX_TOKEN_BYTES) return GW_ERR_TOO_BIG;
    if (!gw_view_is_text(token)) return GW_ERR_TEXT;
    int err = gw__copy(c, token, &copy);
    if (err < 0) return err;
  }
  if (!close_ask(c, t)) return GW_ERR_NOT_FOUND;
  gw__drop(c, &t->text);
  t->text = copy;
  t->expires_ms = 0;
  /* What is open already goes on with it. */
  t->is_due = sub != NULL ? sub->state > GW_SUB_SUBSCRIBING : gw__is_welcome(c);
  return 0;
}

int gw_client_no_token(gw_client *c, uint32_t number, uint32_t code) {
  gw__sub *sub;
  gw__token *t = find_ask(c, number, &sub);
  if (!close_ask(c, t)) return GW_ERR_NOT_FOUND;
  t->refusal = code != GW_CODE_OK ? code : (uint32_t)GW_CODE_NO_TOKEN;
  return 0;
}

static void deal_with(gw_client *c, gw__token *t, gw__sub *sub) {
  uint32_t code = t->refusal;
  if (code == 0) return;
  t->refusal = 0;
  bool is_put_off = gw__may_retry(code);
  bool is_waited_for =
      sub != NULL ? sub->state == GW_SUB_IDLE : c->link.phase == GW__LINK_TOKEN;
  if (is_put_off && !is_waited_for)
    t->renew_ms = c->now + backoff_of(c, t); /* the one before still holds */
  else if (sub != NULL)
    gw__sub_no_token(c, sub, code, is_put_off);
  else
    gw__link_no_token(c, code, is_put_off);
}

void gw__tokens_answered(gw_client *c) {
  if (c->last_ask == 0) return; /* nobody was ever asked */
  deal_with(c, &c->token, NULL);
  for (gw__sub *s = c->subs, *next; s != NULL; s = next) {
    next = s->next;
    deal_with(c, &s->token, s);
  }
}

/* ---- Refresh ------------------------------------------------------------------ */

static void put_refresh(gw_client *c, gw__token *t, uint32_t alias) {
  gw_refresh m = {.token = t->text};
  t->is_due = false;
  t->request = gw__next_request(c);
  t->sent_ms = c->now;
  gw__put(c, GW_FRAME_REFRESH, t->request, alias, GW_MESSAGE_refresh, &m);
}

void gw__tokens_pump(gw_client *c) {
  if (c->last_ask == 0 || !gw__is_welcome(c)) return;
  if (c->token.is_due) put_refresh(c, &c->token, 0);
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (s->token.is_due && s->number != 0) put_refresh(c, &s->token, s->id);
  }
}

static gw__token *find_refresh(gw_client *c, uint32_t request) {
  if (request == 0) return NULL;
  if (c->token.request == request) return &c->token;
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (s->token.request == request) return &s->token;
  }
  return NULL;
}

int gw__on_refreshed(gw_client *c, const gw_frame *frame) {
  gw_refreshed m;
  int err = gw_decode_refreshed(frame->body, &m);
  if (err < 0) return err;
  gw__token *t = find_refresh(c, frame->head.request);
  if (t == NULL) return 0; /* timed out */
  t->request = 0;
  gw__token_accepted(c, t, m.token_ttl_ms);
  return 0;
}

/** The server still goes by the token before: ask again, later and later. */
static void refresh_failed(gw_client *c, gw__token *t) {
  t->request = 0;
  t->renew_ms = c->now + backoff_of(c, t);
}

bool gw__refresh_refused(gw_client *c, uint32_t request,
                         const gw_error *error) {
  gw__token *t = find_refresh(c, request);
  if (t == NULL) return false;
  enum gw_code_class class = gw_code_class(error->code);
  if (class == GW_CLASS_REAUTH || class == GW_CLASS_TERMINAL) {
    gw__drop(c, &t->text); /* not for the next Hello, either */
    t->code = error->code;
  }
  refresh_failed(c, t);
  if (t->renew_ms < c->now + error->retry_after_ms)
    t->renew_ms = c->now + error->retry_after_ms;
  return true;
}

/* ---- time --------------------------------------------------------------------- */

static void check(gw_client *c, gw__token *t, const gw__sub *sub) {
  if (t->request != 0 && gw__due(c, t->sent_ms + c->request_timeout_ms))
    refresh_failed(c, t);
  if (t->renew_ms != 0 && t->ask == 0 && gw__due(c, t->renew_ms))
    ask(c, t, sub);
}

void gw__tokens_due(gw_client *c) {
  if (!gw__is_welcome(c)) return;
  check(c, &c->token, NULL);
  for (gw__sub *s = c->subs; s != NULL; s = s->next)
    check(c, &s->token, s);
}
