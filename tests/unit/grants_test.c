/* SPDX-License-Identifier: MIT */
/* grants_test.c - subscriptions that the server begins: told, kept to the
 * grant, taken back. */
#include <stdio.h>

#include "server/core/session.h"
#include "support/api_rig.h"

static hubs node;

static int start_two(void **state) {
  (void)state;
  hubs_init(&node, 2);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static gw_server_subscribed next_by_server(peer *p, uint32_t *number) {
  gw_server_subscribed m;
  gw_frame f = peer_await(p, GW_FRAME_SERVER_SUBSCRIBED);
  assert_int_equal(gw_decode_server_subscribed(f.body, &m), 0);
  *number = f.head.channel;
  return m;
}

static uint32_t unsubscribed_code(peer *p) {
  gw_unsubscribed m;
  gw_frame f = peer_await(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  return m.code;
}

static void grant(const char *channel) {
  char json[128];
  (void)snprintf(json, sizeof json, "{\"channel\":\"%s\",\"user\":\"user1\"}",
                 channel);
  api_ask(&node, 1, "subscribe", json);
}

static void test_it_is_told_and_live_at_once(void **state) {
  (void)state;
  char name[32];
  for (uint32_t owner = 0; owner < 2; owner++) {
    if (owner == 0) hubs_start(&node);
    peer *p = peer_join(&node, 0, 1);
    grant(hubs_channel(&node, owner, name));
    assert_string_equal(api_told.json, "{\"connections\":1}");
    uint32_t number;
    gw_server_subscribed m = next_by_server(p, &number);
    assert_true(gw_view_eq(m.channel, gw_view_of(name)));
    assert_true(m.epoch != 0 && m.offset == 0 && number != 0);
    (void)peer_publish(p, name, "x", 0, 0);
    gw_frame f = peer_await(p, GW_FRAME_PUBLICATION);
    assert_int_equal(f.head.channel, number);
    peer_drop(p, 0);
  }
}

/** What it is told of it is data to both ends. */
static void test_it_costs_credit(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join_with_credit(&node, 0, 1, 1000);
  grant("room:a");
  uint32_t number;
  (void)next_by_server(p, &number);
  assert_true(p->data != 0);
  assert_int_equal(p->session->out.credit, 1000 - p->data);
}

static void test_a_second_grant_changes_nothing(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  grant("room:a");
  assert_string_equal(api_told.json, "{\"connections\":1}");
  grant("room:a");
  peer_expect_nothing(p);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_a_grant_opens_what_rules_close(void **state) {
  (void)state;
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = 0;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")),
                   GW_CODE_PERMISSION_DENIED);
  grant("room:a");
  uint32_t number;
  gw_server_subscribed m = next_by_server(p, &number);
  /* As after a lost position: by the alias of its own, from where it was. */
  gw_subscribe again = {.channel = gw_view_of("room:a"),
                        .recover = true,
                        .epoch = m.epoch,
                        .offset = m.offset,
                        .by_server = true};
  peer_subscribe_with(p, 9, &again);
  assert_int_equal(peer_subscribed(p).result, GW_RECOVERY_CONTINUOUS);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_without_a_grant_it_is_withdrawn(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  gw_subscribe m = {.channel = gw_view_of("room:a"), .by_server = true};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_SUBSCRIPTION_WITHDRAWN);
}

static void test_unsubscribe_takes_it_back(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  grant("room:a");
  api_ask(&node, 1, "unsubscribe",
          "{\"channel\":\"room:a\",\"user\":\"user1\"}");
  assert_string_equal(api_told.json, "{\"connections\":1}");
  assert_int_equal(unsubscribed_code(p), GW_CODE_FORCED);
  gw_subscribe m = {.channel = gw_view_of("room:a"), .by_server = true};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_SUBSCRIPTION_WITHDRAWN);
  api_ask(&node, 1, "unsubscribe",
          "{\"channel\":\"room:a\",\"user\":\"user1\"}");
  assert_string_equal(api_told.json, "{}");
}

static void test_the_client_may_leave_by_the_number(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  grant("room:a");
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBE, .request = 50};
  (void)next_by_server(p, &head.channel);
  uint8_t bytes[32];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_frame_put(&out, &head, (gw_view){NULL, 0}), 0);
  (void)peer_feed(p, out.data, out.len);
  assert_int_equal(peer_await(p, GW_FRAME_UNSUBSCRIBED).head.request, 50);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static void test_as_many_as_may_be(void **state) {
  (void)state;
  node.settings.limits.max_subscriptions = 1;
  hubs_start(&node);
  (void)peer_join(&node, 0, 1);
  grant("room:a");
  grant("room:b");
  assert_string_equal(api_told.json, "{\"refused\":1}");
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

/* ---- by the answer to Hello ------------------------------------------------- */

static bool with_channels(const gw_question *q, gw_verdict *v) {
  static gw_view channels[2];
  channels[0] = gw_view_of("room:a");
  channels[1] = gw_view_of("bad\x01");
  v->user = q->user;
  v->channels = channels;
  v->num_channels = q->kind == GW_ASK_CONNECT ? 2 : 0;
  return true;
}

static void test_a_connection_is_subscribed_by_its_verdict(void **state) {
  (void)state;
  node.asks = true;
  node.ask = with_channels;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  uint32_t number;
  (void)next_by_server(p, &number);
  assert_non_null(strstr(node.last_log, "grant.refused"));
  peer_expect_nothing(p);
}

/** A client that was away asks behind its Hello for what it had; both are true. */
static void test_a_client_that_returns_recovers(void **state) {
  (void)state;
  node.asks = true;
  node.ask = with_channels;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  uint32_t number;
  gw_server_subscribed m = next_by_server(p, &number);
  peer_drop(p, 0);
  api_ask(&node, 0, "publish", "{\"channel\":\"room:a\",\"json\":1}");
  peer *q = peer_join(&node, 1, 1);
  gw_subscribe again = {.channel = gw_view_of("room:a"),
                        .recover = true,
                        .epoch = m.epoch,
                        .offset = m.offset,
                        .by_server = true};
  (void)next_by_server(q, &number);
  peer_subscribe_with(q, 1, &again);
  assert_int_equal(peer_subscribed(q).result, GW_RECOVERY_RECOVERED);
  assert_int_equal(peer_publication(q).offset, 1);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start_two, stop)
  const struct CMUnitTest tests[] = {
      TEST(it_is_told_and_live_at_once),
      TEST(it_costs_credit),
      TEST(a_second_grant_changes_nothing),
      TEST(a_grant_opens_what_rules_close),
      TEST(without_a_grant_it_is_withdrawn),
      TEST(unsubscribe_takes_it_back),
      TEST(the_client_may_leave_by_the_number),
      TEST(as_many_as_may_be),
      TEST(a_connection_is_subscribed_by_its_verdict),
      TEST(a_client_that_returns_recovers),
  };
#undef TEST
  return cmocka_run_group_tests_name("grants", tests, NULL, NULL);
}
