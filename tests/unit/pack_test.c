/* SPDX-License-Identifier: MIT */
/* pack_test.c - who is sent compressed bodies, of what, and how often the work is
 * done; on a worker that owns the channel, and on one that follows it. */
#include <stdio.h>
#include <stdlib.h>

#include "server/core/channel.h"
#include "support/hub_rig.h"

static hubs node;
static char name[32];
static uint32_t here;
static peer *writer;

static int start(uint32_t num, uint32_t peers_at, uint32_t owner) {
  hubs_init(&node, num);
  hubs_start(&node);
  here = peers_at;
  hubs_channel(&node, owner, name);
  writer = peer_join(&node, here, 1);
  return 0;
}

static int start_owned(void **state) {
  (void)state;
  return start(1, 0, 0);
}

static int start_followed(void **state) {
  (void)state;
  return start(3, 1, 2);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** With other settings. */
static void restart(void) {
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
}

/** JSON with rows that are alike. */
static gw_view document(size_t len) {
  static char text[16 * 1024];
  size_t at = 0;
  for (unsigned i = 0; at + 48 < len; i++)
    at += (size_t)snprintf(text + at, sizeof text - at,
                           "{\"id\":%u,\"pump\":\"left\",\"rpm\":%u},", i,
                           1500 + i * 7919 % 977);
  memset(text + at, ' ', len - at);
  return (gw_view){(const uint8_t *)text, len};
}

/** Bytes without anything that repeats. */
static gw_view noise(size_t len) {
  static uint8_t bytes[4096];
  uint32_t seed = 1;
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(seed >> 24);
  }
  return (gw_view){bytes, len};
}

static void publish(gw_publish m) {
  m.channel = gw_view_of(name);
  peer_publish_with(writer, &m);
  (void)peer_published(writer);
}

static void publish_json(size_t len) {
  publish((gw_publish){.json = document(len)});
}

static peer *join(unsigned who) {
  return peer_join_packed(&node, here, who, 0);
}

static peer *subscribe(peer *p) {
  peer_subscribe(p, 1, name);
  (void)peer_subscribed(p);
  return p;
}

/** The next publication, and whether it came compressed. */
static bool expect(peer *p, gw_view json) {
  unsigned before = p->num_packed;
  gw_publication m = peer_publication(p);
  assert_int_equal(m.json.len, json.len);
  assert_memory_equal(m.json.data, json.data, json.len);
  return p->num_packed != before;
}

static uint64_t num_packed(void) {
  return HUBS_STAT(&node, packed_total);
}

/* ---- who ------------------------------------------------------------------- */

static void test_once_for_all_who_read_it(void **state) {
  (void)state;
  peer *a = subscribe(join(2)), *b = subscribe(join(3));
  peer *plain = subscribe(peer_join(&node, here, 4));
  assert_true((a->features & GW_FEATURE_COMPRESSION) != 0);
  assert_int_equal(plain->features & GW_FEATURE_COMPRESSION, 0);
  publish_json(3000);
  assert_true(expect(a, document(3000)));
  assert_true(expect(b, document(3000)));
  assert_false(expect(plain, document(3000)));
  assert_int_equal(num_packed(), 1);
  assert_int_equal(HUBS_STAT(&node, packed_deliveries_total), 2);
  uint64_t in = HUBS_STAT(&node, packed_in_bytes_total);
  uint64_t out = HUBS_STAT(&node, packed_out_bytes_total);
  assert_true(in > 3000 && out < in / 2);
  assert_int_equal(HUBS_STAT(&node, packed_saved_bytes_total), 2 * (in - out));
}

static void test_nobody_reads_it(void **state) {
  (void)state;
  peer *plain = subscribe(peer_join(&node, here, 2));
  publish_json(3000);
  assert_false(expect(plain, document(3000)));
  assert_int_equal(num_packed(), 0);
  assert_int_equal(HUBS_STAT(&node, packed_skipped_total), 0);
}

static uint64_t features_with(uint64_t features, uint32_t codec) {
  static unsigned who = 100;
  peer *p = peer_open(&node, here);
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)++who, 9};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .instance = {instance, sizeof instance},
                .features = features,
                .codec = codec};
  PEER_SEND(p, hello, &head, &m);
  gw_welcome w;
  assert_int_equal(gw_decode_welcome(peer_expect(p, GW_FRAME_WELCOME).body, &w),
                   0);
  return w.features;
}

static void test_both_have_to_know_the_codec(void **state) {
  (void)state;
  const uint64_t on = GW_FEATURE_COMPRESSION;
  assert_int_equal(features_with(on, GW_CODEC_LZ4), on);
  assert_int_equal(features_with(on, GW_CODEC_NONE), 0);
  assert_int_equal(features_with(on, 77), 0);
  assert_int_equal(features_with(0, GW_CODEC_LZ4), 0);
}

