/* SPDX-License-Identifier: MIT */
/* access_memory_test.c - each allocation fails once while users show tokens, are
 * asked about, counted, given channels, lost, resumed and revoked: nobody has a
 * right that a revocation took, or another act while it came, nobody is counted who
 * is gone, and nothing is left waiting. */
#include <stdio.h>

#include "server/core/grants.h"
#include "server/core/resume.h"
#include "support/api_rig.h"
#include "support/sweep.h"

#define NUM_PEERS  6u
#define NUM_HELD   32u
#define ISSUED_MS  1000u
#define CONNECTION 8000u /* milliseconds that a token lets one stay */
#define CHANNEL    4000u

static hubs node;
static peer *peers[NUM_PEERS];
/** Two connections may be open of each. */
static const char *const users[NUM_PEERS] = {"ada", "ada", "ada",
                                             "bob", "bob", "cyd"};

/* ---- answers ------------------------------------------------------------- */

/** Questions that are answered later. */
static struct {
  uint32_t worker;
  uint64_t session, ticket;
} held[NUM_HELD];
static unsigned num_held;

static bool hold(const gw_question *q) {
  assert_true(num_held < NUM_HELD);
  held[num_held].worker = ((peer *)q->conn)->worker;
  held[num_held].session = q->session;
  held[num_held++].ticket = q->ticket;
  return false;
}

/** Dan is asked about for long. */
static bool answer(const gw_question *q, gw_verdict *v) {
  static const gw_view given[] = {{(const uint8_t *)"room:given", 10}};
  if (gw_view_eq(q->user, gw_view_of("dan"))) return hold(q);
  switch (q->kind) {
  case GW_ASK_CONNECT:
  case GW_ASK_REFRESH:
    *v = (gw_verdict){.user = q->kind == GW_ASK_CONNECT ? q->user : q->token,
                      .info = gw_view_of("{\"a\":1}"),
                      .token_id = gw_token_id(q->token, q->token),
                      .issued_ms = ISSUED_MS,
                      .ttl_ms = CONNECTION};
    if (gw_view_eq(q->user, gw_view_of("cyd"))) {
      v->channels = given;
      v->num_channels = 1;
    }
    return true;
  case GW_ASK_PUBLISH:
    return hold(q);
  default:
    *v = (gw_verdict){.token_id = gw_token_id(q->token, q->token),
                      .issued_ms = ISSUED_MS,
                      .ttl_ms = CHANNEL,
                      .by_token = true};
    return true;
  }
}

static void decide_all(void) {
  for (unsigned i = 0; i < num_held; i++) {
    gw_verdict v = {.replaces = i % 2 != 0,
                    .data = gw_view_of("better"),
                    .user = gw_view_of("dan")};
    gw_hub_decide(node.hub[held[i].worker], held[i].session, held[i].ticket,
                  &v);
  }
  num_held = 0;
  hubs_settle(&node);
}

/* ---- what clients do ----------------------------------------------------- */

static uint8_t tokens[NUM_PEERS][GWS_RESUME_BYTES];
static size_t token_lens[NUM_PEERS];

/** Each token to resume by is shown once. */
static void look_at_all(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    gw_frame f;
    gw_welcome m;
    while (peers[i] != NULL && peer_next(peers[i], &f)) {
      if (f.head.type != GW_FRAME_WELCOME) continue;
      assert_int_equal(gw_decode_welcome(f.body, &m), 0);
      assert_true(gw_view_eq(m.user, gw_view_of(users[i])));
      token_lens[i] = m.resume.len;
      if (m.resume.len != 0) memcpy(tokens[i], m.resume.data, m.resume.len);
    }
  }
}

/** A client is each peer of its own. */
static void hello(peer *p, unsigned who, const char *user, gw_view resume) {
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)(who + 1)};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = GW_FEATURE_RESUME,
                .instance = {instance, sizeof instance},
                .resume = resume,
                .token = gw_view_of(user),
                .user = gw_view_of(user)};
  SEND_IF_UP(p, hello, &head, &m);
}

