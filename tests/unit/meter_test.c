/* SPDX-License-Identifier: MIT */
/* meter_test.c - rates: of a connection, of a user over workers, of a channel;
 * and how many connections a user may have. */
#include "support/hub_rig.h"

static hubs node;

static bool vouch(const gw_question *q, gw_verdict *v) {
  v->user = q->user;
  return true;
}

static int start(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.asks = true;
  node.ask = vouch;
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void set_rate(enum gw_operation op, uint32_t num, uint32_t burst) {
  node.settings.rates[op] = (gw_rate){num, 1000, burst};
}

/** The next Error: it has to be RATE_LIMITED. Returns retry_after_ms. */
static uint32_t limited(peer *p) {
  gw_error m;
  gw_frame f = peer_await(p, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_RATE_LIMITED);
  return m.retry_after_ms;
}

/* ---- connections --------------------------------------------------------------- */

static void test_each_operation_has_its_rate(void **state) {
  (void)state;
  set_rate(GW_OPERATION_SUBSCRIBE, 10, 2);
  set_rate(GW_OPERATION_CALL, 10, 1);
  set_rate(GW_OPERATION_PRESENCE, 10, 1);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  peer_subscribe(p, 2, "room:b");
  peer_subscribe(p, 3, "room:c");
  assert_int_equal(limited(p), 100);
  (void)peer_call(p, 0, "nothing");
  (void)peer_await(p, GW_FRAME_ERROR); /* UNKNOWN_METHOD */
  (void)peer_call(p, 0, "nothing");
  assert_int_equal(limited(p), 100);
  (void)peer_presence(p, 1, "here");
  (void)peer_presence(p, 1, "there");
  assert_int_equal(limited(p), 100);
  assert_int_equal(HUBS_STAT(&node, rate_limited_total), 3);
  assert_non_null(strstr(node.last_log, "rate.limited"));
  assert_non_null(strstr(node.last_log, "operation=presence"));
  hubs_pass(&node, 100);
  peer_forget(p);
  peer_subscribe(p, 3, "room:c");
  (void)peer_await(p, GW_FRAME_SUBSCRIBED);
}

static void test_leaving_is_counted_too(void **state) {
  (void)state;
  set_rate(GW_OPERATION_PRESENCE, 1, 1);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  (void)peer_presence(p, 1, "here");
  (void)peer_send_empty(p, GW_FRAME_PRESENCE_LEAVE, 1);
  assert_int_equal(limited(p), 1000);
}

static void test_a_question_is_counted_once(void **state) {
  (void)state;
  set_rate(GW_OPERATION_SUBSCRIBE, 1, 2);
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_HOOK;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  node.ask = NULL; /* from here on answers come later */
  for (uint32_t alias = 1; alias <= 2; alias++) {
    char name[] = "room:0";
    name[5] = (char)('0' + alias);
    peer_subscribe(p, alias, name);
    gw_verdict yes = {.code = GW_CODE_OK};
    gw_hub_decide(node.hub[0], node.asked.session, node.asked.ticket, &yes);
    (void)peer_await(p, GW_FRAME_SUBSCRIBED);
  }
  uint32_t num_asked = node.num_asked;
  peer_subscribe(p, 3, "room:3");
  assert_true(limited(p) > 0);
  assert_int_equal(node.num_asked, num_asked); /* and nobody is bothered */
}

static void test_without_rates_nothing_is_kept(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  for (unsigned i = 0; i < 200; i++)
    (void)peer_call(p, 0, "nothing");
  assert_int_equal(HUBS_STAT(&node, rate_limited_total), 0);
}

/* ---- users ---------------------------------------------------------------------- */

static unsigned calls_until_limited(peer *p) {
  for (unsigned num = 0; num < 1000; num++) {
    gw_error m;
    (void)peer_call(p, 0, "nothing");
    gw_frame f = peer_await(p, GW_FRAME_ERROR);
    assert_int_equal(gw_decode_error(f.body, &m), 0);
    if (m.code == GW_CODE_RATE_LIMITED) return num;
  }
  return 1000;
}

static void test_a_user_has_one_rate_on_a_worker(void **state) {
  (void)state;
  node.settings.user_rate = (gw_rate){10, 1000, 10};
  hubs_start(&node);
  peer *a = peer_join(&node, 1, 1), *b = peer_join(&node, 1, 1);
  peer *other = peer_join(&node, 1, 2);
  unsigned num = calls_until_limited(a) + calls_until_limited(b);
  assert_int_equal(num, 10);
  assert_int_equal(calls_until_limited(other), 10);
  assert_int_equal(HUBS_STAT(&node, user_rate_limited_total), 3);
}

static void test_the_rate_is_shared_out_over_workers(void **state) {
  (void)state;
  node.settings.user_rate = (gw_rate){12, 1000, 12};
  hubs_start(&node);
  peer *p[3];
  for (uint32_t w = 0; w < 3; w++)
    p[w] = peer_join(&node, w, 1);
  hubs_settle(&node);
  for (uint32_t w = 0; w < 3; w++)
    assert_int_equal(calls_until_limited(p[w]), 4);
  peer_drop(p[0], 1006);
  peer_drop(p[1], 1006);
  hubs_pass(&node, 1100); /* all of it is with the one that is left */
  assert_int_equal(calls_until_limited(p[2]), 12);
}

/** Nor does one that goes to another worker, but for its share of the burst. */
static void test_who_comes_back_has_used_what_it_used(void **state) {
  (void)state;
  node.settings.user_rate = (gw_rate){10, 1000, 10};
  node.settings.max_user_connections = 1; /* what is gone does not count */
  hubs_start(&node);
  peer *p = peer_join(&node, 1, 1);
  assert_int_equal(calls_until_limited(p), 10);
  peer_drop(p, 1000);
  p = peer_join(&node, 1, 1);
  assert_int_equal(calls_until_limited(p), 0);
  peer_drop(p, 1000);
  p = peer_join(&node, 2, 1);
  hubs_settle(&node);
  assert_int_equal(calls_until_limited(p), 5);
  hubs_pass(&node, 999); /* the other worker still has its share */
  assert_int_equal(calls_until_limited(p), 4);
  assert_false(p->is_closing);
  peer_drop(p, 1000);
  hubs_pass(&node, 2000);
  p = peer_join(&node, 1, 1);
  hubs_settle(&node);
  assert_int_equal(calls_until_limited(p), 10);
}

static void test_a_name_that_nobody_vouches_for_is_not_counted(void **state) {
  (void)state;
  node.settings.user_rate = (gw_rate){1, 1000, 1};
  node.settings.max_user_connections = 1;
  node.asks = false;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  (void)peer_join(&node, 0, 1);
  assert_int_equal(calls_until_limited(p), 1000);
  assert_false(p->is_closing);
}

static bool all_are_ada(const gw_question *q, gw_verdict *v) {
  (void)q;
  v->user = gw_view_of("ada");
  return true;
}

static void test_a_user_over_its_connections(void **state) {
  (void)state;
  node.settings.max_user_connections = 2;
  node.ask = all_are_ada;
  hubs_start(&node);
  peer *a = peer_join(&node, 0, 1), *b = peer_join(&node, 1, 2);
  peer *c = peer_join(&node, 2, 3);
  gw_close m;
  gw_frame f = peer_await(c, GW_FRAME_CLOSE);
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_CONNECTION_LIMIT);
  assert_true(m.retry_after_ms > 0 && m.spread_ms > 0);
  assert_false(a->is_closing || b->is_closing);
  assert_int_equal(HUBS_STAT(&node, user_connections_refused_total), 1);
  peer_drop(a, 1000);
  peer_drop(c, 1000);
  peer *d = peer_join(&node, 2, 3);
  hubs_settle(&node);
  assert_false(d->is_closing);
}

