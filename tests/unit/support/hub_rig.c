/* SPDX-License-Identifier: MIT */
/* hub_rig.c - a node in memory. */
#include "hub_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "godwit/lz4.h"
#include "server/core/channel.h"

/* ---- port ---------------------------------------------------------------- */

/** What a hub is given as user: itself as a place in the rig. */
static hubs *node_of(void *user) {
  return *(hubs **)user;
}

struct place {
  hubs *node;
  uint32_t worker;
};
static struct place places[HUBS_MAX];

static void port_want_write(void *user, void *conn) {
  (void)user;
  peer *p = conn;
  p->wants_write = true;
}

static void port_close(void *user, void *conn, uint32_t ws_code,
                       gw_view reason) {
  (void)user;
  (void)reason;
  peer *p = conn;
  assert_false(p->is_closing);
  p->is_closing = true;
  p->ws_code = ws_code;
}

static void port_post(void *user, uint32_t worker, gw_mail *mail) {
  struct place *from = user;
  gw_mail **at = &from->node->mail[from->worker][worker];
  while (*at != NULL)
    at = gw_mail_next(*at);
  *gw_mail_next(mail) = NULL;
  *at = mail;
}

static uint64_t port_random(void *user) {
  hubs *n = node_of(user);
  n->random = n->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return n->random >> 1;
}

static void port_log(void *user, int level, const char *event,
                     const char *fields) {
  hubs *n = node_of(user);
  if (level > 2) return; /* details */
  (void)snprintf(n->last_log, sizeof n->last_log, "%s %s", event, fields);
}

static bool port_ask(void *user, const gw_question *q, gw_verdict *v) {
  hubs *n = node_of(user);
  n->asked = *q;
  n->num_asked++;
  return n->ask != NULL && n->ask(q, v);
}

static void port_tell(void *user, const gw_notice *notice) {
  node_of(user)->tell(notice);
}

/** Hubs look at theirs when hubs_pass tells them. */
static uint64_t port_clock(void *user) {
  return node_of(user)->now_ms;
}

static const gw_hub_port port = {.want_write = port_want_write,
                                 .close = port_close,
                                 .post = port_post,
                                 .random = port_random,
                                 .clock = port_clock,
                                 .log = port_log};

/* ---- node ---------------------------------------------------------------- */

void hubs_init(hubs *n, uint32_t num_workers) {
  memset(n, 0, sizeof *n);
  n->num = num_workers;
  n->now_ms = 1000000;
  n->random = 1;
  n->settings = gw_settings_default;
  n->spaces[0] = n->spaces[1] =
      *gw_settings_namespace(&gw_settings_default, gw_view_of("x"));
  n->spaces[0].name = "none";
  n->spaces[0].history_size = 0;
  n->spaces[0].presence = false;
  n->settings.namespaces = n->spaces;
  n->settings.num_namespaces = 2;
}

static void tell_time(hubs *n) {
  for (uint32_t i = 0; i < n->num; i++)
    gw_hub_set_time(n->hub[i], n->now_ms, 1700000000000u + n->now_ms);
}

void hubs_start(hubs *n) {
  for (uint32_t i = 0; i < n->num; i++) {
    gw_hub_options o = {
        .worker = i, .num_workers = n->num, .settings = &n->settings};
    memset(o.hash_key, 7, sizeof o.hash_key);
    places[i] = (struct place){n, i};
    gw_hub_port p = port;
    if (n->asks) p.ask = port_ask;
    p.tells_presence = n->tell != NULL;
    if (n->tell != NULL) p.tell = port_tell;
    n->hub[i] = gw_hub_new(&o, &p, &places[i]);
    assert_non_null(n->hub[i]);
  }
  tell_time(n);
}

void hubs_stop(hubs *n) {
  for (uint32_t i = 0; i < n->num; i++)
    gw_hub_free(n->hub[i]);
  while (n->peers != NULL) {
    n->peers->session = NULL; /* went with its hub */
    peer_free(n->peers);
  }
  for (uint32_t i = 0; i < n->num * HUBS_MAX; i++) {
    gw_mail *m = n->mail[i / HUBS_MAX][i % HUBS_MAX];
    n->mail[i / HUBS_MAX][i % HUBS_MAX] = NULL;
    while (m != NULL) {
      gw_mail *next = *gw_mail_next(m);
      gw_mail_free(m);
      m = next;
    }
  }
}

