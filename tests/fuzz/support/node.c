/* SPDX-License-Identifier: MIT */
/* node.c - the node of fuzz targets. */
#include "tests/fuzz/support/node.h"

#include <stdlib.h>
#include <string.h>

fuzz_node node;

void must(bool holds) {
  if (!holds) abort();
}

/* ---- port ---------------------------------------------------------------- */

static void want_write(void *user, void *c) {
  (void)user;
  must(c != NULL);
}

static void close_conn(void *user, void *c, uint32_t ws_code, gw_view reason) {
  (void)user, (void)reason;
  fuzz_conn *k = c;
  must(!k->is_closing); /* told once */
  k->is_closing = true;
  k->ws_code = ws_code;
}

static void post(void *user, uint32_t worker, gw_mail *mail) {
  (void)user;
  gw_mail **at = &node.mail[worker];
  while (*at != NULL)
    at = gw_mail_next(*at);
  *at = mail;
}

static uint64_t random_number(void *user) {
  (void)user;
  return node.last_random += 0x9E3779B97F4A7C15u;
}

static void log_line(void *user, int level, const char *event,
                     const char *fields) {
  (void)user;
  must(level >= 0 && level <= 3 && strlen(event) > 0 && fields != NULL);
}

static gw_verdict verdict_for(uint8_t first, uint8_t second) {
  static const char *const users[] = {"u0", "u1", "", "u3"};
  gw_verdict v = {.user = gw_view_of(users[second % 4]),
                  .token_id = first + 1u};
  if (first == 'n') v.code = GW_CODE_TOKEN_INVALID;
  if (first == 's') v.ttl_ms = 1000;
  return v;
}

static bool ask(void *user, const gw_question *q, gw_verdict *v) {
  (void)user;
  if (!node.asks) {
    v->user = q->user;
    v->is_only_claimed = true;
    return true;
  }
  uint8_t first = q->token.len > 0 ? q->token.data[0] : 'n';
  uint8_t second = q->token.len > 1 ? q->token.data[1] : 0;
  *v = verdict_for(first, second);
  if (first != 'w') return true;
  fuzz_conn *c = q->conn;
  node.asked_worker = (unsigned)(c - node.conns) % FUZZ_WORKERS;
  node.asked_session = q->session;
  node.asked_ticket = q->ticket;
  return false;
}

void fuzz_node_decide(bool is_granted) {
  gw_verdict v = verdict_for(is_granted ? 'g' : 'n', 0);
  uint64_t session = node.asked_session;
  node.asked_session = 0;
  if (session == 0) return;
  gw_hub_decide(node.hubs[node.asked_worker], session, node.asked_ticket, &v);
}

static const gw_hub_port port = {.want_write = want_write,
                                 .close = close_conn,
                                 .post = post,
                                 .random = random_number,
                                 .ask = ask,
                                 .log = log_line};

/* ---- time, mail, output -------------------------------------------------- */

static void take(unsigned i) {
  gw_buf *bufs[4];
  size_t num;
  fuzz_conn *c = &node.conns[i];
  if (c->session == NULL || c->is_stalled) return;
  while ((num = gw_session_take(c->session, bufs, 4, 4096)) != 0) {
    for (size_t k = 0; k < num; k++) {
      if (node.on_output != NULL) node.on_output(i, gw_buf_payload(bufs[k]));
      gw_buf_unref(bufs[k]);
    }
  }
  must(!gw_session_has_output(c->session));
}

static void deliver(void) {
  for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
    while (node.mail[w] != NULL) {
      gw_mail *m = node.mail[w];
      node.mail[w] = *gw_mail_next(m);
      *gw_mail_next(m) = NULL;
      gw_hub_deliver(node.hubs[w], m);
      w = 0; /* what it posted */
    }
  }
}

void fuzz_node_settle(void) {
  if (!node.holds_mail) deliver();
  for (unsigned w = 0; w < FUZZ_WORKERS; w++)
    gw_hub_end_turn(node.hubs[w]);
  for (unsigned i = 0; i < FUZZ_CONNS; i++)
    take(i);
}