static void test_the_oldest_makes_room(void **state) {
  (void)state;
  node.settings.max_user_connections = 2;
  node.settings.user_crowd = GW_CROWD_CLOSE_OLDEST;
  node.ask = all_are_ada;
  hubs_start(&node);
  peer *p[6];
  for (unsigned i = 0; i < 6; i++) {
    p[i] = peer_join(&node, i % 3, i + 1);
    hubs_settle(&node);
    for (unsigned k = 0; k <= i; k++)
      assert_int_equal(p[k]->is_closing, k + 2 <= i);
  }
  assert_int_equal(peer_close_code(p[0]), GW_CODE_DISPLACED);
  assert_int_equal(HUBS_STAT(&node, user_connections_displaced_total), 4);
}

/** News of connections come in any order; their times say who is the oldest. */
static void test_the_oldest_makes_room_whoever_is_heard_first(void **state) {
  (void)state;
  node.settings.max_user_connections = 2;
  node.settings.user_crowd = GW_CROWD_CLOSE_OLDEST;
  node.ask = all_are_ada;
  hubs_start(&node);
  for (uint32_t first = 0; first < 3; first++) {
    peer *p[3];
    node.holds_mail = true;
    for (uint32_t i = 0; i < 3; i++) {
      p[i] = peer_join(&node, (first + i) % 3, 3 * first + i + 1);
      hubs_pass(&node, 1);
    }
    for (uint32_t i = 3; i-- > 0;) {
      for (uint32_t to = 0; to < 3; to++)
        (void)hubs_deliver(&node, (first + i) % 3, to, 1);
    }
    node.holds_mail = false;
    hubs_settle(&node);
    assert_true(p[0]->is_closing);
    assert_false(p[1]->is_closing || p[2]->is_closing);
    peer_drop(p[1], 1000);
    peer_drop(p[2], 1000);
    hubs_settle(&node);
  }
}

