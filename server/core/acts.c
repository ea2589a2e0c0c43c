/* SPDX-License-Identifier: MIT */
/* acts.c - keeps acts while somebody waits whom they may be about. */
#include "server/core/acts.h"

#include <string.h>

#include "proto/guard.h"
#include "server/core/bunch.h"
#include "server/core/grants.h"
#include "server/core/mem.h"
#include "server/core/session.h"
#include "server/core/table.h"

typedef struct gws_kept {
  struct gws_kept *prev, *next;
  gw_link of_whom; /* the others about the same */
  uint64_t number;
  size_t bytes;
  gws_act act;
  uint8_t texts[]; /* user, channel, reason and its NUL */
} gws_kept;

static uint32_t hash_of(const gw_hub *h, gw_view key) {
  return (uint32_t)gws_hub_hash(h, key.data, key.len);
}

static gw_view id_key(const uint64_t *client) {
  return (gw_view){(const uint8_t *)client, sizeof *client};
}

/** By what it is found. */
static gw_view key_of(const gws_kept *k) {
  return k->act.user.len != 0 ? k->act.user : id_key(&k->act.client);
}

static gws_kept *kept_of(const gw_link *link) {
  return GWS_AROUND((gw_link *)(uintptr_t)link, gws_kept, of_whom);
}

static bool is_of(const gw_link *link, gw_view key) {
  return gw_view_eq(key_of(kept_of(link)), key);
}

/* ---- keeping ---------------------------------------------------------------- */

static void drop(gw_hub *h, gws_kept *k) {
  gws_acts *all = &h->acts;
  gw_bunch_remove(&all->by_whom, hash_of(h, key_of(k)), &k->of_whom);
  DL_DELETE(all->first, k);
  all->bytes -= k->bytes;
  gw_mem_free(k);
}

/** It is missed by all who wait already. */
static void lose(gw_hub *h, uint64_t number) {
  h->acts.lost = number;
  gw_stat_add(&h->stats.acts_lost_total, 1);
}

static gw_view put_text(uint8_t **at, gw_view v) {
  gw_view copy = {*at, v.len};
  if (v.len != 0) memcpy(*at, v.data, v.len);
  *at += v.len;
  return copy;
}

/** NULL when out of memory. */
static gws_kept *make(const gw_hub *h, const gws_act *act) {
  size_t reason_len = act->reason != NULL ? strlen(act->reason) + 1 : 0;
  size_t bytes =
      sizeof(gws_kept) + act->user.len + act->channel.len + reason_len;
  gws_kept *k = gw_mem_alloc(bytes);
  if (k == NULL) return NULL;
  *k = (gws_kept){.number = h->acts.last, .bytes = bytes, .act = *act};
  uint8_t *at = k->texts;
  k->act.user = put_text(&at, act->user);
  k->act.channel = put_text(&at, act->channel);
  if (reason_len != 0) k->act.reason = memcpy(at, act->reason, reason_len);
  return k;
}

static int add(gw_hub *h, gws_kept *k) {
  gw_view key = key_of(k);
  return gw_bunch_add(&h->acts.by_whom, hash_of(h, key), key, is_of,
                      &k->of_whom);
}

void gws_acts_note(gw_hub *h, const gws_act *act) {
  gws_acts *all = &h->acts;
  /* Nobody has a longer name. */
  if (all->waits == NULL || act->user.len > GW_MAX_USER_BYTES) return;
  all->last++;
  gws_kept *k = make(h, act);
  if (k == NULL || add(h, k) < 0) {
    gw_mem_free(k);
    gws_hub_nomem(h);
    lose(h, all->last);
    return;
  }
  DL_APPEND(all->first, k);
  all->bytes += k->bytes;
  while (all->bytes > GWS_ACTS_MAX_BYTES) {
    lose(h, all->first->number);
    drop(h, all->first);
  }
}

/* ---- who waits ---------------------------------------------------------------- */

void gws_acts_wait(gw_hub *h, gws_wait *w) {
  w->since = h->acts.last;
  DL_APPEND(h->acts.waits, w);
}

void gws_acts_done(gw_hub *h, gws_wait *w) {
  gws_acts *all = &h->acts;
  if (w->prev == NULL) return; /* the first has the last there */
  DL_DELETE(all->waits, w);
  w->prev = NULL;
  while (all->first != NULL &&
         (all->waits == NULL || all->first->number <= all->waits->since))
    drop(h, all->first);
}

void gws_acts_deinit(gw_hub *h) {
  while (h->acts.first != NULL)
    drop(h, h->acts.first);
  gw_index_deinit(&h->acts.by_whom);
}

/* ---- doing ---------------------------------------------------------------- */

/** Whose acts are looked for. */
typedef struct person {
  gw_view user;
  uint64_t client;
} person;

static bool is_about(const gws_act *act, const person *who) {
  return (act->user.len == 0 || gw_view_eq(act->user, who->user)) &&
         (act->client == 0 || act->client == who->client);
}

/** Of the acts that this finds the first behind a number, or `best` if that is
 * before. */
static const gws_kept *earlier(const gw_hub *h, gw_view key, const person *who,
                               uint64_t after, const gws_kept *best) {
  const gw_link *at =
      gw_bunch_find(&h->acts.by_whom, hash_of(h, key), key, is_of);
  for (; at != NULL; at = at->next) {
    const gws_kept *k = kept_of(at);
    if (k->number > after && (best == NULL || k->number < best->number) &&
        is_about(&k->act, who))
      best = k;
  }
  return best;
}

/** The first act about somebody behind a number; NULL. */
static const gws_kept *first_of(const gw_hub *h, const person *who,
                                uint64_t after) {
  const gws_kept *k = NULL;
  if (h->acts.first == NULL || !GW_GUARD(WAITING_MET)) return NULL;
  if (who->user.len != 0) k = earlier(h, who->user, who, after, NULL);
  return earlier(h, id_key(&who->client), who, after, k);
}

/** The next one; NULL. */
static const gws_kept *next_of(const gws_kept *k, const person *who) {
  do
    k = k->next;
  while (k != NULL && !is_about(&k->act, who));
  return k;
}

bool gws_acts_end(gw_hub *h, const gws_wait *w, uint64_t client,
                  gw_verdict *v) {
  const person who = {v->user, client};
  if (w == NULL) return false;
  const gws_kept *k = first_of(h, &who, w->since);
  while (k != NULL &&
         (k->act.kind != GWS_ACT_END || v->issued_ms > k->act.issued_until_ms))
    k = next_of(k, &who);
  if (k != NULL) {
    *v = (gw_verdict){.code = k->act.code,
                      .retry_after_ms = k->act.retry_after_ms};
    if (k->act.reason != NULL) v->message = gw_view_of(k->act.reason);
    return true;
  }
  if (w->since >= h->acts.lost) return false;
  *v = (gw_verdict){.code = GW_CODE_OVERLOADED,
                    .retry_after_ms = GWS_RETRY_AFTER_MS};
  return true;
}

void gws_acts_do(gw_session *s, const gws_wait *w) {
  const gw_hub *h = s->hub;
  const person who = {gws_session_user(s), s->client};
  if (w == NULL) return;
  const gws_kept *k = first_of(h, &who, w->since);
  for (; k != NULL; k = next_of(k, &who)) {
    if (s->state != GWS_SESSION_OPEN) return;
    if (k->act.kind == GWS_ACT_GIVE) gws_grant_unasked(s, k->act.channel);
    if (k->act.kind == GWS_ACT_TAKE)
      (void)gws_grant_withdraw(s, k->act.channel, k->act.code, k->act.reason);
  }
}
