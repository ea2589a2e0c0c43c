/* SPDX-License-Identifier: MIT */
/* hub_memory_test.c - each allocation in the life of a node fails once: nothing
 * breaks, nothing leaks, and streams have no silent holes. */
#include <stdio.h>

#include "support/sweep.h"

/* ---- the script ---------------------------------------------------------- */

#define NUM_PEERS 6

static hubs node;
static peer *peers[NUM_PEERS];
static char room[32], other[32];

static uint32_t batch_delay_ms;

/** What a subscriber knows of one channel. */
typedef struct seen {
  uint32_t number;
  uint64_t offset;
} seen;

static seen views[NUM_PEERS];

static void try_join(unsigned i) {
  static const uint8_t instances[NUM_PEERS][GW_INSTANCE_BYTES] = {
      {1}, {2}, {3}, {4}, {5}, {6}};
  views[i] = (seen){0, 0};
  peer *p = peer_try_open(&node, i % node.num);
  if (p == NULL) return;
  peers[i] = p;
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .instance = {instances[i], GW_INSTANCE_BYTES},
                .features =
                    i % 3 == 2 ? GW_FEATURE_CREDIT : GW_FEATURE_COMPRESSION,
                .credit_bytes = 1000000,
                .codec = GW_CODEC_LZ4,
                .user = gw_view_of("somebody")};
  SEND_IF_UP(p, hello, &head, &m);
}

static void try_subscribe(unsigned i, const char *name, uint32_t alias) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = 10 + alias,
                  .channel = alias};
  gw_subscribe m = {.channel = gw_view_of(name),
                    .recover = true,
                    .overflow = i % (GW_OVERFLOW_SAMPLE + 1),
                    .presence = true};
  SEND_IF_UP(peers[i], subscribe, &head, &m);
}

static void try_publish(unsigned i, const char *name, uint64_t key) {
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = 20};
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("some data"),
                  .key = key,
                  .after = key % 4 == 0 ? key - 1 : 0,
                  .no_echo = key % 3 == 0,
                  .item = gw_view_of(key % 2 ? "one" : "another")};
  SEND_IF_UP(peers[i], publish, &head, &m);
}

static void try_presence(unsigned i, const char *state) {
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = 30,
                  .channel = 1};
  gw_presence_set m = {.state = gw_view_of(state)};
  SEND_IF_UP(peers[i], presence_set, &head, &m);
}

static void try_calls(unsigned i, unsigned j) {
  gw_head head = {.type = GW_FRAME_RPC, .request = 40};
  gw_rpc m = {.method = gw_view_of("ask"), .to = 1};
  SEND_IF_UP(peers[i], rpc, &head, &m);
  if (!is_up(peers[j])) return;
  head.request = 41;
  m.to = peers[j]->client;
  SEND_IF_UP(peers[i], rpc, &head, &m);
}

static void try_get(unsigned i) {
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = 50};
  gw_presence_get m = {.channel = gw_view_of(room)};
  SEND_IF_UP(peers[i], presence_get, &head, &m);
}

/** Offsets of the channel "room" follow each other, or it is told. */
static void on_stream_frame(unsigned i, const gw_frame *f) {
  seen *v = &views[i];
  gw_subscribed sub;
  gw_publication pub;
  gw_recovery rec;
  gw_lagged lag;
  if (f->head.type == GW_FRAME_SUBSCRIBED && f->head.request == 11) {
    assert_int_equal(gw_decode_subscribed(f->body, &sub), 0);
    *v = (seen){f->head.channel, sub.offset};
    return;
  }
  if (v->number == 0 || f->head.channel != v->number) return;
  switch (f->head.type) {
  case GW_FRAME_PUBLICATION:
    assert_int_equal(gw_decode_publication(f->body, &pub), 0);
    assert_int_equal(pub.offset, v->offset + 1);
    v->offset = pub.offset;
    break;
  case GW_FRAME_RECOVERY:
    assert_int_equal(gw_decode_recovery(f->body, &rec), 0);
    if (rec.gap != GW_GAP_NONE) v->offset = rec.gap_to;
    break;
  case GW_FRAME_LAGGED:
    assert_int_equal(gw_decode_lagged(f->body, &lag), 0);
    assert_int_equal(lag.from, v->offset + 1);
    v->offset = lag.to;
    break;
  case GW_FRAME_UNSUBSCRIBED:
    v->number = 0;
    break;
  default:
    break;
  }
}

