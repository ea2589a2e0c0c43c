/* SPDX-License-Identifier: MIT */
/* resume.c - keeps what was answered about lost connections, and gives it to who
 * comes back with the token. */
#include "server/core/resume.h"

#include <sodium.h>
#include <string.h>

#include "proto/guard.h"
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/grants.h"
#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/session.h"

#define MAC_BYTES 16u

/* ---- tokens ---------------------------------------------------------------- */

/** What a token says, and what it has to be shown with. */
typedef struct claim {
  uint32_t worker;
  uint64_t handle;
  uint8_t mac[MAC_BYTES];
  uint8_t instance[GW_INSTANCE_BYTES];
  uint64_t name;  /**< hash of the name that was claimed */
  uint64_t shown; /**< hash of the token */
  uint64_t way;   /**< hash of the request */
} claim;

static uint64_t hash_of(const gw_hub *h, gw_view v) {
  return v.len != 0 ? gws_hub_hash(h, v.data, v.len) : 0;
}

/** The key is made when it is needed first. */
static void make_key(gw_hub *h) {
  gws_pasts *all = &h->records;
  for (unsigned i = 0; !all->has_key && i < sizeof all->key; i += 8) {
    uint64_t random = gws_hub_random(h);
    memcpy(all->key + i, &random, sizeof random);
  }
  all->has_key = true;
}

static void sign(gw_hub *h, const claim *c, uint64_t connection,
                 uint8_t mac[MAC_BYTES]) {
  uint8_t text[GW_INSTANCE_BYTES + 24];
  memcpy(text, c->instance, GW_INSTANCE_BYTES);
  memcpy(text + GW_INSTANCE_BYTES, &c->name, 8);
  memcpy(text + GW_INSTANCE_BYTES + 8, &c->way, 8);
  memcpy(text + GW_INSTANCE_BYTES + 16, &connection, 8);
  make_key(h);
  crypto_generichash(mac, MAC_BYTES, text, sizeof text, h->records.key,
                     sizeof h->records.key);
}

static void fill_claim(const gw_session *s, const gw_hello *hello, claim *c) {
  const gw_hub *h = s->hub;
  memcpy(c->instance, hello->instance.data, GW_INSTANCE_BYTES);
  c->name = hash_of(h, hello->user);
  c->shown = hash_of(h, hello->token);
  c->way = h->port.way != NULL ? h->port.way(h->user, s->conn) : 0;
}

/** False: it is no token of ours. */
static bool read_claim(const gw_session *s, const gw_hello *hello, claim *c) {
  const uint8_t *at = hello->resume.data;
  if (hello->resume.len != GWS_RESUME_BYTES) return false;
  memcpy(&c->worker, at, 4);
  memcpy(&c->handle, at + 4, 8);
  memcpy(c->mac, at + 12, MAC_BYTES);
  fill_claim(s, hello, c);
  return c->worker < s->hub->num_workers;
}

static bool is_on(const gw_hub *h) {
  return h->settings->resume_ttl_ms != 0 && h->port.ask != NULL;
}

gw_view gws_resume_offer(gw_session *s, const gw_hello *hello,
                         uint8_t space[GWS_RESUME_BYTES]) {
  gw_hub *h = s->hub;
  claim c = {0};
  if (!is_on(h) || (hello->features & GW_FEATURE_RESUME) == 0)
    return (gw_view){NULL, 0};
  fill_claim(s, hello, &c);
  sign(h, &c, s->connection, space + 12);
  memcpy(space, &h->worker, 4);
  memcpy(space + 4, &s->handle, 8);
  s->is_resumable = true;
  s->shown = c.shown;
  return (gw_view){space, GWS_RESUME_BYTES};
}

void gws_resume_renewed(gw_session *s, gw_view token, const gw_verdict *v) {
  s->shown = hash_of(s->hub, token);
  /* A token says all channels; a hook is not asked for them here. */
  if (v->token_id != 0 && !gws_grants_are(s, v->channels, v->num_channels))
    s->is_resumable = false;
}

