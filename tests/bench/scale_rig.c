/* SPDX-License-Identifier: MIT */
/* scale_rig.c - a node in memory, without a limit of its own. */
#include "tests/bench/scale_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/channel.h"

#define PAYLOAD_BYTES 128u
#define MESSAGE_MAX   512u
#define BATCH         64u

void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "godwit-scale: %s\n", what);
  exit(1);
}

/* ---- the port ------------------------------------------------------------- */

static void want_write(void *user, void *conn) {
  rig_conn *c = conn;
  (void)user;
  if (c->is_dirty) return;
  c->is_dirty = true;
  c->next_dirty = c->node->dirty[c->worker];
  c->node->dirty[c->worker] = c;
}

static void close_conn(void *user, void *conn, uint32_t ws_code,
                       gw_view reason) {
  (void)user;
  (void)conn;
  (void)ws_code;
  (void)reason;
  must(false, "a session was closed");
}

static void post(void *user, uint32_t worker, gw_mail *mail) {
  rig *r = ((rig_place *)user)->node;
  *gw_mail_next(mail) = NULL;
  *r->mail_end[worker] = mail;
  r->mail_end[worker] = gw_mail_next(mail);
}

static uint64_t next_random(void *user) {
  rig *r = ((rig_place *)user)->node;
  r->random = r->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return r->random >> 1;
}

static void log_line(void *user, int level, const char *event,
                     const char *fields) {
  (void)user;
  if (level > 1) return;
  fprintf(stderr, "godwit-scale: %s %s\n", event, fields);
}

rig *rig_new(uint32_t num_workers, uint32_t history_size) {
  static const gw_hub_port port = {.want_write = want_write,
                                   .close = close_conn,
                                   .post = post,
                                   .random = next_random,
                                   .log = log_line};
  rig *r = calloc(1, sizeof *r);
  must(r != NULL && num_workers <= RIG_MAX_WORKERS, "no node");
  r->settings = gw_settings_default;
  r->space = *gw_settings_namespace(&gw_settings_default, gw_view_of("x"));
  r->space.history_size = history_size;
  r->settings.namespaces = &r->space;
  r->settings.num_namespaces = 1;
  r->settings.max_channels = 0;
  r->settings.limits.max_subscriptions = 1000000;
  r->num_workers = num_workers;
  r->now_ms = 1000000;
  r->random = 1;
  for (uint32_t i = 0; i < num_workers; i++) {
    gw_hub_options o = {
        .worker = i, .num_workers = num_workers, .settings = &r->settings};
    memset(o.hash_key, 7, sizeof o.hash_key);
    r->places[i] = (rig_place){r, i};
    r->mail_end[i] = &r->mail[i];
    r->hubs[i] = gw_hub_new(&o, &port, &r->places[i]);
    must(r->hubs[i] != NULL, "no hub");
    gw_hub_set_time(r->hubs[i], r->now_ms, 1700000000000u);
  }
  return r;
}

/* ---- turns ----------------------------------------------------------------- */

static void take_output(rig_conn *c) {
  gw_buf *bufs[BATCH];
  size_t num;
  while ((num = gw_session_take(c->session, bufs, BATCH, 65536)) > 0) {
    for (size_t i = 0; i < num; i++) {
      c->node->bytes += gw_buf_framed(bufs[i]).len;
      gw_buf_unref(bufs[i]);
    }
  }
}

void rig_turn(rig *r, uint32_t worker) {
  gw_mail *mail = r->mail[worker];
  r->mail[worker] = NULL;
  r->mail_end[worker] = &r->mail[worker];
  while (mail != NULL) {
    gw_mail *next = *gw_mail_next(mail);
    gw_hub_deliver(r->hubs[worker], mail);
    mail = next;
  }
  gw_hub_end_turn(r->hubs[worker]);
  while (r->dirty[worker] != NULL) {
    rig_conn *c = r->dirty[worker];
    r->dirty[worker] = c->next_dirty;
    c->is_dirty = false;
    take_output(c);
  }
}

static bool is_quiet(const rig *r) {
  for (uint32_t i = 0; i < r->num_workers; i++) {
    if (r->mail[i] != NULL || r->dirty[i] != NULL) return false;
  }
  return true;
}

void rig_settle(rig *r) {
  do {
    for (uint32_t i = 0; i < r->num_workers; i++)
      rig_turn(r, i);
  } while (!is_quiet(r));
}

void rig_feed(rig_conn *c, gw_view message) {
  must(gw_session_feed(c->session, message, true) == 0,
       "a message was refused");
}