static void test_a_host_that_minds(void **state) {
  (void)state;
  peer *p = peer_open(&node, here);
  gw_session_stay_plain(p->session);
  peer_hello_packed(p, 5);
  gw_welcome w;
  assert_int_equal(gw_decode_welcome(peer_expect(p, GW_FRAME_WELCOME).body, &w),
                   0);
  assert_int_equal(w.features & GW_FEATURE_COMPRESSION, 0);
  subscribe(p);
  publish_json(3000);
  assert_false(expect(p, document(3000)));
}

/** Nobody compresses for the server. */
static void test_a_client_that_compresses(void **state) {
  (void)state;
  peer *p = join(2);
  gw_head head = {
      .type = GW_FRAME_PUBLISH, .flags = GW_FLAG_COMPRESSED, .request = 9};
  gw_publish m = {.channel = gw_view_of(name), .data = gw_view_of("x")};
  PEER_SEND(p, publish, &head, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

/* ---- what ------------------------------------------------------------------ */

static void test_short_ones_and_noise_stay(void **state) {
  (void)state;
  peer *a = subscribe(join(2)), *b = subscribe(join(3));
  publish_json(200);
  assert_false(expect(a, document(200)));
  assert_int_equal(HUBS_STAT(&node, packed_skipped_total), 0);
  for (int i = 0; i < 2; i++) {
    publish((gw_publish){.data = noise(3000)});
    gw_publication m = peer_publication(a);
    assert_memory_equal(m.data.data, noise(3000).data, 3000);
  }
  peer_forget(b);
  /* Tried once, and remembered. */
  assert_int_equal(HUBS_STAT(&node, packed_skipped_total), 2);
  assert_int_equal(a->num_packed + b->num_packed, 0);
}

static void test_the_shortest(void **state) {
  (void)state;
  node.spaces[1].packing.min_bytes = 400;
  restart();
  peer *a = subscribe(join(2));
  publish_json(300);
  assert_false(expect(a, document(300)));
  publish_json(400);
  assert_true(expect(a, document(400)));
}

static void test_a_namespace_without(void **state) {
  (void)state;
  node.spaces[1].packing.on = false;
  restart();
  peer *a = subscribe(join(2));
  assert_true((a->features & GW_FEATURE_COMPRESSION) != 0); /* none: has it */
  publish_json(3000);
  assert_false(expect(a, document(3000)));
  node.spaces[0].packing.on = false;
  restart();
  assert_int_equal(join(2)->features & GW_FEATURE_COMPRESSION, 0);
}

/** The history has it by then, for whoever comes. */
static void test_a_recovery(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    publish_json(2000);
  gw_subscribe m = {.channel = gw_view_of(name), .recover = true};
  for (unsigned who = 2; who < 4; who++) {
    peer *p = join(who);
    peer_subscribe_with(p, 1, &m);
    (void)peer_subscribed(p);
    for (int i = 0; i < 3; i++)
      assert_true(expect(p, document(2000)));
  }
  assert_int_equal(num_packed(), 3);
}

/** Bytes that a worker keeps of the channel, copies included; it has to have
 * some of both. */
static uint64_t kept_by(gw_hub *h) {
  gw_view channel = gw_view_of(name);
  gw_channel *ch =
      gws_channel_find(h, channel, gws_hub_hash(h, channel.data, channel.len));
  uint64_t plain = 0, packed = 0;
  for (uint32_t i = 0; i < ch->history.len; i++) {
    const gw_buf *b = gw_history_at(&ch->history, i)->buf;
    const gw_buf *copy = atomic_load(&b->packed);
    plain += b->len;
    if (copy != NULL && copy != b) packed += copy->len;
  }
  assert_true(plain > 10000 && packed > 3000);
  return plain + packed;
}

static void test_the_history_keeps_to_its_bytes(void **state) {
  (void)state;
  node.spaces[1].history_bytes = 30000;
  restart();
  peer *a = subscribe(join(2));
  for (unsigned i = 0; i < 30; i++) {
    publish_json(i % 3 == 0 ? 500 : 3000);
    (void)peer_publication(a);
  }
  uint32_t owner = hubs_owner(&node, name);
  assert_true(kept_by(node.hub[owner]) <= 30000);
  assert_true(kept_by(node.hub[here]) <= 30000);
}

/** Frame by frame, each as it is worth it. */
static void test_a_batch(void **state) {
  (void)state;
  node.spaces[1].batch_delay_ms = 10;
  restart();
  peer *a = subscribe(join(2)), *plain = subscribe(peer_join(&node, here, 3));
  publish_json(2000);
  publish_json(90);
  publish_json(1500);
  hubs_pass(&node, 20);
  assert_int_equal(HUBS_STAT(&node, batches_total), 1);
  const size_t lens[] = {2000, 90, 1500};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(expect(a, document(lens[i])), i != 1);
    assert_false(expect(plain, document(lens[i])));
  }
  assert_int_equal(num_packed(), 1); /* message */
}

static void test_a_pattern(void **state) {
  (void)state;
  node.spaces[1].wildcards = true;
  restart();
  gw_subscribe m = {.channel = gw_view_of("some.*")};
  peer *a = join(2);
  peer_subscribe_with(a, 1, &m);
  hubs_pass(&node, 10);
  (void)peer_subscribed(a);
  gw_publish p = {.channel = gw_view_of("some.thing"), .json = document(2000)};
  peer_publish_with(writer, &p);
  hubs_pass(&node, 10);
  assert_true(expect(a, document(2000)));
}

static void test_a_long_delta(void **state) {
  (void)state;
  node.spaces[1].delta = true;
  node.spaces[1].packing.min_bytes = 100;
  restart();
  peer *p = peer_join_packed(&node, here, 2, GW_FEATURE_DELTA);
  gw_subscribe m = {.channel = gw_view_of(name), .delta = true};
  peer_subscribe_with(p, 1, &m);
  (void)peer_subscribed(p);
  publish_json(3000);
  assert_true(expect(p, document(3000)));
  /* The second half is new: it is short as a delta, and shorter packed. */
  publish_json(7000);
  unsigned before = p->num_packed;
  gw_publication d = peer_publication(p);
  assert_true(d.delta.len > 1000 && d.delta.len < 5000);
  assert_int_equal(p->num_packed, before + 1);
}

static void test_presence(void **state) {
  (void)state;
  node.spaces[1].packing.min_bytes = 300;
  restart();
  for (unsigned who = 10; who < 40; who++) {
    peer *p = peer_join(&node, here, who);
    peer_subscribe(p, 1, name);
    peer_presence(p, 1, "looking at the left pump");
  }
  hubs_pass(&node, 1000);
  peer *a = join(2);
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  peer_subscribe_with(a, 1, &m);
  gw_presence_snapshot s;
  gw_frame f = peer_await(a, GW_FRAME_PRESENCE_SNAPSHOT);
  assert_int_equal(gw_decode_presence_snapshot(f.body, &s), 0);
  assert_int_equal(s.members.num, 30);
  assert_int_equal(a->num_packed, 1);
}

static gw_rpc_result result;

static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user, (void)rpc, (void)client, (void)client_user;
  gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  return true;
}