unsigned hubs_deliver(hubs *n, uint32_t from, uint32_t to, unsigned num) {
  unsigned done = 0;
  for (; done < num && n->mail[from][to] != NULL; done++) {
    gw_mail *m = n->mail[from][to];
    n->mail[from][to] = *gw_mail_next(m);
    gw_hub_deliver(n->hub[to], m);
  }
  return done;
}

void hubs_deliver_to_others(hubs *n, uint32_t slow) {
  for (bool moved = true; moved;) {
    moved = false;
    for (uint32_t from = 0; from < n->num; from++) {
      for (uint32_t to = 0; to < n->num; to++)
        moved =
            (to != slow && hubs_deliver(n, from, to, 1000000) != 0) || moved;
    }
  }
  hubs_settle(n);
}

static bool deliver_all(hubs *n) {
  bool moved = false;
  for (uint32_t from = 0; from < n->num; from++) {
    for (uint32_t to = 0; to < n->num; to++)
      moved = hubs_deliver(n, from, to, 1000000) != 0 || moved;
  }
  return moved;
}

static void receive(peer *p, gw_buf *b) {
  gw_view v = gw_buf_payload(b);
  p->in = realloc(p->in, p->in_len + v.len + 1);
  assert_non_null(p->in);
  memcpy(p->in + p->in_len, v.data, v.len);
  p->in_len += v.len;
  p->num_messages++;
  gw_buf_unref(b);
}

static bool take_output(peer *p) {
  gw_buf *bufs[3];
  bool moved = false;
  if (p->session == NULL || p->is_stalled) return false;
  if (!p->wants_write && !p->is_closing) {
    assert_false(gw_session_has_output(p->session)); /* it was not told of */
    return false;
  }
  p->wants_write = false;
  for (size_t num; (num = gw_session_take(p->session, bufs, 3, 100)) != 0;) {
    for (size_t i = 0; i < num; i++)
      receive(p, bufs[i]);
    moved = true;
  }
  return moved;
}

void hubs_settle(hubs *n) {
  for (bool moved = true; moved;) {
    moved = !n->holds_mail && deliver_all(n);
    for (uint32_t i = 0; i < n->num; i++)
      gw_hub_end_turn(n->hub[i]);
    for (peer *p = n->peers; p != NULL; p = p->next)
      moved = take_output(p) || moved;
  }
}

void hubs_pass(hubs *n, uint64_t ms) {
  uint64_t end = n->now_ms + ms;
  hubs_settle(n);
  for (;;) {
    uint64_t next = end;
    for (uint32_t i = 0; i < n->num; i++) {
      uint64_t due = gw_hub_deadline(n->hub[i]);
      if (due < next) next = due;
    }
    if (next > n->now_ms) n->now_ms = next;
    tell_time(n);
    for (uint32_t i = 0; i < n->num; i++)
      gw_hub_tick(n->hub[i]);
    hubs_settle(n);
    if (next >= end) return;
  }
}

uint64_t hubs_stat(const hubs *n, size_t offset) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n->num; i++) {
    const char *stats = (const char *)gw_hub_stats(n->hub[i]);
    sum +=
        gw_stat_get((const _Atomic uint64_t *)(const void *)(stats + offset));
  }
  return sum;
}

uint32_t hubs_owner(const hubs *n, const char *name) {
  return gws_channel_owner(n->hub[0],
                           gws_hub_hash(n->hub[0], name, strlen(name)));
}

const char *hubs_channel(const hubs *n, uint32_t owner, char *name) {
  static unsigned last;
  for (;;) {
    (void)sprintf(name, "room:%u", ++last);
    if (hubs_owner(n, name) == owner) return name;
  }
}

/* ---- peers --------------------------------------------------------------- */

peer *peer_try_open(hubs *n, uint32_t worker) {
  peer *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->node = n;
  p->worker = worker;
  p->session = gw_hub_open(n->hub[worker], p, GW_ENCODING_BINARY,
                           gw_view_of("10.0.0.1"));
  if (p->session == NULL) {
    free(p);
    return NULL;
  }
  p->next = n->peers;
  n->peers = p;
  return p;
}