/** A lost connection that is not noticed yet does not keep its client out. */
static void test_a_client_that_comes_back_takes_its_own_place(void **state) {
  (void)state;
  node.settings.max_user_connections = 2;
  node.ask = all_are_ada;
  hubs_start(&node);
  peer *other = peer_join(&node, 0, 1);
  peer *lost = peer_join(&node, 1, 2);
  peer *again = peer_join(&node, 2, 2);
  assert_int_equal(peer_close_code(lost), GW_CODE_REPLACED);
  assert_false(again->is_closing || other->is_closing);
}

static void test_leaving_before_the_news_have_arrived(void **state) {
  (void)state;
  node.settings.max_user_connections = 1;
  node.ask = all_are_ada;
  node.holds_mail = true;
  hubs_start(&node);
  for (unsigned i = 0; i < 30; i++) {
    peer *p = peer_join(&node, i % 3, i + 1);
    if (i % 2 == 0) (void)hubs_deliver(&node, i % 3, (i + 1) % 3, 1);
    peer_drop(p, 1006);
  }
  node.holds_mail = false;
  hubs_settle(&node);
  peer *p = peer_join(&node, 0, 99);
  hubs_settle(&node);
  assert_false(p->is_closing); /* nothing was left behind */
}

/* ---- channels ------------------------------------------------------------------- */

static uint32_t outcome(peer *p, uint32_t request, uint32_t *retry_after_ms) {
  gw_frame f;
  gw_error m;
  do {
    if (!peer_next(p, &f)) fail_msg("no answer");
  } while (f.head.request != request);
  if (f.head.type == GW_FRAME_PUBLISHED) return GW_CODE_OK;
  assert_int_equal(gw_decode_error(f.body, &m), 0);
  *retry_after_ms = m.retry_after_ms;
  return m.code;
}