/* ---- records --------------------------------------------------------------- */

static void unlink_record(gw_hub *h, gws_past *r) {
  gws_pasts *all = &h->records;
  gw_wheel_cancel(&h->wheel, &r->timer);
  gw_index_remove(&all->by_handle, (uint32_t)r->handle, r);
  DL_DELETE(all->first, r);
  all->num--;
  all->bytes -= r->bytes;
}

static void drop(gw_hub *h, gws_past *r) {
  unlink_record(h, r);
  gw_mem_free(r);
}

static gws_past *find(const gw_hub *h, uint64_t handle) {
  gw_index_walk walk = {.hash = (uint32_t)handle};
  gws_past *r;
  if (h->records.num == 0) return NULL;
  while ((r = gw_index_next(&h->records.by_handle, &walk)) != NULL) {
    if (r->handle == handle) return r;
  }
  return NULL;
}

static bool was_given(const gw_sub *sub) {
  return gws_is_granted(sub->session, sub->channel->hash);
}

/** Whether somebody was asked about a subscription, as far as can be seen. */
static bool was_asked(const gw_sub *sub) {
  const gw_channel *ch = sub->channel;
  gw_target t = {.name = gws_channel_name(ch), .hash = ch->hash};
  return !was_given(sub) &&
         (sub->by_token ||
          !gws_access_is_open(sub->session, ch->ns, GW_ACTION_SUBSCRIBE, &t));
}

/** What a record needs room for. */
typedef struct room {
  uint32_t num_asked;
  uint32_t num_given;
  size_t names_len;
} room;

static void count(const gw_sub *list, room *n) {
  const gw_sub *sub;
  DL_FOREACH(list, sub) {
    bool given = was_given(sub);
    n->num_asked += was_asked(sub);
    n->num_given += given;
    if (given) n->names_len += gws_channel_name(sub->channel).len;
  }
}

static void note_asked(gws_past *r, const gw_sub *list) {
  const gw_sub *sub;
  DL_FOREACH(list, sub) {
    if (!was_asked(sub)) continue;
    const gw_lease *l = sub->lease;
    r->allowed[r->num_allowed++] =
        (gws_allowed){.channel = sub->channel->hash,
                      .shown = sub->shown,
                      .token_id = l != NULL ? l->token_id : 0,
                      .issued_ms = l != NULL ? l->issued_ms : 0,
                      .expires_ms = l != NULL ? l->expires_ms : 0,
                      .by_token = sub->by_token};
  }
}

static uint8_t *put_text(uint8_t *at, gw_view v) {
  if (v.len != 0) memcpy(at, v.data, v.len);
  return at + v.len;
}

static uint8_t *note_given(gws_past *r, const gw_sub *list, uint8_t *at) {
  const gw_sub *sub;
  DL_FOREACH(list, sub) {
    if (!was_given(sub)) continue;
    gw_view name = gws_channel_name(sub->channel);
    r->channels[r->num_channels++] = (gw_view){at, name.len};
    at = put_text(at, name);
  }
  return at;
}

static void note_subscriptions(gws_past *r, const gw_session *s,
                               uint8_t *texts) {
  note_asked(r, s->subs.quiet);
  note_asked(r, s->subs.drawing);
  texts = note_given(r, s->subs.quiet, texts);
  (void)note_given(r, s->subs.drawing, texts);
}