static void try_join(unsigned i, uint32_t worker) {
  peer *p = peer_try_open(&node, worker);
  if (p == NULL) return;
  peers[i] = p;
  hello(p, i, users[i], (gw_view){tokens[i], token_lens[i]});
  look_at_all();
}

static void try_subscribe(unsigned i, uint32_t alias, const char *name) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = 10 + alias,
                  .channel = alias};
  gw_subscribe m = {.channel = gw_view_of(name),
                    .token = gw_view_of("for a channel"),
                    .meta = gw_view_of("{\"m\":1}"),
                    .presence = true};
  SEND_IF_UP(peers[i], subscribe, &head, &m);
}

/** alias 0: the connection's own. */
static void try_refresh(unsigned i, uint32_t alias) {
  gw_head head = {.type = GW_FRAME_REFRESH,
                  .flags = alias != 0 ? GW_FLAG_ALIAS : 0,
                  .request = 30 + alias,
                  .channel = alias};
  gw_refresh m = {.token = gw_view_of(users[i])};
  SEND_IF_UP(peers[i], refresh, &head, &m);
}

static void try_publish(unsigned i) {
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = 20};
  gw_publish m = {.channel = gw_view_of("room:a"), .data = gw_view_of("x")};
  SEND_IF_UP(peers[i], publish, &head, &m);
}

/* ---- what the application does ------------------------------------------- */

static unsigned num_replies;
static uint32_t last_code;

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  (void)arg, (void)message, (void)reply;
  num_replies++;
  last_code = code;
}

/** It is answered once, whatever comes of it. Returns the code. */
static uint32_t try_api(const char *method, const char *json) {
  uint8_t space[256];
  gw_out out = {space, 0, sizeof space};
  gw_caller caller = {.is_trusted = true};
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  /* To write the question is not what is tried here. */
  unsigned long at = fail_at, counted = num_allocs;
  fail_at = 0;
  assert_int_equal(gw_api_request_from_json(m, gw_view_of(json), &out, NULL),
                   0);
  fail_at = at;
  num_allocs = counted;
  num_replies = 0;
  gw_hub_api(node.hub[0], gw_view_of(method), &caller,
             (gw_view){space, out.len}, on_reply, NULL);
  hubs_settle(&node);
  assert_int_equal(num_replies, 1);
  look_at_all();
  return last_code;
}

/* ---- the script ---------------------------------------------------------- */

static uint32_t revoked; /**< what came of it */

/** Two of Dan's are asked about, while things are done to him. */
static peer *slow[2];
static uint32_t was_ended, was_taken;

static void be_met_on_the_way(void) {
  for (unsigned i = 0; i < 2; i++) {
    slow[i] = peer_try_open(&node, i);
    if (slow[i] != NULL) hello(slow[i], 40 + i, "dan", (gw_view){NULL, 0});
    was_ended =
        i == 0 ? try_api("disconnect", "{\"user\":\"dan\"}") : was_ended;
  }
  (void)try_api("subscribe", "{\"user\":\"dan\",\"channel\":\"room:c\"}");
  was_taken =
      try_api("unsubscribe", "{\"user\":\"dan\",\"channel\":\"room:c\"}");
  decide_all();
}

static void come_and_talk(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++)
    try_join(i, i % node.num);
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    try_subscribe(i, 1, "room:a");
    try_subscribe(i, 2, "room:b");
    try_publish(i);
  }
  decide_all();
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    try_refresh(i, 0);
    try_refresh(i, 1);
  }
  look_at_all();
}

/** They are lost, and come back: two where they were, two elsewhere. */
static void be_lost_and_back(void) {
  for (unsigned i = 1; i < NUM_PEERS; i++) {
    if (is_up(peers[i])) peer_drop(peers[i], 1006);
    peers[i] = NULL;
  }
  hubs_pass(&node, 50);
  for (unsigned i = 1; i < NUM_PEERS; i++) {
    try_join(i, (i + i / 3) % node.num);
    try_subscribe(i, 1, "room:a");
  }
  look_at_all();
}