static void test_answers_and_calls(void **state) {
  (void)state;
  peer *a = join(2), *b = join(3);
  gw_rpc_result got;
  result = (gw_rpc_result){.json = document(4000)};
  gw_hub_set_on_call(node.hub[here], on_call, NULL);
  peer_call(a, 0, "ask");
  gw_frame f = peer_expect(a, GW_FRAME_RPC_RESULT);
  assert_int_equal(gw_decode_rpc_result(f.body, &got), 0);
  assert_int_equal(got.json.len, 4000);
  assert_memory_equal(got.json.data, document(4000).data, 4000);
  assert_int_equal(a->num_packed, 1);

  gw_head head = {.type = GW_FRAME_RPC, .request = 70};
  gw_rpc rpc = {
      .method = gw_view_of("do"), .to = b->client, .json = document(4000)};
  PEER_SEND(a, rpc, &head, &rpc);
  f = peer_expect(b, GW_FRAME_RPC);
  assert_int_equal(gw_decode_rpc(f.body, &rpc), 0);
  assert_int_equal(rpc.json.len, 4000);
  assert_int_equal(b->num_packed, 1);
}

/** Credit is for what is sent. */
static void test_credit(void **state) {
  (void)state;
  peer *a = peer_join_packed(&node, here, 2, GW_FEATURE_CREDIT);
  subscribe(a);
  for (int i = 0; i < 9; i++)
    publish_json(7000);
  /* 10,000 bytes are granted: plain, the second would have been the last. */
  for (gw_frame f; peer_next(a, &f);)
    assert_int_equal(f.head.type, GW_FRAME_PUBLICATION);
  assert_true(a->data >= 10000 && a->data < 15000);
  assert_true(a->num_packed > 2 && a->num_packed < 9);
  peer_grant(a, 40000);
  while (a->num_packed < 9)
    assert_true(expect(a, document(7000)));
  peer_expect_nothing(a);
}

#define BOTH(f)                                            \
  cmocka_unit_test_setup_teardown(f, start_owned, stop), { \
#f " followed", f, start_followed, stop, NULL          \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_once_for_all_who_read_it),
      BOTH(test_nobody_reads_it),
      BOTH(test_both_have_to_know_the_codec),
      BOTH(test_a_host_that_minds),
      BOTH(test_a_client_that_compresses),
      BOTH(test_short_ones_and_noise_stay),
      BOTH(test_the_shortest),
      BOTH(test_a_namespace_without),
      BOTH(test_a_recovery),
      BOTH(test_the_history_keeps_to_its_bytes),
      BOTH(test_a_batch),
      BOTH(test_a_pattern),
      BOTH(test_a_long_delta),
      BOTH(test_presence),
      BOTH(test_answers_and_calls),
      BOTH(test_credit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