/** NULL when out of memory. */
static gws_past *make(const gw_session *s) {
  const gw_identity *id = s->identity;
  gw_view user = gws_session_user(s), info = gws_identity_info(s);
  room n = {0};
  count(s->subs.quiet, &n);
  count(s->subs.drawing, &n);
  size_t front = sizeof(gws_past) + n.num_asked * sizeof(gws_allowed);
  size_t size = front + n.num_given * sizeof(gw_view);
  size_t bytes = size + user.len + info.len + n.names_len;
  gws_past *r = gw_mem_zalloc(bytes);
  if (r == NULL) return NULL;
  r->timer.kind = GWS_TIMER_RESUME;
  r->bytes = (uint32_t)bytes;
  r->handle = s->handle;
  r->connection = s->connection;
  r->client = s->client;
  r->shown = s->shown;
  r->is_known = s->is_known;
  r->until_ms = s->hub->now_ms + s->hub->settings->resume_ttl_ms;
  if (id != NULL) {
    r->token_id = id->token_id;
    r->issued_ms = id->issued_ms;
    r->expires_ms = id->expires_ms;
  }
  r->channels = (gw_view *)(void *)((uint8_t *)r + front);
  r->texts = (uint8_t *)r + size;
  r->user_len = (uint32_t)user.len;
  r->info_len = (uint32_t)info.len;
  note_subscriptions(r, s, put_text(put_text(r->texts, user), info));
  return r;
}

/** Whether its end is none that somebody wanted. */
static bool is_lost(const gw_session *s) {
  uint32_t code = s->end_code;
  return !s->left && (code == 0 || code == GW_CODE_PING_TIMEOUT ||
                      code == GW_CODE_SLOW_READER);
}

static bool add(gw_hub *h, gws_past *r) {
  gws_pasts *all = &h->records;
  if (gw_index_add(&all->by_handle, (uint32_t)r->handle, r) < 0) return false;
  DL_APPEND(all->first, r);
  all->num++;
  all->bytes += r->bytes;
  gws_hub_set_timer(h, &r->timer, h->settings->resume_ttl_ms);
  while (all->num > h->settings->resume_max ||
         all->bytes > GWS_RESUME_MAX_BYTES)
    drop(h, all->first);
  return true;
}

void gws_resume_keep(gw_session *s) {
  gw_hub *h = s->hub;
  if (!s->is_resumable || !is_lost(s) || !gws_grants_are_taken(s) ||
      h->drain.on)
    return;
  gws_past *r = make(s);
  if (r != NULL && add(h, r)) return;
  gw_mem_free(r);
  gws_hub_nomem(h);
}

void gws_resume_free(gw_session *s) {
  gw_mem_free(s->resumed);
  s->resumed = NULL;
}

void gws_resume_on_timer(gw_hub *h, gws_past *r) {
  gw_stat_add(&h->stats.resume_expired_total, 1);
  drop(h, r);
}

void gws_pasts_deinit(gw_hub *h) {
  while (h->records.first != NULL)
    drop(h, h->records.first);
  gw_index_deinit(&h->records.by_handle);
  sodium_memzero(h->records.key, sizeof h->records.key);
}

/* ---- taking one back ------------------------------------------------------- */

static uint64_t *met_user(gw_hub *h, gw_view user) {
  return &h->records.met_ms[hash_of(h, user) % GWS_RESUME_ACTS];
}

static uint64_t *met_id(gw_hub *h, uint64_t id) {
  return met_user(h, (gw_view){(const uint8_t *)&id, sizeof id});
}

/** One of the names will do: who is meant has all of them. */
static void note_act(gw_hub *h, gw_view user, uint64_t client,
                     uint64_t connection) {
  uint64_t *met = user.len != 0 ? met_user(h, user)
                                : met_id(h, client != 0 ? client : connection);
  *met = h->now_ms + GWS_RESUME_ACT_MS;
}

/** Whether an act of late may be about it, which it missed on its way. */
static bool was_met(gw_hub *h, const gws_past *r) {
  gw_view user = {r->texts, r->user_len};
  return (user.len != 0 && *met_user(h, user) > h->now_ms) ||
         *met_id(h, r->client) > h->now_ms ||
         *met_id(h, r->connection) > h->now_ms;
}

