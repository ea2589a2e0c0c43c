/* SPDX-License-Identifier: MIT */
/* hub_fuzz.c - a node of two workers and what its peers may do to it: any bytes
 * in any order, connections that come, stall and go, time that passes. The
 * input is a list of steps, each a byte that says what and a byte that says who
 * or how much; bytes to feed follow with their number in front. */
#include <stdlib.h>
#include <string.h>

#include "server/core/hub.h"

#define NUM_WORKERS 2u
#define NUM_CONNS   6u

typedef struct conn {
  gw_session *session;
  bool is_stalled;
  bool is_closing;
} conn;

static gw_hub *hubs[NUM_WORKERS];
static gw_mail *first[NUM_WORKERS];
static conn conns[NUM_CONNS];
static uint64_t now_ms;
static uint64_t last_random;

static void must(bool holds) {
  if (!holds) abort();
}

/* ---- port ---------------------------------------------------------------- */

static void want_write(void *user, void *c) {
  (void)user;
  must(c != NULL);
}

static void close_conn(void *user, void *c, uint32_t ws_code, gw_view reason) {
  (void)user, (void)ws_code, (void)reason;
  conn *k = c;
  must(!k->is_closing); /* told once */
  k->is_closing = true;
}

static void post(void *user, uint32_t worker, gw_mail *mail) {
  (void)user;
  gw_mail **at = &first[worker];
  while (*at != NULL)
    at = gw_mail_next(*at);
  *at = mail;
}

static uint64_t random_number(void *user) {
  (void)user;
  return last_random += 0x9E3779B97F4A7C15u;
}

static void log_line(void *user, int level, const char *event,
                     const char *fields) {
  (void)user;
  must(level >= 0 && level <= 3 && strlen(event) > 0 && fields != NULL);
}

static const gw_hub_port port = {.want_write = want_write,
                                 .close = close_conn,
                                 .post = post,
                                 .random = random_number,
                                 .log = log_line};

/* ---- steps --------------------------------------------------------------- */

static void take(conn *c) {
  gw_buf *bufs[4];
  size_t num;
  if (c->session == NULL || c->is_stalled) return;
  while ((num = gw_session_take(c->session, bufs, 4, 4096)) != 0) {
    for (size_t i = 0; i < num; i++)
      gw_buf_unref(bufs[i]);
  }
  must(!gw_session_has_output(c->session));
}

static void settle(void) {
  for (unsigned w = 0; w < NUM_WORKERS; w++) {
    while (first[w] != NULL) {
      gw_mail *m = first[w];
      first[w] = *gw_mail_next(m);
      *gw_mail_next(m) = NULL;
      gw_hub_deliver(hubs[w], m);
      w = 0; /* what it posted */
    }
  }
  for (unsigned w = 0; w < NUM_WORKERS; w++)
    gw_hub_end_turn(hubs[w]);
  for (unsigned i = 0; i < NUM_CONNS; i++)
    take(&conns[i]);
}

static void pass(uint64_t ms) {
  now_ms += ms;
  for (unsigned w = 0; w < NUM_WORKERS; w++) {
    gw_hub_set_time(hubs[w], now_ms, now_ms);
    gw_hub_tick(hubs[w]);
    must(gw_hub_deadline(hubs[w]) > now_ms);
  }
}

static void drop(conn *c, uint32_t ws_code) {
  if (c->session != NULL) gw_session_closed(c->session, ws_code);
  *c = (conn){NULL, false, false};
}

static void say_hello(conn *c, uint8_t who, bool is_json, bool has_credit) {
  static const char line[] = "{\"id\":1,\"hello\":{\"version\":1,\"instance\":"
                             "\"AAECAwQFBgcICQoLDA0ODw==\"}}\n";
  uint8_t bytes[128], instance[GW_INSTANCE_BYTES] = {who};
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = has_credit ? GW_FEATURE_CREDIT : 0,
                .credit_bytes = 300,
                .instance = {instance, sizeof instance},
                .user = gw_view_of(who % 2 == 0 ? "u0" : "u1")};
  must(gw_encode_hello(&out, &head, &m) == 0);
  gw_view hello = {bytes, out.len};
  if (is_json) hello = gw_view_of(line);
  (void)gw_session_feed(c->session, hello, true);
}

