/* SPDX-License-Identifier: MIT */
/* bond_test.c - what the way that a connection came by gives it and demands. */
#include "support/hub_rig.h"

#include "server/core/bond.h"

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 2);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static peer *join_bound(uint32_t worker, unsigned who, const gw_bond *bond) {
  peer *p = peer_open(&node, worker);
  assert_int_equal(gw_session_bind(p->session, bond), 0);
  peer_hello(p, who);
  return p;
}

static uint32_t next_by_server(peer *p, const char *channel) {
  gw_server_subscribed m;
  gw_frame f = peer_await(p, GW_FRAME_SERVER_SUBSCRIBED);
  assert_int_equal(gw_decode_server_subscribed(f.body, &m), 0);
  assert_true(gw_view_eq(m.channel, gw_view_of(channel)));
  return f.head.channel;
}

static void test_it_is_subscribed_when_welcomed(void **state) {
  (void)state;
  const gw_view channels[] = {gw_view_of("room:42"), gw_view_of("lobby")};
  const gw_bond bond = {.channels = channels, .num_channels = 2};
  hubs_start(&node);
  peer *p = join_bound(0, 1, &bond), *q = peer_join(&node, 1, 2);
  uint32_t number = next_by_server(p, "room:42");
  (void)next_by_server(p, "lobby");
  peer_publish(q, "room:42", "x", 0, 0);
  assert_int_equal(peer_await(p, GW_FRAME_PUBLICATION).head.channel, number);
}

/** Rules that close a channel to subscribers do not close it to its route. */
static void test_it_opens_what_rules_close(void **state) {
  (void)state;
  const gw_view channels[] = {gw_view_of("room:42")};
  const gw_bond bond = {.channels = channels, .num_channels = 1};
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = 0;
  hubs_start(&node);
  (void)next_by_server(join_bound(0, 1, &bond), "room:42");
}

static void test_it_keeps_to_its_namespace(void **state) {
  (void)state;
  const gw_view channels[] = {gw_view_of("lobby")};
  const gw_bond bond = {
      .space = gw_view_of("room"), .channels = channels, .num_channels = 1};
  static const char *const outside[] = {"other:a", "room", "rooms:a", "roo:m"};
  hubs_start(&node);
  peer *p = join_bound(0, 1, &bond);
  (void)next_by_server(p, "lobby");
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
    uint32_t id = peer_subscribe(p, 10 + (uint32_t)i, outside[i]);
    assert_int_equal(peer_error(p, id), GW_CODE_NOT_ON_ROUTE);
    id = peer_publish(p, outside[i], "x", 0, 0);
    assert_int_equal(peer_error(p, id), GW_CODE_NOT_ON_ROUTE);
  }
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  /* What its route subscribed it to is open to it all the same. */
  peer_publish(p, "lobby", "x", 0, 0);
  (void)peer_await(p, GW_FRAME_PUBLISHED);
}

static uint32_t send_to(peer *p, gw_view *channels, size_t num) {
  gw_head head = {.type = GW_FRAME_SEND, .request = ++p->last_request};
  gw_send m = {.channels = {.items = channels, .num = num}};
  PEER_SEND(p, send, &head, &m);
  return head.request;
}

static void test_messages_keep_to_it_too(void **state) {
  (void)state;
  const gw_bond bond = {.space = gw_view_of("room")};
  gw_view channels[] = {gw_view_of("room:a"), gw_view_of("other:a")};
  node.settings.send[GW_ADDRESS_CHANNELS].who = GW_WHO_ANYONE;
  hubs_start(&node);
  peer *p = join_bound(0, 1, &bond), *q = peer_join(&node, 1, 2);
  peer_subscribe(q, 1, "other:a");
  (void)peer_subscribed(q);
  peer_forget(p); /* Welcome */
  assert_int_equal(peer_error(p, send_to(p, channels, 2)),
                   GW_CODE_NOT_ON_ROUTE);
  peer_expect_nothing(q);
  (void)send_to(p, channels, 1);
  (void)peer_expect(p, GW_FRAME_SENT);
  (void)send_to(q, channels, 2);
  (void)peer_await(q, GW_FRAME_MESSAGE);
}

static bool vouch(const gw_question *q, gw_verdict *v) {
  v->user = q->user;
  return true;
}

static bool do_not_vouch(const gw_question *q, gw_verdict *v) {
  v->user = q->user;
  v->is_only_claimed = true;
  return true;
}

static void test_nobody_without_a_name(void **state) {
  (void)state;
  const gw_bond bond = {.needs_user = true};
  hubs_start(&node);
  peer *p = join_bound(0, 1, &bond);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_INVALID);
}

static void test_a_name_has_to_be_vouched_for(void **state) {
  (void)state;
  const gw_bond bond = {.needs_user = true};
  node.asks = true;
  node.ask = vouch;
  hubs_start(&node);
  peer *p = join_bound(0, 1, &bond);
  peer_subscribe(p, 1, "room:a");
  (void)peer_await(p, GW_FRAME_SUBSCRIBED);
  node.ask = do_not_vouch;
  p = join_bound(0, 2, &bond);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_INVALID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(it_is_subscribed_when_welcomed), TEST(it_opens_what_rules_close),
      TEST(it_keeps_to_its_namespace),      TEST(messages_keep_to_it_too),
      TEST(nobody_without_a_name),          TEST(a_name_has_to_be_vouched_for),
  };
  return cmocka_run_group_tests_name("bond", tests, NULL, NULL);
}