void gws_resume_forget(gw_hub *h, gw_view user, uint64_t client,
                       uint64_t connection) {
  gws_past *r, *next;
  note_act(h, user, client, connection);
  DL_FOREACH_SAFE(h->records.first, r, next) {
    gw_view of = {r->texts, r->user_len};
    if ((user.len == 0 || gw_view_eq(of, user)) &&
        (client == 0 || r->client == client) &&
        (connection == 0 || r->connection == connection))
      drop(h, r);
  }
}

static bool rests_on(const gws_past *r, uint64_t token_id) {
  bool does = r->token_id == token_id;
  for (uint32_t i = 0; i < r->num_allowed; i++)
    does = does || r->allowed[i].token_id == token_id;
  return does;
}

void gws_resume_revoke(gw_hub *h, const gws_revocation *q) {
  gws_past *r, *next;
  DL_FOREACH_SAFE(h->records.first, r, next) {
    gw_view of = {r->texts, r->user_len};
    if (q->user.len != 0 ? gw_view_eq(of, q->user) : rests_on(r, q->token_id))
      drop(h, r);
  }
}

/* ---- giving it away, once -------------------------------------------------- */

/** Of a connection whose loss was not noticed yet, and is now: nobody has to wait
 * for its ping to be missed, such as who calls the client. NULL. */
static gws_past *take_live(gw_hub *h, const claim *c) {
  uint8_t mac[MAC_BYTES];
  gw_session *s = gws_session_get(h, c->handle);
  if (s == NULL || !s->is_resumable) return NULL;
  sign(h, c, s->connection, mac);
  if (sodium_memcmp(mac, c->mac, MAC_BYTES) != 0 || s->shown != c->shown)
    return NULL;
  s->is_resumable = false;
  gws_past *r = gws_grants_are_taken(s) ? make(s) : NULL;
  gws_session_end(s, GW_CODE_PING_TIMEOUT, "the client is back without it");
  return r;
}

/** The record that a claim is about, taken out; NULL: there is none for it. */
static gws_past *take(gw_hub *h, const claim *c) {
  uint8_t mac[MAC_BYTES];
  gws_past *r = find(h, c->handle);
  if (r == NULL) return take_live(h, c);
  sign(h, c, r->connection, mac);
  if (sodium_memcmp(mac, c->mac, MAC_BYTES) != 0 || r->shown != c->shown)
    return NULL;
  unlink_record(h, r);
  return r;
}

/** Whether it still holds: what came meanwhile may have ended it. */
static bool is_good(const gw_hub *h, const gws_past *r) {
  gw_verdict v = {.token_id = r->token_id,
                  .issued_ms = r->issued_ms,
                  .user = {r->texts, r->user_len}};
  if (!GW_GUARD(RESUME_STILL)) return true;
  return r->until_ms > h->now_ms &&
         (r->expires_ms == 0 || r->expires_ms > h->now_ms) &&
         !gws_is_revoked(h, &v, v.user) &&
         !gws_is_user_revoked(h, v.user, r->issued_ms);
}

/** *v is what was answered then; its texts are the record's. */
static void say(const gw_hub *h, const gws_past *r, gw_verdict *v) {
  *v =
      (gw_verdict){.code = GW_CODE_OK,
                   .ttl_ms = r->expires_ms != 0 ? r->expires_ms - h->now_ms : 0,
                   .token_id = r->token_id,
                   .issued_ms = r->issued_ms,
                   .user = {r->texts, r->user_len},
                   .info = {r->texts + r->user_len, r->info_len},
                   .channels = r->channels,
                   .num_channels = r->num_channels,
                   .is_only_claimed = !r->is_known};
}

/** Let a session have what was found, if it is good: whether it is. */
static bool accept(gw_session *s, gws_past *r, bool by_mail, gw_verdict *v) {
  gw_hub *h = s->hub;
  if (r == NULL) {
    gw_stat_add(&h->stats.resume_unknown_total, 1);
    return false;
  }
  if (!is_good(h, r) || (by_mail && was_met(h, r))) {
    gw_stat_add(&h->stats.resume_refused_total, 1);
    gw_mem_free(r);
    return false;
  }
  gw_stat_add(&h->stats.resumed_total, 1);
  s->resumed = r;
  say(h, r, v);
  return true;
}

