/* SPDX-License-Identifier: MIT */
/* conn_state.c - states of connections: changes, absences, the log. */
#include "server/core/conn_state.h"

#include <assert.h>
#include <string.h>

#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/scope.h"
#include "server/core/session.h"
#include "server/core/table.h"

static const char *const words[GW_NUM_CONN_STATES] = {
    [GW_CONN_NONE] = "none",   [GW_CONN_CONNECTED] = "connected",
    [GW_CONN_IDLE] = "idle",   [GW_CONN_RECONNECTING] = "reconnecting",
    [GW_CONN_ERROR] = "error", [GW_CONN_DISCONNECTED] = "disconnected",
};

#define TO(state) (1u << GW_CONN_##state)
/** Which changes there are; by the state that is left. */
static const uint8_t follow[GW_NUM_CONN_STATES] = {
    [GW_CONN_NONE] = TO(CONNECTED),
    [GW_CONN_CONNECTED] =
        TO(IDLE) | TO(RECONNECTING) | TO(ERROR) | TO(DISCONNECTED),
    [GW_CONN_IDLE] =
        TO(CONNECTED) | TO(RECONNECTING) | TO(ERROR) | TO(DISCONNECTED),
    [GW_CONN_RECONNECTING] = TO(CONNECTED) | TO(DISCONNECTED),
    [GW_CONN_ERROR] = TO(CONNECTED) | TO(DISCONNECTED),
};

const char *gw_conn_state_name(enum gw_conn_state state) {
  return words[state];
}

enum gw_conn_state gws_conn_find(const char *word) {
  for (int i = GW_CONN_CONNECTED; i < GW_NUM_CONN_STATES; i++) {
    if (strcmp(words[i], word) == 0) return (enum gw_conn_state)i;
  }
  return GW_CONN_NONE;
}

/* ---- the log ---------------------------------------------------------------- */

gw_view gws_conn_log_name(gw_view user) {
  size_t most = sizeof((gw_conn_change *)NULL)->user;
  if (user.len > most) user.len = most;
  while (!gw_view_is_text(user))
    user.len--;
  return user;
}

static void remember(gw_hub *h, const gw_notice *n) {
  gw_conn_log *log = &h->conn_log;
  uint32_t size = h->settings->conn_log_size;
  if (size == 0) return;
  if (log->ring == NULL) log->ring = gw_mem_zalloc(size * sizeof *log->ring);
  if (log->ring == NULL) {
    gws_hub_nomem(h);
    return;
  }
  gw_conn_change *c = &log->ring[log->num++ % size];
  *c = (gw_conn_change){.time_ms = h->wall_ms,
                        .client = n->client,
                        .connection = n->connection,
                        .code = (uint16_t)n->code,
                        .from = (uint8_t)n->from,
                        .to = (uint8_t)n->to};
  gw_view user = gws_conn_log_name(n->user);
  c->user_len = (uint8_t)user.len;
  if (user.len != 0) memcpy(c->user, user.data, user.len);
}

const gw_conn_change *gws_conn_change_at(const gw_hub *h, uint64_t i) {
  const gw_conn_log *log = &h->conn_log;
  uint32_t size = h->settings->conn_log_size;
  if (log->ring == NULL || i >= log->num || i >= size) return NULL;
  return &log->ring[(log->num - 1 - i) % size];
}

/* ---- changes ---------------------------------------------------------------- */

static void count(gw_hub *h, enum gw_conn_state state, bool is_more) {
  gw_stats *s = &h->stats;
  _Atomic uint64_t *of[GW_NUM_CONN_STATES] = {
      [GW_CONN_CONNECTED] = &s->connections_connected,
      [GW_CONN_IDLE] = &s->connections_idle,
      [GW_CONN_RECONNECTING] = &s->connections_reconnecting,
      [GW_CONN_ERROR] = &s->connections_error,
  };
  if (of[state] == NULL) return;
  if (is_more)
    gw_stat_add(of[state], 1);
  else
    gw_stat_sub(of[state], 1);
}

/** Everybody who wants to know is told. */
static void tell(gw_hub *h, gw_notice *n) {
  assert((follow[n->from] & (1u << n->to)) != 0);
  n->kind = GW_NOTICE_CONNECTION;
  count(h, n->from, false);
  count(h, n->to, true);
  remember(h, n);
  if (h->on_connection != NULL && h->port.post != NULL)
    h->on_connection(h->on_connection_user, n);
}