static void look(unsigned i) {
  peer *p = peers[i];
  gw_frame f;
  gw_welcome w;
  gw_rpc_result result = {.data = gw_view_of("r")};
  while (p != NULL && peer_next(p, &f)) {
    on_stream_frame(i, &f);
    if (f.head.type == GW_FRAME_WELCOME && gw_decode_welcome(f.body, &w) == 0)
      p->client = w.client;
    if (f.head.type == GW_FRAME_RPC) {
      gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = f.head.request};
      SEND_IF_UP(p, rpc_result, &head, &result);
    }
  }
}

static void look_at_all(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++)
    look(i);
}

static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user, (void)rpc, (void)client, (void)client_user;
  gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, NULL);
  return true;
}

/** One for each policy that skips. */
static void stall_the_slow(bool is_stalled) {
  for (unsigned i = 1; i <= 3; i++) {
    if (peers[i] == NULL) continue;
    peers[i]->is_stalled = is_stalled;
    peers[i]->wants_write = !is_stalled;
  }
}

static void script(void) {
  for (uint32_t i = 0; i < node.num; i++)
    gw_hub_set_on_call(node.hub[i], on_call, NULL);
  for (unsigned i = 0; i < NUM_PEERS - 1; i++)
    try_join(i);
  look_at_all();
  for (unsigned i = 0; i < NUM_PEERS - 1; i++) {
    try_subscribe(i, room, 1);
    try_subscribe(i, other, 2);
    try_presence(i, "online");
  }
  look_at_all();
  for (uint64_t key = 1; key < 7; key++) {
    for (unsigned i = 0; i < NUM_PEERS - 1; i++)
      try_publish(i, key % 3 ? room : other, key);
  }
  hubs_pass(&node, 100);
  look_at_all();
  stall_the_slow(true);
  for (uint64_t key = 100; key < 140; key++)
    try_publish(4, room, key);
  stall_the_slow(false);
  look_at_all();
  try_presence(0, "busy");
  try_presence(1, "away");
  try_calls(0, 1);
  try_calls(2, 3);
  try_get(4);
  if (peers[3] != NULL) peer_drop(peers[3], 0);
  hubs_pass(&node, 100);
  try_join(NUM_PEERS - 1); /* recovers all, gets the snapshot */
  look_at_all();
  try_subscribe(NUM_PEERS - 1, room, 1);
  for (unsigned i = 3; i < 40; i++)
    try_subscribe(NUM_PEERS - 1, i % 2 ? "many" : "more", i); /* refused */
  for (uint64_t key = 7; key < 10; key++)
    try_publish(0, room, key);
  hubs_pass(&node, 20000);
  look_at_all();
}

/** With memory again, everything works for who comes now. */
static void check_health(void) {
  fail_at = 0;
  peer *a = peer_join(&node, 0, 100);
  peer *b = peer_join(&node, 1, 101);
  peer_subscribe(a, 1, room);
  uint64_t offset = peer_subscribed(a).offset;
  peer_subscribe(b, 1, room);
  assert_int_equal(peer_subscribed(b).offset, offset);
  peer_publish(b, room, "x", 1, 0);
  assert_int_equal(peer_published(b).offset, offset + 1);
  hubs_pass(&node, batch_delay_ms);
  assert_int_equal(peer_publication(a).offset, offset + 1);
  assert_int_equal(peer_publication(b).offset, offset + 1);
  look_at_all();
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    if (is_up(peers[i]) && views[i].number != 0)
      assert_int_equal(views[i].offset, offset + 1);
  }
}

static void begin(void) {
  hubs_init(&node, 2);
  node.spaces[1].batch_delay_ms = batch_delay_ms;
  node.spaces[1].batch_bytes = 300;
  node.spaces[1].history_size = 5;
  node.settings.limits.max_queue_bytes = 2000;
  memset(peers, 0, sizeof peers);
  fail_at = 0;
  hubs_start(&node);
  hubs_channel(&node, 0, room);
  hubs_channel(&node, 1, other);
  num_allocs = 0;
}

static const sweep_script all = {&node, begin, script, check_health};

static void test_one_failure(void **state) {
  (void)state;
  assert_true(sweep(&all, 1) > 500);
}

static void test_two_failures_with_batches(void **state) {
  (void)state;
  batch_delay_ms = 10;
  assert_true(sweep(&all, 2) > 500);
  batch_delay_ms = 0;
}

static void test_several_failures_in_a_row(void **state) {
  (void)state;
  sweep(&all, 5);
}

static void test_a_hub_that_cannot_be_made(void **state) {
  (void)state;
  gw_hub_options o = {.num_workers = 2, .settings = &gw_settings_default};
  sweep_hub_new(&o, 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_failure),
      cmocka_unit_test(test_two_failures_with_batches),
      cmocka_unit_test(test_several_failures_in_a_row),
      cmocka_unit_test(test_a_hub_that_cannot_be_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
