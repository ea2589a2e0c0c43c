/* SPDX-License-Identifier: MIT */
/* quota.c - counts the connections of users, and shares out their rate. */
#include "server/core/quota.h"

#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/session.h"
#include "server/core/table.h"

/** A connection of a user comes back after this when it has too many, and within
 * as much again. */
#define CROWDED_RETRY_MS 5000u
/** Without memory to give a share back, it is tried again after this long. */
#define AGAIN_MS 1000u

/** What a user uses on this worker. */
typedef struct gw_quota {
  UT_hash_handle hh;
  uint32_t num_sessions;
  uint32_t share; /**< one of so many workers */
  gw_bucket bucket;
  gw_timer timer;  /**< set: what was used keeps a place in place of this ... */
  uint64_t keeper; /**< ... connection, which was the last */
  uint32_t user_len;
  uint8_t user[];
} gw_quota;

/** A connection, as the worker knows it that counts. */
typedef struct place {
  uint64_t session;
  uint64_t client;
  uint64_t since_ms; /**< when it opened */
  uint32_t worker;
  bool is_closing; /**< it was told to, or is gone and has used of the rate: it
                        does not count any more, but for the worker's share */
} place;

/** A user that this worker counts. */
typedef struct gw_quota_home {
  UT_hash_handle hh;
  place *places; /**< the oldest first */
  uint32_t num_places;
  uint32_t cap_places;
  uint32_t share; /**< as it was told last */
  uint32_t user_len;
  uint8_t user[];
} gw_quota_home;

static uint64_t hash_of(const gw_hub *h, gw_view user) {
  return gws_hub_hash(h, user.data, user.len);
}

/* ---- on the worker of the connection ---------------------------------------- */

bool gws_quota_applies(const gw_session *s) {
  const gw_settings *settings = s->hub->settings;
  return s->is_known &&
         (settings->user_rate.num != 0 || settings->max_user_connections != 0);
}

static gw_quota *get_quota(gw_hub *h, gw_view user) {
  gw_quota *q = NULL;
  unsigned hash = (unsigned)hash_of(h, user);
  HASH_FIND_BYHASHVALUE(hh, h->quotas, user.data, user.len, hash, q);
  if (q != NULL) return q;
  q = gw_mem_zalloc(sizeof *q + user.len);
  if (q == NULL) return NULL;
  q->share = 1;
  q->timer.kind = GWS_TIMER_QUOTA;
  q->user_len = (uint32_t)user.len;
  memcpy(q->user, user.data, user.len);
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->quotas, q->user, q->user_len, hash, q);
  if (GWS_TABLE_HAS(q)) return q;
  gw_mem_free(q);
  return NULL;
}

static void forget(gw_hub *h, gw_quota *q) {
  HASH_DELETE(hh, h->quotas, q);
  gw_wheel_cancel(&h->wheel, &q->timer);
  gw_mem_free(q);
}

static gw_mail *make_mail(enum gws_mail_kind kind, const gw_quota_mail *what) {
  gw_mail *m = gws_mail_new(kind, what->user.len);
  if (m == NULL) return NULL;
  m->u.quota = *what;
  m->u.quota.user = gws_mail_keep(m, what->user);
  return m;
}

/** To the worker that counts, which may be this one. */
static void post(gw_hub *h, gw_mail *m) {
  uint32_t to = gws_channel_owner(h, hash_of(h, m->u.quota.user));
  if (to != h->worker) {
    gws_mail_post(h, to, m);
    return;
  }
  m->from = h->worker;
  if (m->kind == GWS_MAIL_USER_JOIN)
    gws_quota_on_join(h, m);
  else
    gws_quota_on_leave(h, m);
}

bool gws_quota_join(gw_session *s, gw_quota_seat *seat) {
  gw_hub *h = s->hub;
  gw_view user = gws_session_user(s);
  if (!gws_quota_applies(s)) return true;
  gw_quota_mail what = {.user = user,
                        .session = s->handle,
                        .client = s->client,
                        .since_ms = h->now_ms};
  gw_mail *join = make_mail(GWS_MAIL_USER_JOIN, &what);
  gw_mail *leave = make_mail(GWS_MAIL_USER_LEAVE, &what);
  gw_quota *q = join != NULL && leave != NULL ? get_quota(h, user) : NULL;
  if (q == NULL) {
    gw_mail_free(join);
    gw_mail_free(leave);
    return false;
  }
  q->num_sessions++;
  *seat = (gw_quota_seat){q, leave};
  post(h, join);
  return true;
}

/** What was used outlasts the last connection, and keeps its worker's share of the
 * rate: or who comes back, here or at another worker, would have all again. */