/* ---- messages -------------------------------------------------------------- */

static uint8_t payload_bytes[PAYLOAD_BYTES];
static const gw_view payload = {payload_bytes, PAYLOAD_BYTES};

void rig_messages_init(rig_messages *m, uint32_t cap) {
  *m = (rig_messages){
      .cap = cap,
      .views = calloc(cap, sizeof(gw_view)),
      .out = {malloc((size_t)cap * MESSAGE_MAX), 0, (size_t)cap * MESSAGE_MAX}};
  must(m->views != NULL && m->out.data != NULL, "out of memory");
}

void rig_messages_clear(rig_messages *m) {
  must(m->used == m->num, "messages are left");
  m->num = m->used = 0;
  m->out.len = 0;
}

static void keep(rig_messages *m, size_t from, int err) {
  must(err == 0 && m->num < m->cap, "a message cannot be made");
  m->views[m->num++] = (gw_view){m->out.data + from, m->out.len - from};
}

gw_view rig_take(rig_messages *m) {
  must(m->used < m->num, "too few messages");
  return m->views[m->used++];
}

void rig_put_hello(rig_messages *m, rig *r) {
  uint8_t instance[GW_INSTANCE_BYTES] = {1};
  size_t from = m->out.len;
  uint32_t who = ++r->num_clients;
  memcpy(instance + 4, &who, sizeof who);
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance},
                    .agent = gw_view_of("scale")};
  keep(m, from, gw_encode_hello(&m->out, &head, &hello));
}

void rig_put_subscribe(rig_messages *m, uint32_t alias, const char *channel) {
  size_t from = m->out.len;
  gw_head head = {
      .type = GW_FRAME_SUBSCRIBE, .request = 1 + alias, .channel = alias};
  gw_subscribe subscribe = {.channel = gw_view_of(channel)};
  keep(m, from, gw_encode_subscribe(&m->out, &head, &subscribe));
}

void rig_put_unsubscribe(rig_messages *m, uint32_t alias) {
  size_t from = m->out.len;
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = 1 + alias,
                  .channel = alias};
  keep(m, from, gw_frame_put(&m->out, &head, (gw_view){NULL, 0}));
}

void rig_put_publish(rig_messages *m, const char *channel, uint64_t key,
                     uint64_t after) {
  size_t from = m->out.len;
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = (uint32_t)key};
  gw_publish publish = {.channel = gw_view_of(channel),
                        .data = payload,
                        .key = key,
                        .after = after};
  keep(m, from, gw_encode_publish(&m->out, &head, &publish));
}

/* ---- what is not measured --------------------------------------------------- */

static rig_messages *scratch(void) {
  static rig_messages m;
  if (m.cap == 0) rig_messages_init(&m, 1);
  rig_messages_clear(&m);
  return &m;
}

static void say(rig_conn *c, rig_messages *m) {
  rig_feed(c, rig_take(m));
  rig_settle(c->node);
}

rig_conn *rig_open(rig *r, uint32_t worker) {
  rig_conn *c = calloc(1, sizeof *c);
  must(c != NULL, "out of memory");
  c->node = r;
  c->worker = worker;
  c->session = gw_hub_open(r->hubs[worker], c, GW_ENCODING_BINARY,
                           gw_view_of("127.0.0.1"));
  must(c->session != NULL, "no session");
  return c;
}

rig_conn *rig_join(rig *r, uint32_t worker) {
  rig_conn *c = rig_open(r, worker);
  rig_messages *m = scratch();
  rig_put_hello(m, r);
  say(c, m);
  return c;
}

void rig_leave(rig_conn *c) {
  gw_session_closed(c->session, 0);
  free(c);
}

void rig_subscribe(rig_conn *c, uint32_t alias, const char *channel) {
  rig_messages *m = scratch();
  rig_put_subscribe(m, alias, channel);
  say(c, m);
}

void rig_publish(rig_conn *c, const char *channel, uint64_t key,
                 uint64_t after) {
  rig_messages *m = scratch();
  rig_put_publish(m, channel, key, after);
  say(c, m);
}

void rig_name_owned(const rig *r, uint32_t worker, char name[32]) {
  for (uint32_t i = 0;; i++) {
    int len = snprintf(name, 32, "room-%u", i);
    uint64_t hash = gws_hub_hash(r->hubs[0], name, (size_t)len);
    if (gws_channel_owner(r->hubs[0], hash) == worker) return;
  }
}