void fuzz_node_pass(uint64_t ms) {
  node.now_ms += ms;
  for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
    gw_hub_set_time(node.hubs[w], node.now_ms, node.now_ms);
    gw_hub_tick(node.hubs[w]);
    must(gw_hub_deadline(node.hubs[w]) > node.now_ms);
  }
}

/* ---- connections --------------------------------------------------------- */

void fuzz_conn_drop(unsigned i, uint32_t ws_code) {
  fuzz_conn *c = &node.conns[i];
  if (c->session != NULL) gw_session_closed(c->session, ws_code);
  *c = (fuzz_conn){0};
}

void fuzz_conn_open(unsigned i, enum gw_encoding encoding) {
  fuzz_conn *c = &node.conns[i];
  fuzz_conn_drop(i, 0);
  c->session =
      gw_hub_open(node.hubs[i % FUZZ_WORKERS], c, encoding, gw_view_of("fuzz"));
  must(c->session != NULL);
}

void fuzz_conn_feed(unsigned i, gw_view bytes, bool end_of_message) {
  fuzz_conn *c = &node.conns[i];
  if (c->session == NULL || c->is_closing) return;
  int err = gw_session_feed(c->session, bytes, end_of_message);
  must((err < 0) == c->is_closing);
}

/* ---- life ---------------------------------------------------------------- */

static void set_people(void) {
  gw_namespace *docs = &node.spaces[0], *others = &node.spaces[1];
  others->presence_full_limit = 2;
  others->presence_sample = 1;
  others->presence_counts_ms = 200;
  others->presence_transitions =
      (gw_transitions){2, {{"online", "away", 400}, {"away", "offline", 900}}};
  *docs = *others;
  docs->name = "doc";
  docs->presence_mode = GW_PRESENCE_MODE_COUNTS;
  docs->allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_MEMBER;
  (void)strcpy(docs->group, "g:{1}");
  node.settings.trusts_names = true;
  node.settings.group_create.who = GW_WHO_ANYONE;
  node.settings.limits.max_group_members = 3;
  node.settings.max_groups = 2;
  for (unsigned i = 0; i < GW_NUM_ADDRESSES; i++)
    node.settings.send[i].who = GW_WHO_ANYONE;
}

void fuzz_node_init(void) {
  gw_settings *s = &node.settings;
  node = (fuzz_node){.settings = gw_settings_default};
  gw_namespace *base = &node.spaces[2];
  *base = *gw_settings_namespace(s, gw_view_of("x"));
  base->history_size = 3;
  base->presence_grace_ms = 500;
  node.spaces[1] = *base;
  node.spaces[1].name = "b";
  node.spaces[1].batch_delay_ms = 10;
  node.spaces[1].batch_bytes = 100;
  set_people();
  s->namespaces = node.spaces;
  s->num_namespaces = 3;
  s->limits.max_queue_bytes = 2000;
  s->limits.max_frame_bytes = 1000;
  s->limits.max_calls = 3;
  s->limits.max_subscriptions = 4;
  s->max_channels = 3;
  s->max_forwarded = 2;
}

void fuzz_node_begin(void) {
  if (node.now_ms == 0) node.now_ms = 1000;
  node.last_random++;
  for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
    gw_hub_options o = {
        .worker = w, .num_workers = FUZZ_WORKERS, .settings = &node.settings};
    node.hubs[w] = gw_hub_new(&o, &port, NULL);
    must(node.hubs[w] != NULL);
  }
  fuzz_node_pass(1);
}

void fuzz_node_crash(void) {
  for (unsigned w = 0; w < FUZZ_WORKERS; w++) {
    while (node.mail[w] != NULL) {
      gw_mail *m = node.mail[w];
      node.mail[w] = *gw_mail_next(m);
      gw_mail_free(m);
    }
    gw_hub_free(node.hubs[w]);
    node.hubs[w] = NULL;
  }
  memset(node.conns, 0, sizeof node.conns);
  node.asked_session = 0;
}

void fuzz_node_end(void) {
  node.holds_mail = false;
  for (unsigned i = 0; i < FUZZ_CONNS; i += 2) /* the others go with the hub */
    fuzz_conn_drop(i, 0);
  fuzz_node_settle();
  fuzz_node_crash();
}