peer *peer_open(hubs *n, uint32_t worker) {
  peer *p = peer_try_open(n, worker);
  assert_non_null(p);
  return p;
}

static void say_hello(peer *p, unsigned who, uint64_t features,
                      uint32_t credit_bytes) {
  uint8_t instance[GW_INSTANCE_BYTES] = {0};
  memcpy(instance, &who, sizeof who);
  char user[16];
  (void)sprintf(user, "user%u", who);
  gw_head head = {.type = GW_FRAME_HELLO, .request = ++p->last_request};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .instance = {instance, sizeof instance},
                .features = features,
                .credit_bytes = credit_bytes,
                .codec = features & GW_FEATURE_COMPRESSION ? GW_CODEC_LZ4
                                                           : GW_CODEC_NONE,
                .user = gw_view_of(user)};
  PEER_SEND(p, hello, &head, &m);
}

void peer_hello(peer *p, unsigned who) {
  say_hello(p, who, 0, 0);
}

void peer_hello_packed(peer *p, unsigned who) {
  say_hello(p, who, GW_FEATURE_COMPRESSION, 0);
}

peer *peer_join(hubs *n, uint32_t worker, unsigned who) {
  return peer_join_with_credit(n, worker, who, 0);
}

static peer *join(hubs *n, uint32_t worker, unsigned who, uint64_t features,
                  uint32_t credit_bytes) {
  peer *p = peer_open(n, worker);
  say_hello(p, who, features, credit_bytes);
  gw_frame f = peer_expect(p, GW_FRAME_WELCOME);
  gw_welcome m;
  assert_int_equal(gw_decode_welcome(f.body, &m), 0);
  p->client = m.client;
  p->connection = m.connection;
  p->features = m.features;
  return p;
}

peer *peer_join_with_credit(hubs *n, uint32_t worker, unsigned who,
                            uint32_t credit_bytes) {
  uint64_t features = credit_bytes != 0 ? GW_FEATURE_CREDIT : 0;
  return join(n, worker, who, features, credit_bytes);
}

peer *peer_join_packed(hubs *n, uint32_t worker, unsigned who,
                       uint64_t features) {
  return join(n, worker, who, features | GW_FEATURE_COMPRESSION, 10000);
}

peer *peer_join_with_delta(hubs *n, uint32_t worker, unsigned who) {
  return join(n, worker, who, GW_FEATURE_DELTA, 0);
}

void peer_read_again(peer *p) {
  p->is_stalled = false;
  p->wants_write = true;
}

void peer_grant(peer *p, uint64_t bytes) {
  gw_head head = {.type = GW_FRAME_CREDIT};
  gw_credit m = {.bytes = bytes};
  PEER_SEND(p, credit, &head, &m);
}

void peer_drop(peer *p, uint32_t ws_code) {
  if (p->session != NULL) gw_session_closed(p->session, ws_code);
  p->session = NULL;
  hubs_settle(p->node);
}

void peer_free(peer *p) {
  peer **at = &p->node->peers;
  while (*at != p)
    at = &(*at)->next;
  *at = p->next;
  if (p->session != NULL) gw_session_closed(p->session, 0);
  free(p->in);
  free(p->unpacked);
  free(p);
}

int peer_feed(peer *p, const void *data, size_t len) {
  /* A block of its own, so that reading past its end is seen. */
  uint8_t *copy = malloc(len + 1);
  assert_non_null(copy);
  uint8_t *end = copy + 1;
  if (len != 0) memcpy(end, data, len);
  int err = gw_session_feed(p->session, (gw_view){end, len}, true);
  free(copy);
  hubs_settle(p->node);
  return err;
}

static void make_whole(peer *p, gw_frame *f) {
  gw_view block = f->body;
  int64_t len = gw_lz4_size(&block);
  assert_true(len > (int64_t)f->body.len);
  free(p->unpacked);
  p->unpacked = malloc((size_t)len);
  assert_non_null(p->unpacked);
  assert_int_equal(gw_lz4_unpack(block, p->unpacked, (size_t)len), 0);
  f->body = (gw_view){p->unpacked, (size_t)len};
  f->head.flags ^= GW_FLAG_COMPRESSED;
  p->num_packed++;
}