static void wait_until_full(gw_hub *h, gw_quota *q) {
  gws_hub_set_timer(h, &q->timer, q->bucket.full_us / 1000 + 1 - h->now_ms);
}

static bool is_used(const gw_hub *h, const gw_quota *q) {
  return !gw_bucket_is_full(&q->bucket, h->now_ms);
}

void gws_quota_leave(gw_session *s, gw_quota_seat *seat) {
  gw_hub *h = s->hub;
  gw_quota *q = seat->quota;
  if (q == NULL) return;
  bool is_last = --q->num_sessions == 0;
  if (is_last && !gw_timer_is_set(&q->timer) && is_used(h, q)) {
    q->keeper = s->handle;
    seat->leave->u.quota.keeps_share = true;
    wait_until_full(h, q);
  }
  post(h, seat->leave);
  if (is_last && !gw_timer_is_set(&q->timer)) forget(h, q);
  *seat = (gw_quota_seat){NULL, NULL};
}

void gws_quota_on_timer(gw_hub *h, gw_timer *t) {
  gw_quota *q = GWS_AROUND(t, gw_quota, timer);
  gw_quota_mail what = {.user = {q->user, q->user_len}, .session = q->keeper};
  if (q->num_sessions == 0 && is_used(h, q)) { /* by who was here since */
    wait_until_full(h, q);
    return;
  }
  gw_mail *leave = make_mail(GWS_MAIL_USER_LEAVE, &what);
  if (leave == NULL) {
    gws_hub_nomem(h);
    gws_hub_set_timer(h, &q->timer, AGAIN_MS);
    return;
  }
  post(h, leave);
  if (q->num_sessions == 0) forget(h, q);
}

uint32_t gws_quota_take(gw_hub *h, gw_quota_seat *seat) {
  gw_quota *q = seat->quota;
  if (q == NULL) return 0;
  return gw_bucket_take(&q->bucket, &h->settings->user_rate, q->share,
                        h->now_ms);
}

void gws_quota_on_share(gw_hub *h, gw_mail *m) {
  gw_view user = m->u.quota.user;
  gw_quota *q = NULL;
  HASH_FIND_BYHASHVALUE(hh, h->quotas, user.data, user.len,
                        (unsigned)hash_of(h, user), q);
  if (q != NULL) q->share = m->u.quota.share;
  gw_mail_free(m);
}

void gws_quota_on_close(gw_hub *h, gw_mail *m) {
  gw_session *s = gws_session_get(h, m->u.quota.session);
  uint32_t code = m->u.quota.code;
  gw_mail_free(m);
  if (s == NULL) return;
  if (code == GW_CODE_CONNECTION_LIMIT) {
    gw_stat_add(&h->stats.user_connections_refused_total, 1);
    gws_session_end_later(s, code, "the user has as many as it may",
                          CROWDED_RETRY_MS, CROWDED_RETRY_MS);
    return;
  }
  gw_stat_add(&h->stats.user_connections_displaced_total, 1);
  gws_session_end(s, code, NULL);
}

/* ---- on the worker that counts ----------------------------------------------- */

static gw_quota_home *find_home(const gw_hub *h, gw_view user) {
  gw_quota_home *home = NULL;
  HASH_FIND_BYHASHVALUE(hh, h->homes, user.data, user.len,
                        (unsigned)hash_of(h, user), home);
  return home;
}

static gw_quota_home *get_home(gw_hub *h, gw_view user) {
  gw_quota_home *home = find_home(h, user);
  if (home != NULL) return home;
  home = gw_mem_zalloc(sizeof *home + user.len);
  if (home == NULL) return NULL;
  home->user_len = (uint32_t)user.len;
  memcpy(home->user, user.data, user.len);
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->homes, home->user, home->user_len,
                              (unsigned)hash_of(h, user), home);
  if (GWS_TABLE_HAS(home)) return home;
  gw_mem_free(home);
  return NULL;
}

static void free_home(gw_hub *h, gw_quota_home *home) {
  HASH_DELETE(hh, h->homes, home);
  gw_mem_free(home->places);
  gw_mem_free(home);
}

/** News of workers do not come in the order of what they tell. */
static bool add_place(gw_quota_home *home, const place *p) {
  if (home->num_places == home->cap_places) {
    uint32_t cap = home->cap_places != 0 ? home->cap_places * 2 : 2;
    place *places = gw_mem_realloc(home->places, cap * sizeof *places);
    if (places == NULL) return false;
    home->places = places;
    home->cap_places = cap;
  }
  uint32_t at = home->num_places++;
  for (; at > 0 && home->places[at - 1].since_ms > p->since_ms; at--)
    home->places[at] = home->places[at - 1];
  home->places[at] = *p;
  return true;
}