static void move(gw_session *s, enum gw_conn_state to, uint32_t code) {
  gw_notice n = {.client = s->client,
                 .connection = s->connection,
                 .user = gws_session_user(s),
                 .code = code,
                 .from = (enum gw_conn_state)s->conn_state,
                 .to = to};
  s->conn_state = (uint8_t)to;
  s->conn_since_ms = s->hub->now_ms;
  tell(s->hub, &n);
}

/* ---- absences --------------------------------------------------------------- */

static gw_absence *find(const gw_hub *h, uint64_t client) {
  if (h->absences == NULL) return NULL; /* as a rule */
  gw_index_walk walk = {.hash = gws_hub_id_hash(h, client)};
  gw_absence *a;
  while ((a = gw_index_next(&h->absent, &walk)) != NULL) {
    if (a->client == client) return a;
  }
  return NULL;
}

/** An open connection of a client; NULL. */
static gw_session *find_open(const gw_hub *h, uint64_t client) {
  gw_index_walk walk = {.hash = gws_hub_id_hash(h, client)};
  gw_session *s;
  while ((s = gw_index_next(&h->clients, &walk)) != NULL) {
    if (s->client == client && s->state == GWS_SESSION_OPEN) return s;
  }
  return NULL;
}

static void forget(gw_hub *h, gw_absence *a) {
  gw_wheel_cancel(&h->wheel, &a->timer);
  gw_index_remove(&h->absent, gws_hub_id_hash(h, a->client), a);
  DL_DELETE(h->absences, a);
  if (a->worker == h->worker) h->num_absent--;
  gw_mem_free(a);
}

/** Keep one in place of any other of the client. NULL: there is no memory, or no
 * place. */
static gw_absence *keep(gw_hub *h, uint64_t client, uint32_t worker,
                        gw_view user) {
  gw_absence *old = find(h, client);
  if (old != NULL) forget(h, old);
  bool is_own = worker == h->worker;
  if (is_own && h->num_absent >= GWS_ABSENT_MAX) return NULL;
  gw_absence *a = gw_mem_zalloc(sizeof *a + user.len);
  if (a == NULL) return NULL;
  a->client = client;
  a->worker = worker;
  a->since_ms = h->now_ms;
  a->timer.kind = GWS_TIMER_ABSENCE;
  a->user_len = (uint8_t)user.len;
  if (user.len != 0) memcpy(a->user, user.data, user.len);
  if (gw_index_add(&h->absent, gws_hub_id_hash(h, client), a) < 0) {
    gw_mem_free(a);
    return NULL;
  }
  DL_APPEND(h->absences, a);
  if (is_own) h->num_absent++;
  gws_hub_set_timer(h, &a->timer, h->settings->conn_grace_ms);
  return a;
}

/** The others are told, as the client may come to any of them. Whom there is no
 * memory to tell takes it for a new one, and the grace time ends here. */
static void spread(gw_hub *h, const gw_absence *a) {
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (w == h->worker) continue;
    gw_mail *m = gws_mail_new(GWS_MAIL_CONN_LOST, 0);
    if (m == NULL) {
      gws_hub_nomem(h);
      continue;
    }
    m->handle = a->client;
    gws_mail_post(h, w, m);
  }
}

/** Say to the worker that lost it that the client is here. False when out of
 * memory. */
static bool post_found(const gw_session *s, uint32_t worker) {
  gw_view user = gws_session_user(s);
  gw_mail *m = gws_mail_new(GWS_MAIL_CONN_FOUND, user.len);
  if (m == NULL) {
    gws_hub_nomem(s->hub);
    return false;
  }
  m->handle = s->client;
  m->hash = s->connection; /* there is no channel to name */
  m->name = gws_mail_keep(m, user);
  gws_mail_post(s->hub, worker, m);
  return true;
}

/** This worker waits for the client no longer. */
static void tell_end(gw_hub *h, const gw_absence *a, uint32_t code) {
  gw_notice n = {.client = a->client,
                 .connection = a->connection,
                 .user = {a->user, a->user_len},
                 .code = code,
                 .from = (enum gw_conn_state)a->state,
                 .to = GW_CONN_DISCONNECTED};
  tell(h, &n);
}

/** Another worker lost the client that this one waits for: it had come there
 * before the news of its loss. Each learns of the other; the lower one waits. */
static bool waits_instead(gw_hub *h, const gw_absence *own, uint32_t other) {
  if (h->worker < other) return true;
  tell_end(h, own, GW_CODE_REPLACED);
  return false;
}

void gws_conn_on_lost(gw_hub *h, gw_mail *m) {
  static const gw_view nobody;
  const gw_session *s = find_open(h, m->handle);
  const gw_absence *old = find(h, m->handle);
  bool is_own = old != NULL && old->worker == h->worker;
  if (s != NULL) {
    (void)post_found(s, m->from);
  } else if (!is_own || !waits_instead(h, old, m->from)) {
    gw_absence *a = keep(h, m->handle, m->from, nobody);
    if (a == NULL)
      gws_hub_nomem(h);
    else
      a->is_ceded = is_own;
  }
  gw_mail_free(m);
}