static void open_conn(conn *c, unsigned i, uint8_t how) {
  bool is_json = (how & 8) != 0;
  drop(c, 0);
  c->session = gw_hub_open(hubs[i % NUM_WORKERS], c,
                           is_json ? GW_ENCODING_JSON : GW_ENCODING_BINARY,
                           gw_view_of("fuzz"));
  must(c->session != NULL);
  if ((how & 16) == 0) say_hello(c, how & 3, is_json, (how & 4) != 0);
}

/** Feed the next bytes of the input. Returns how many. */
static size_t feed(conn *c, gw_view rest, bool end_of_message) {
  if (rest.len == 0) return 0;
  size_t len = rest.data[0];
  if (len > rest.len - 1) len = rest.len - 1;
  if (c->session != NULL && !c->is_closing) {
    int err = gw_session_feed(c->session, (gw_view){rest.data + 1, len},
                              end_of_message);
    must((err < 0) == c->is_closing);
  }
  return len + 1;
}

static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user, (void)client, (void)client_user;
  gw_rpc_result result = {rpc->data, rpc->json};
  if (rpc->method.len % 2 == 0)
    gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  return rpc->method.len != 3;
}

static size_t step(uint8_t what, uint8_t how, gw_view rest) {
  unsigned i = how % NUM_CONNS;
  conn *c = &conns[i];
  switch (what % 8) {
  case 0:
  case 1:
  case 2:
    return feed(c, rest, what % 8 != 2);
  case 3:
    open_conn(c, i, what >> 3);
    break;
  case 4:
    drop(c, how & 64 ? 4000 + GW_CODE_CLOSED : 0);
    break;
  case 5:
    c->is_stalled = !c->is_stalled;
    break;
  case 6:
    pass((uint64_t)how << (what >> 4));
    break;
  default:
    if (how == 255) gw_hub_drain(hubs[0], 1000);
  }
  return 0;
}

/* ---- run ----------------------------------------------------------------- */

static void begin(const gw_settings *settings) {
  now_ms = 1000;
  last_random = 1;
  for (unsigned w = 0; w < NUM_WORKERS; w++) {
    gw_hub_options o = {
        .worker = w, .num_workers = NUM_WORKERS, .settings = settings};
    hubs[w] = gw_hub_new(&o, &port, NULL);
    must(hubs[w] != NULL);
    gw_hub_set_on_call(hubs[w], on_call, NULL);
  }
  pass(1);
  for (unsigned i = 0; i < NUM_CONNS; i++)
    open_conn(&conns[i], i, (uint8_t)(i % 3));
}

static void end(void) {
  for (unsigned i = 0; i < NUM_CONNS; i += 2) /* the others go with the hub */
    drop(&conns[i], 0);
  settle();
  for (unsigned w = 0; w < NUM_WORKERS; w++)
    gw_hub_free(hubs[w]);
  memset(conns, 0, sizeof conns);
}

/** Small limits, so that few steps lead to them. */
static void set_people(gw_settings *settings, gw_namespace spaces[2]) {
  gw_namespace *docs = &spaces[0], *others = &spaces[1];
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
  settings->trusts_names = true;
  settings->group_create.who = GW_WHO_ANYONE;
  settings->limits.max_group_members = 3;
  settings->max_groups = 2;
  for (unsigned i = 0; i < GW_NUM_ADDRESSES; i++)
    settings->send[i].who = GW_WHO_ANYONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_settings settings = gw_settings_default;
  gw_namespace spaces[3];
  spaces[2] = *gw_settings_namespace(&settings, gw_view_of("x"));
  spaces[2].history_size = 3;
  spaces[2].presence_grace_ms = 500;
  spaces[1] = spaces[2];
  spaces[1].name = "b";
  spaces[1].batch_delay_ms = 10;
  spaces[1].batch_bytes = 100;
  set_people(&settings, spaces);
  settings.namespaces = spaces;
  settings.num_namespaces = 3;
  settings.limits.max_queue_bytes = 2000;
  settings.limits.max_frame_bytes = 1000;
  settings.limits.max_calls = 3;
  settings.limits.max_subscriptions = 4;
  settings.max_channels = 3;
  settings.max_forwarded = 2;
  begin(&settings);
  gw_view rest = {data, size};
  while (rest.len >= 2) {
    gw_view after = {rest.data + 2, rest.len - 2};
    size_t used = step(rest.data[0], rest.data[1], after);
    rest = (gw_view){after.data + used, after.len - used};
    settle();
  }
  end();
  return 0;
}