/** Tell a worker; one that is not told, for want of memory, goes on as it was. */
static void tell(gw_hub *h, uint32_t worker, enum gws_mail_kind kind,
                 const gw_quota_mail *what) {
  gw_mail *m = make_mail(kind, what);
  if (m == NULL) {
    gws_hub_nomem(h);
    return;
  }
  if (worker != h->worker)
    gws_mail_post(h, worker, m);
  else if (kind == GWS_MAIL_USER_SHARE)
    gws_quota_on_share(h, m);
  else
    gws_quota_on_close(h, m);
}

static bool is_at(const gw_quota_home *home, uint32_t worker) {
  for (uint32_t i = 0; i < home->num_places; i++) {
    if (home->places[i].worker == worker) return true;
  }
  return false;
}

/** Share the rate out anew, when the workers are others than before. */
static void share_out(gw_hub *h, gw_quota_home *home, bool is_changed) {
  uint32_t share = 0;
  if (h->settings->user_rate.num == 0 || !is_changed) return;
  for (uint32_t w = 0; w < h->num_workers; w++)
    share += is_at(home, w);
  gw_quota_mail what = {.user = {home->user, home->user_len}, .share = share};
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (is_at(home, w)) tell(h, w, GWS_MAIL_USER_SHARE, &what);
  }
}

static uint32_t num_open(const gw_quota_home *home) {
  uint32_t num = 0;
  for (uint32_t i = 0; i < home->num_places; i++)
    num += !home->places[i].is_closing;
  return num;
}

/** The one that has to go when the last is one too many: an older connection of
 * the same client, which is dead as a rule and not noticed yet; else as the
 * policy says. */
static place *choose(const gw_hub *h, gw_quota_home *home, uint32_t *code) {
  place *last = &home->places[home->num_places - 1], *oldest;
  while (last->is_closing)
    last--;
  oldest = last;
  *code = GW_CODE_REPLACED;
  for (place *p = last; p > home->places;) {
    p--;
    if (p->is_closing) continue;
    if (p->client == last->client) return p;
    oldest = p;
  }
  bool is_refused = h->settings->user_crowd == GW_CROWD_REFUSE;
  *code = is_refused ? GW_CODE_CONNECTION_LIMIT : GW_CODE_DISPLACED;
  return is_refused ? last : oldest;
}

static void keep_cap(gw_hub *h, gw_quota_home *home) {
  uint32_t max = h->settings->max_user_connections;
  gw_quota_mail what = {.user = {home->user, home->user_len}};
  if (max == 0 || num_open(home) <= max) return;
  place *p = choose(h, home, &what.code);
  p->is_closing = true;
  what.session = p->session;
  tell(h, p->worker, GWS_MAIL_USER_CLOSE, &what);
}

void gws_quota_on_join(gw_hub *h, gw_mail *m) {
  const gw_quota_mail *q = &m->u.quota;
  gw_quota_home *home = get_home(h, q->user);
  place p = {q->session, q->client, q->since_ms, m->from, false};
  bool is_new = home != NULL && !is_at(home, p.worker);
  if (home != NULL && add_place(home, &p)) {
    share_out(h, home, is_new);
    keep_cap(h, home);
  } else {
    /* Not counted: better one too many than none. */
    gws_hub_nomem(h);
    if (home != NULL && home->num_places == 0) free_home(h, home);
  }
  gw_mail_free(m);
}

void gws_quota_on_leave(gw_hub *h, gw_mail *m) {
  gw_quota_home *home = find_home(h, m->u.quota.user);
  for (uint32_t i = 0; home != NULL && i < home->num_places; i++) {
    place *p = &home->places[i];
    if (p->worker != m->from || p->session != m->u.quota.session) continue;
    if (m->u.quota.keeps_share) {
      p->is_closing = true;
      break;
    }
    uint32_t rest = --home->num_places - i;
    memmove(p, p + 1, rest * sizeof *p);
    break;
  }
  if (home != NULL && home->num_places == 0)
    free_home(h, home);
  else if (home != NULL)
    share_out(h, home, !is_at(home, m->from));
  gw_mail_free(m);
}

void gws_quotas_free(gw_hub *h) {
  gw_quota_home *home, *next_home;
  gw_quota *q, *next;
  HASH_ITER(hh, h->homes, home, next_home) {
    free_home(h, home);
  }
  HASH_ITER(hh, h->quotas, q, next) {
    forget(h, q);
  }
}