bool peer_next(peer *p, gw_frame *f) {
  hubs_settle(p->node);
  gw_view rest = {p->in + p->in_at, p->in_len - p->in_at};
  if (rest.len == 0) return false;
  int64_t used = gw_frame_parse(rest, GW_MAX_FRAME_BYTES_HARD, f);
  assert_true(used > 0);
  p->in_at += (size_t)used;
  if (gw_type_is_data(f->head.type)) p->data += f->len;
  if ((f->head.flags & GW_FLAG_COMPRESSED) != 0) make_whole(p, f);
  return true;
}

gw_frame peer_expect(peer *p, uint8_t type) {
  gw_frame f;
  if (!peer_next(p, &f)) fail_msg("nothing came, not %s", gw_type_name(type));
  if (f.head.type != type)
    fail_msg("%s came, not %s", gw_type_name(f.head.type), gw_type_name(type));
  return f;
}

gw_frame peer_await(peer *p, uint8_t type) {
  gw_frame f;
  do {
    if (!peer_next(p, &f)) fail_msg("no %s came", gw_type_name(type));
  } while (f.head.type != type);
  return f;
}

void peer_expect_nothing(peer *p) {
  gw_frame f;
  if (peer_next(p, &f)) fail_msg("%s came", gw_type_name(f.head.type));
}

void peer_forget(peer *p) {
  hubs_settle(p->node);
  p->in_at = p->in_len;
}

/* ---- requests ------------------------------------------------------------ */

uint32_t peer_send_empty(peer *p, uint8_t type, uint32_t alias) {
  uint8_t bytes[32];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = type,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = alias};
  assert_int_equal(gw_frame_put(&out, &head, (gw_view){NULL, 0}), 0);
  (void)peer_feed(p, out.data, out.len);
  return head.request;
}

uint32_t peer_subscribe_with(peer *p, uint32_t alias, const gw_subscribe *m) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = alias};
  PEER_SEND(p, subscribe, &head, m);
  return head.request;
}

uint32_t peer_subscribe(peer *p, uint32_t alias, const char *channel) {
  gw_subscribe m = {.channel = gw_view_of(channel)};
  return peer_subscribe_with(p, alias, &m);
}

uint32_t peer_publish_with(peer *p, const gw_publish *m) {
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = ++p->last_request};
  PEER_SEND(p, publish, &head, m);
  return head.request;
}

uint32_t peer_publish(peer *p, const char *channel, const char *data,
                      uint64_t key, uint64_t after) {
  gw_publish m = {.channel = gw_view_of(channel),
                  .data = gw_view_of(data),
                  .key = key,
                  .after = after};
  return peer_publish_with(p, &m);
}

uint32_t peer_presence(peer *p, uint32_t alias, const char *state) {
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = alias};
  gw_presence_set m = {.state = gw_view_of(state)};
  PEER_SEND(p, presence_set, &head, &m);
  return head.request;
}

uint32_t peer_call(peer *p, uint64_t to, const char *method) {
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  gw_rpc m = {.method = gw_view_of(method), .to = to};
  PEER_SEND(p, rpc, &head, &m);
  return head.request;
}

/* ---- answers ------------------------------------------------------------- */

gw_subscribed peer_subscribed(peer *p) {
  gw_subscribed m;
  gw_frame f = peer_expect(p, GW_FRAME_SUBSCRIBED);
  assert_int_equal(gw_decode_subscribed(f.body, &m), 0);
  return m;
}

gw_published peer_published(peer *p) {
  gw_published m;
  gw_frame f = peer_expect(p, GW_FRAME_PUBLISHED);
  assert_int_equal(gw_decode_published(f.body, &m), 0);
  return m;
}

gw_publication peer_publication(peer *p) {
  gw_publication m;
  gw_frame f = peer_expect(p, GW_FRAME_PUBLICATION);
  assert_int_equal(gw_decode_publication(f.body, &m), 0);
  return m;
}

uint32_t peer_error(peer *p, uint32_t request) {
  gw_error m;
  gw_frame f = peer_expect(p, GW_FRAME_ERROR);
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_error(f.body, &m), 0);
  return m.code;
}

uint32_t peer_close_code(peer *p) {
  gw_close m;
  gw_frame f = peer_await(p, GW_FRAME_CLOSE);
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_true(p->is_closing);
  assert_int_equal(p->ws_code, 4000 + m.code);
  return m.code;
}