void gws_conn_on_found(gw_hub *h, gw_mail *m) {
  gw_absence *a = find(h, m->handle);
  if (a != NULL && a->is_ceded) {
    gws_mail_post(h, a->worker, m); /* always a lower one */
    return;
  }
  bool is_own = a != NULL && a->worker == h->worker;
  gw_notice n = {.client = m->handle,
                 .connection = m->hash,
                 .user = m->name,
                 .from = is_own ? (enum gw_conn_state)a->state : GW_CONN_NONE,
                 .to = GW_CONN_CONNECTED};
  tell(h, &n);
  count(h, GW_CONN_CONNECTED, false); /* it is counted where it is */
  if (is_own) forget(h, a);
  gw_mail_free(m);
}

/* ---- life of a connection --------------------------------------------------- */

void gws_conn_opened(gw_session *s) {
  gw_hub *h = s->hub;
  gw_absence *a = find(h, s->client);
  if (a != NULL && a->worker != h->worker && post_found(s, a->worker)) {
    s->conn_state = GW_CONN_CONNECTED; /* which is told over there */
    s->conn_since_ms = h->now_ms;
    count(h, GW_CONN_CONNECTED, true);
  } else {
    if (a != NULL && a->worker == h->worker) s->conn_state = a->state;
    move(s, GW_CONN_CONNECTED, GW_CODE_OK);
  }
  if (a != NULL) forget(h, a);
  s->spoke_ms = (uint32_t)h->now_ms;
}

void gws_conn_active(gw_session *s) {
  move(s, GW_CONN_CONNECTED, GW_CODE_OK);
}

void gws_conn_look(gw_session *s) {
  uint32_t after_ms = s->hub->settings->idle_after_ms;
  uint32_t quiet_ms = (uint32_t)s->hub->now_ms - s->spoke_ms;
  if (s->conn_state == GW_CONN_CONNECTED && after_ms != 0 &&
      quiet_ms >= after_ms)
    move(s, GW_CONN_IDLE, GW_CODE_OK);
}

/** Whether somebody is to blame for the end. */
static bool is_fault(uint32_t code) {
  switch (code) {
  case GW_CODE_PROTOCOL:
  case GW_CODE_TOO_BIG:
  case GW_CODE_BAD_REQUEST:
  case GW_CODE_BAD_TEXT:
  case GW_CODE_SLOW_READER:
  case GW_CODE_INTERNAL:
    return true;
  default:
    return false;
  }
}

static enum gw_conn_state end_state(const gw_session *s) {
  if (s->left) return GW_CONN_DISCONNECTED;
  if (is_fault(s->end_code)) return GW_CONN_ERROR;
  bool is_final = gw_code_class(s->end_code) == GW_CLASS_TERMINAL;
  return is_final ? GW_CONN_DISCONNECTED : GW_CONN_RECONNECTING;
}

void gws_conn_ended(gw_session *s) {
  gw_hub *h = s->hub;
  enum gw_conn_state to = end_state(s);
  if (s->conn_state == GW_CONN_NONE) return;
  if (find_open(h, s->client) != NULL) { /* it came back before this was seen */
    move(s, GW_CONN_DISCONNECTED, GW_CODE_REPLACED);
    return;
  }
  gw_absence *a = NULL;
  bool is_kept = h->settings->conn_grace_ms != 0 && !h->drain.on;
  if (to != GW_CONN_DISCONNECTED && is_kept) {
    a = keep(h, s->client, h->worker, gws_session_user(s));
    if (a == NULL) gw_stat_add(&h->stats.absences_lost_total, 1);
  }
  if (a == NULL) to = GW_CONN_DISCONNECTED;
  move(s, to, s->end_code);
  if (a == NULL) {
    gws_scope_end(h, s->client);
    return;
  }
  a->connection = s->connection;
  a->state = (uint8_t)to;
  a->code = s->end_code;
  spread(h, a);
}

void gws_conn_on_timer(gw_hub *h, gw_absence *a) {
  if (a->worker == h->worker) {
    tell_end(h, a, a->code);
    gws_scope_end(h, a->client);
  }
  forget(h, a);
}

void gws_conn_free(gw_hub *h) {
  while (h->absences != NULL)
    forget(h, h->absences);
  gw_index_deinit(&h->absent);
  gw_mem_free(h->conn_log.ring);
}