static void try_channel_rate(uint32_t worker_of_publisher) {
  char name[32];
  uint32_t wait = 0;
  node.spaces[1].publish_rate = (gw_rate){10, 1000, 3};
  hubs_start(&node);
  hubs_channel(&node, 0, name);
  peer *p = peer_join(&node, worker_of_publisher, 1);
  peer *q = peer_join(&node, 2, 2);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 1, 0), &wait), 0);
  assert_int_equal(outcome(q, peer_publish(q, name, "x", 1, 0), &wait), 0);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 2, 1), &wait), 0);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 3, 2), &wait),
                   GW_CODE_RATE_LIMITED);
  assert_int_equal(wait, 100);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 4, 3), &wait),
                   GW_CODE_PRECEDING_REFUSED);
  hubs_pass(&node, 1000);
  /* There is room, but 4 has to follow 3. */
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 4, 3), &wait),
                   GW_CODE_PRECEDING_REFUSED);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 3, 0), &wait), 0);
  assert_int_equal(outcome(p, peer_publish(p, name, "x", 4, 3), &wait), 0);
  /* A repeat costs nothing. */
  for (unsigned i = 0; i < 10; i++)
    assert_int_equal(outcome(p, peer_publish(p, name, "x", 4, 3), &wait), 0);
  assert_int_equal(HUBS_STAT(&node, channel_rate_limited_total), 1);
}

static void test_a_channel_has_a_rate(void **state) {
  (void)state;
  try_channel_rate(0);
}

static void test_a_channel_of_another_worker_has_a_rate(void **state) {
  (void)state;
  try_channel_rate(1);
}

/** Far more publishers than the list of the refused holds keep their order. */
static void test_many_publishers_over_a_channels_rate(void **state) {
  (void)state;
  enum { NUM = 60, EACH = 4 };
  char name[32];
  uint32_t wait;
  node.spaces[1].publish_rate = (gw_rate){50, 1000, 20};
  hubs_start(&node);
  hubs_channel(&node, 0, name);
  peer *p[NUM];
  uint64_t next[NUM];
  unsigned num_done = 0;
  for (unsigned i = 0; i < NUM; i++) {
    p[i] = peer_join(&node, i % 3, i + 1);
    next[i] = 1;
  }
  for (unsigned round = 0; round < 200 && num_done < NUM * EACH; round++) {
    for (unsigned i = 0; i < NUM; i++) {
      uint32_t requests[EACH];
      uint64_t from = next[i];
      bool may_follow = true;
      /* All that is left, without waiting for answers. */
      for (uint64_t key = from; key <= EACH; key++)
        requests[key - 1] =
            peer_publish(p[i], name, "x", key, key != from ? key - 1 : 0);
      for (uint64_t key = from; key <= EACH; key++) {
        uint32_t code = outcome(p[i], requests[key - 1], &wait);
        if (code == GW_CODE_OK) assert_true(may_follow);
        if (code != GW_CODE_OK) may_follow = false;
        if (code == GW_CODE_OK) next[i] = key + 1;
        num_done += code == GW_CODE_OK;
      }
      peer_forget(p[i]);
    }
    hubs_pass(&node, 100);
  }
  assert_int_equal(num_done, NUM * EACH);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(each_operation_has_its_rate),
      TEST(leaving_is_counted_too),
      TEST(a_question_is_counted_once),
      TEST(without_rates_nothing_is_kept),
      TEST(a_user_has_one_rate_on_a_worker),
      TEST(the_rate_is_shared_out_over_workers),
      TEST(who_comes_back_has_used_what_it_used),
      TEST(a_name_that_nobody_vouches_for_is_not_counted),
      TEST(a_user_over_its_connections),
      TEST(the_oldest_makes_room),
      TEST(the_oldest_makes_room_whoever_is_heard_first),
      TEST(a_client_that_comes_back_takes_its_own_place),
      TEST(leaving_before_the_news_have_arrived),
      TEST(a_channel_has_a_rate),
      TEST(a_channel_of_another_worker_has_a_rate),
      TEST(many_publishers_over_a_channels_rate),
  };
#undef TEST
  return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