static bool ask_worker(gw_session *s, const gw_frame *f, const claim *c) {
  gw_mail *m = gws_mail_new(GWS_MAIL_RESUME, sizeof *c);
  if (m == NULL) {
    gws_hub_nomem(s->hub);
    return false;
  }
  m->handle = s->handle;
  m->name = gws_mail_keep(m, (gw_view){(const uint8_t *)c, sizeof *c});
  m->hash = gws_hold_all(s, f);
  if (m->hash != 0) {
    gws_mail_post(s->hub, c->worker, m);
    return true;
  }
  gw_mail_free(m);
  return false;
}

enum gws_answer gws_resume(gw_session *s, const gw_frame *f,
                           const gw_hello *hello, gw_verdict *v) {
  gw_hub *h = s->hub;
  claim c = {0};
  if (hello->resume.len == 0 || !is_on(h) || s->is_resume_tried)
    return GWS_ANSWER_NO;
  s->is_resume_tried = true;
  if (!read_claim(s, hello, &c)) {
    gw_stat_add(&h->stats.resume_unknown_total, 1);
    return GWS_ANSWER_NO;
  }
  if (c.worker == h->worker)
    return accept(s, take(h, &c), false, v) ? GWS_ANSWER_YES : GWS_ANSWER_NO;
  return ask_worker(s, f, &c) ? GWS_ANSWER_LATER : GWS_ANSWER_NO;
}

/** At the worker that has the record: the question becomes its own answer. */
void gws_resume_on_take(gw_hub *h, gw_mail *m) {
  claim c;
  uint32_t from = m->from;
  memcpy(&c, m->name.data, sizeof c);
  m->past = take(h, &c);
  m->kind = GWS_MAIL_RESUMED;
  gws_mail_post(h, from, m);
}

void gws_resume_on_taken(gw_hub *h, gw_mail *m) {
  gw_session *s = gw_slots_get(&h->sessions, m->handle);
  gw_verdict v;
  if (s != NULL && s->state == GWS_SESSION_NEW) {
    gws_past *r = m->past;
    m->past = NULL;
    gws_hold_decide(s, m->hash, accept(s, r, true, &v) ? &v : NULL);
  }
  gw_mail_free(m);
}

/* ---- subscriptions --------------------------------------------------------- */

uint64_t gws_resume_shown(const gw_hub *h, gw_view token, gw_view meta) {
  return hash_of(h, token) * 31 + hash_of(h, meta);
}

bool gws_resume_lets(gw_session *s, const gw_target *t, const gw_subscribe *msg,
                     gw_verdict *v) {
  gws_past *r = s->resumed;
  gw_hub *h = s->hub;
  if (r == NULL || r->until_ms <= h->now_ms) return false;
  for (uint32_t i = 0; i < r->num_allowed; i++) {
    gws_allowed *a = &r->allowed[i];
    if (a->channel != t->hash) continue;
    bool is_over = a->expires_ms != 0 && a->expires_ms <= h->now_ms;
    bool is_same = a->shown == gws_resume_shown(h, msg->token, msg->meta);
    a->channel = 0;
    *v = (gw_verdict){.code = GW_CODE_OK,
                      .ttl_ms =
                          a->expires_ms != 0 ? a->expires_ms - h->now_ms : 0,
                      .token_id = a->token_id,
                      .issued_ms = a->issued_ms,
                      .by_token = a->by_token};
    return is_same && !is_over;
  }
  return false;
}

void gws_resume_withdraw(gw_session *s, uint64_t hash) {
  gws_past *r = s->resumed;
  for (uint32_t i = 0; r != NULL && i < r->num_allowed; i++) {
    if (r->allowed[i].channel == hash) r->allowed[i].channel = 0;
  }
}