static void script(void) {
  char json[64];
  come_and_talk();
  be_lost_and_back();
  (void)try_api("subscribe", "{\"user\":\"ada\",\"channel\":\"room:c\"}");
  (void)try_api("revoke", "{\"token\":\"for another\"}");
  (void)snprintf(json, sizeof json, "{\"user\":\"bob\",\"issued_until_ms\":%u}",
                 2 * ISSUED_MS);
  revoked = try_api("revoke", json);
  (void)try_api("unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:a\"}");
  (void)try_api("disconnect", "{\"user\":\"cyd\"}");
  be_met_on_the_way();
  hubs_pass(&node, CHANNEL + 500);
  look_at_all();
}

/* ---- afterwards ---------------------------------------------------------- */

static peer *join(unsigned who, const char *user) {
  peer *p = peer_open(&node, who % node.num);
  hello(p, who, user, (gw_view){NULL, 0});
  hubs_settle(&node);
  return p;
}

static void check_revoked(void) {
  if (revoked != GW_CODE_OK) return;
  assert_false(is_up(peers[3]));
  assert_false(is_up(peers[4]));
  peer *p = join(10, "bob");
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
}

/** Nobody comes past what was done, and was answered. */
static void check_met(void) {
  const gw_hub *h = node.hub[1];
  if (was_ended == GW_CODE_OK) assert_false(is_up(slow[0]));
  if (was_taken == GW_CODE_OK && is_up(slow[1]))
    assert_false(
        gws_is_granted(slow[1]->session, gws_hub_hash(h, "room:c", 6)));
}

/** As many as may be, and no more: also of who was there before, whose places have
 * to be free again. */
static void check_places(const char *user) {
  peer *a = join(20, user), *b = join(21, user);
  assert_true(is_up(a) && is_up(b));
  peer *c = join(22, user);
  assert_true(is_up(a) && is_up(b) && !is_up(c));
}

static void check_health(void) {
  fail_at = 0;
  num_held = 0;
  hubs_settle(&node);
  check_revoked();
  check_met();
  while (node.peers != NULL)
    peer_free(node.peers);
  hubs_pass(&node, CONNECTION + 20000);
  assert_int_equal(HUBS_STAT(&node, connections), 0);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
  check_places("ada");
  check_places("eve");
}

static void begin(void) {
  hubs_init(&node, 2);
  node.asks = true;
  node.ask = answer;
  node.settings.max_user_connections = 2;
  node.settings.user_crowd = GW_CROWD_REFUSE;
  node.settings.user_rate = (gw_rate){.num = 100, .per_ms = 1000, .burst = 100};
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_HOOK | GW_WHO_TOKEN;
  node.spaces[1].allow[GW_ACTION_PUBLISH].who = GW_WHO_HOOK;
  memset(peers, 0, sizeof peers);
  memset(token_lens, 0, sizeof token_lens);
  num_held = 0;
  fail_at = 0;
  hubs_start(&node);
  num_allocs = 0;
}

/** With memory, the script gets everywhere. */
static void test_no_failure(void **state) {
  (void)state;
  begin();
  script();
  assert_int_equal(revoked, GW_CODE_OK);
  assert_int_equal(HUBS_STAT(&node, user_connections_refused_total), 2);
  assert_true(HUBS_STAT(&node, resumed_total) >= 3);
  assert_true(HUBS_STAT(&node, revoked_total) >= 2);
  assert_true(HUBS_STAT(&node, publications_total) >= 5);
  assert_int_equal(HUBS_STAT(&node, revocations), 2 * node.num);
  assert_true(is_up(slow[1])); /* it came after his end */
  check_health();
  hubs_stop(&node);
}

static const sweep_script all = {&node, begin, script, check_health};

static void test_one_failure(void **state) {
  (void)state;
  assert_true(sweep(&all, 1) > 300);
}

static void test_several_failures_in_a_row(void **state) {
  (void)state;
  (void)sweep(&all, 3);
  (void)sweep(&all, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_failure),
      cmocka_unit_test(test_one_failure),
      cmocka_unit_test(test_several_failures_in_a_row),
  };
  return cmocka_run_group_tests_name("access_memory", tests, NULL, NULL);
}
