/* SPDX-License-Identifier: MIT */
/* send_test.c - messages to users, clients, connections, groups, channels and
 * everybody, on whichever worker they are; and nobody else gets them. */
#include <inttypes.h>
#include <stdio.h>

#include "support/api_rig.h"

static hubs node;
static peer *ada[2], *bob, *eve; /* users 1, 1, 2, 3 */

static int prepare(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.settings.trusts_names = true;
  return 0;
}

static void begin(void) {
  hubs_start(&node);
  ada[0] = peer_join(&node, 0, 1);
  ada[1] = peer_join(&node, 1, 1);
  bob = peer_join(&node, 1, 2);
  eve = peer_join(&node, 2, 3);
}

static int start(void **state) {
  (void)prepare(state);
  for (unsigned i = 0; i < GW_NUM_ADDRESSES; i++)
    node.settings.send[i].who = GW_WHO_USER;
  begin();
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/* ---- what is sent and got -------------------------------------------------------- */

static uint32_t send(peer *p, const gw_send *m) {
  gw_head head = {.type = GW_FRAME_SEND, .request = ++p->last_request};
  PEER_SEND(p, send, &head, m);
  return head.request;
}

static gw_message got(peer *p) {
  gw_message m;
  gw_frame f = peer_expect(p, GW_FRAME_MESSAGE);
  assert_int_equal(f.head.request, 0);
  assert_int_equal(gw_decode_message(f.body, &m), 0);
  return m;
}

/** The answer: to how many. */
static uint32_t sent(peer *p, uint32_t request) {
  gw_sent m;
  gw_frame f = peer_expect(p, GW_FRAME_SENT);
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_sent(f.body, &m), 0);
  return m.receivers;
}

static void nobody_else(void) {
  peer_expect_nothing(ada[0]);
  peer_expect_nothing(ada[1]);
  peer_expect_nothing(bob);
  peer_expect_nothing(eve);
}

static const gw_view json = {(const uint8_t *)"{\"a\":1}", 7};

/* ---- by clients ------------------------------------------------------------------- */

static void test_to_a_user_on_all_workers(void **state) {
  (void)state;
  uint32_t request = send(eve, &(gw_send){.user = gw_view_of("user1"),
                                          .event = gw_view_of("hi"),
                                          .json = json});
  assert_int_equal(sent(eve, request), 2);
  for (unsigned i = 0; i < 2; i++) {
    gw_message m = got(ada[i]);
    assert_true(m.client == eve->client);
    assert_true(gw_view_eq(m.user, gw_view_of("user3")));
    assert_int_equal(m.to, GW_ADDRESS_USER);
    assert_true(gw_view_eq(m.event, gw_view_of("hi")));
    assert_true(gw_view_eq(m.json, json));
    assert_true(m.time_ms > 1700000000000u);
  }
  nobody_else();
  assert_int_equal(
      sent(eve, send(eve, &(gw_send){.user = gw_view_of("nobody")})), 0);
}

/** Mail takes its time: who comes meanwhile may have got the message at another
 * worker, by the connection before. */
static void test_not_to_who_came_when_it_was_sent(void **state) {
  (void)state;
  node.holds_mail = true;
  uint32_t request = send(eve, &(gw_send){.user = gw_view_of("user1")});
  node.now_ms++;
  peer *late = peer_join(&node, 0, 1);
  node.holds_mail = false;
  assert_int_equal(sent(eve, request), 2);
  (void)got(ada[0]);
  (void)got(ada[1]);
  peer_expect_nothing(late);
  assert_int_equal(
      sent(eve, send(eve, &(gw_send){.user = gw_view_of("user1")})), 3);
}

/** The sender's worker has not looked at the clock for a while. */
static void test_to_who_came_before_it_was_sent(void **state) {
  (void)state;
  node.now_ms += 50;
  peer *late = peer_join(&node, 0, 1);
  uint32_t request = send(eve, &(gw_send){.user = gw_view_of("user1")});
  assert_int_equal(sent(eve, request), 3);
  (void)got(late);
}

static void test_to_a_client_and_a_connection(void **state) {
  (void)state;
  uint32_t request =
      send(bob, &(gw_send){.client = ada[0]->client, .data = json});
  assert_int_equal(sent(bob, request), 2); /* both are of one client */
  assert_true(gw_view_eq(got(ada[0]).data, json));
  assert_int_equal(got(ada[1]).to, GW_ADDRESS_CLIENT);
  request = send(bob, &(gw_send){.connection = eve->connection});
  assert_int_equal(sent(bob, request), 1);
  assert_int_equal(got(eve).to, GW_ADDRESS_CONNECTION);
  nobody_else();
}

static void test_to_everybody_with_and_without_the_sender(void **state) {
  (void)state;
  uint32_t request = send(bob, &(gw_send){.everybody = true});
  (void)got(bob);
  assert_int_equal(sent(bob, request), 4);
  (void)got(ada[0]);
  (void)got(ada[1]);
  (void)got(eve);
  request = send(ada[0], &(gw_send){.everybody = true, .no_echo = true});
  assert_int_equal(sent(ada[0], request), 2); /* none of its connections */
  (void)got(bob);
  (void)got(eve);
  nobody_else();
}

static void test_to_channels_each_connection_once(void **state) {
  (void)state;
  peer_subscribe(bob, 1, "room:x");
  (void)peer_subscribed(bob);
  peer_subscribe(bob, 2, "room:y");
  (void)peer_subscribed(bob);
  peer_subscribe(ada[0], 1, "room:y");
  (void)peer_subscribed(ada[0]);
  gw_view names[] = {gw_view_of("room:x"), gw_view_of("room:y"),
                     gw_view_of("room:nobody")};
  uint32_t request =
      send(eve, &(gw_send){.channels = {.items = names, .num = 3}});
  assert_int_equal(sent(eve, request), 2);
  assert_int_equal(got(bob).to, GW_ADDRESS_CHANNELS);
  (void)got(ada[0]);
  nobody_else();
}

static void test_to_a_group(void **state) {
  (void)state;
  api_ask(&node, 1, "group_create",
          "{\"group\":\"g\",\"members\":[{\"user\":\"user1\",\"role\":"
          "\"member\"},{\"user\":\"user2\",\"role\":\"member\"}]}");
  uint32_t request = send(eve, &(gw_send){.group = gw_view_of("g")});
  assert_int_equal(sent(eve, request), 3);
  gw_message m = got(bob);
  assert_int_equal(m.to, GW_ADDRESS_GROUP);
  assert_true(gw_view_eq(m.group, gw_view_of("g")));
  (void)got(ada[0]);
  (void)got(ada[1]);
  nobody_else();
}

/* ---- who may ----------------------------------------------------------------------- */

static uint32_t refused(peer *p, const gw_send *m) {
  return peer_error(p, send(p, m));
}

static void test_clients_may_not_by_default(void **state) {
  (void)state;
  begin();
  gw_view name = gw_view_of("room:x");
  const gw_send all[] = {{.user = gw_view_of("user1")},
                         {.client = ada[0]->client},
                         {.connection = ada[0]->connection},
                         {.group = gw_view_of("g")},
                         {.channels = {.items = &name, .num = 1}},
                         {.everybody = true}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    assert_int_equal(refused(eve, &all[i]), GW_CODE_PERMISSION_DENIED);
  nobody_else();
}

static void test_members_may_send_to_their_group(void **state) {
  (void)state;
  begin();
  api_ask(&node, 1, "group_create",
          "{\"group\":\"g\",\"roles\":[{\"role\":\"a\",\"permissions\":"
          "[\"send\"]},{\"role\":\"b\"}],\"members\":[{\"user\":\"user1\","
          "\"role\":\"a\"},{\"user\":\"user2\",\"role\":\"b\"}]}");
  gw_send m = {.group = gw_view_of("g"), .no_echo = true};
  assert_int_equal(sent(ada[0], send(ada[0], &m)), 1);
  (void)got(bob);
  assert_int_equal(refused(bob, &m), GW_CODE_PERMISSION_DENIED);
  assert_int_equal(refused(eve, &m), GW_CODE_PERMISSION_DENIED);
  nobody_else();
}

static void test_subscribers_may_send_to_their_channels(void **state) {
  (void)state;
  node.settings.send[GW_ADDRESS_CHANNELS].who = GW_WHO_SUBSCRIBER;
  begin();
  gw_view names[] = {gw_view_of("room:x"), gw_view_of("room:y")};
  gw_send m = {.channels = {.items = names, .num = 1}};
  peer_subscribe(bob, 1, "room:x");
  (void)peer_subscribed(bob);
  uint32_t request = send(bob, &m);
  (void)got(bob);
  assert_int_equal(sent(bob, request), 1);
  assert_int_equal(refused(eve, &m), GW_CODE_PERMISSION_DENIED);
  m.channels.num = 2;
  assert_int_equal(refused(bob, &m), GW_CODE_PERMISSION_DENIED);
}

static uint32_t call(peer *p, const char *text) {
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  gw_rpc m = {.method = gw_view_of("godwit.send"), .json = gw_view_of(text)};
  PEER_SEND(p, rpc, &head, &m);
  return head.request;
}

/** The same rules hold for the method: a page needs no code for the frame. */
static void test_the_method_has_a_door(void **state) {
  (void)state;
  node.settings.send[GW_ADDRESS_USER].who = GW_WHO_USER;
  begin();
  call(eve, "{\"user\":\"user1\",\"event\":\"hi\",\"json\":[1]}");
  gw_rpc_result result;
  gw_frame f = peer_expect(eve, GW_FRAME_RPC_RESULT);
  assert_int_equal(gw_decode_rpc_result(f.body, &result), 0);
  assert_true(gw_view_eq(result.json, gw_view_of("{\"receivers\":2}")));
  for (int i = 0; i < 2; i++) {
    gw_message m = got(ada[i]);
    assert_int_equal(m.client, eve->client);
    assert_true(gw_view_eq(m.user, gw_view_of("user3")));
    assert_true(gw_view_eq(m.json, gw_view_of("[1]")));
  }
  assert_int_equal(peer_error(eve, call(eve, "{\"everybody\":true}")),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(eve, call(eve, "{}")), GW_CODE_BAD_REQUEST);
  nobody_else();
}

static void test_a_claimed_name_may_not(void **state) {
  (void)state;
  (void)prepare(state);
  node.settings.trusts_names = false;
  node.settings.send[GW_ADDRESS_USER].who = GW_WHO_USER;
  begin();
  gw_send m = {.user = gw_view_of("user1")};
  assert_int_equal(refused(eve, &m), GW_CODE_PERMISSION_DENIED);
}

static void test_what_is_not_sound(void **state) {
  (void)state;
  static const char long_event[GW_MAX_EVENT_BYTES + 2] =
      "0123456789012345678901234567890123456789012345678901234567890123x";
  gw_view bad = gw_view_of("a\x01");
  const struct {
    gw_send m;
    uint32_t code;
  } rows[] = {
      {{.event = gw_view_of("x")}, GW_CODE_BAD_REQUEST},
      {{.user = gw_view_of("a"), .everybody = true}, GW_CODE_BAD_REQUEST},
      {{.everybody = true, .data = json, .json = json}, GW_CODE_BAD_REQUEST},
      {{.everybody = true, .event = gw_view_of(long_event)}, GW_CODE_TOO_BIG},
      {{.everybody = true, .json = gw_view_of("\xff")}, GW_CODE_BAD_TEXT},
      {{.everybody = true, .event = gw_view_of("\xff")}, GW_CODE_BAD_TEXT},
      {{.user = gw_view_of("\xff")}, GW_CODE_BAD_TEXT},
      {{.channels = {.items = &bad, .num = 1}}, GW_CODE_BAD_CHANNEL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(refused(eve, &rows[i].m), rows[i].code);
  nobody_else();
}

/* ---- limits -------------------------------------------------------------------------- */

static void test_a_slow_reader_is_left_out(void **state) {
  (void)state;
  (void)prepare(state);
  node.settings.send[GW_ADDRESS_USER].who = GW_WHO_USER;
  node.settings.limits.max_queue_bytes = 2000;
  begin();
  static const uint8_t bytes[300];
  ada[0]->is_stalled = true;
  uint32_t num = 0;
  for (unsigned i = 0; i < 20; i++) {
    num += sent(eve, send(eve, &(gw_send){.user = gw_view_of("user1"),
                                          .data = {bytes, sizeof bytes}}));
    (void)got(ada[1]);
  }
  assert_in_range(num, 20 + 2, 20 + 6);
  assert_int_equal(HUBS_STAT(&node, messages_sent_total), num);
  assert_int_equal(HUBS_STAT(&node, messages_dropped_total), 40 - num);
  assert_false(ada[0]->is_closing);
  peer_read_again(ada[0]);
  for (uint32_t i = 20; i < num; i++)
    (void)got(ada[0]);
  nobody_else();
}

static void test_a_sender_that_goes_is_not_answered(void **state) {
  (void)state;
  node.holds_mail = true;
  (void)send(eve, &(gw_send){.user = gw_view_of("user1")});
  peer_drop(eve, 0);
  node.holds_mail = false;
  hubs_settle(&node);
  (void)got(ada[0]);
  (void)got(ada[1]);
}

/* ---- by the application --------------------------------------------------------------- */

static void ask(const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  api_ask(&node, 2, "send", text);
}

static void test_the_application_may_send_to_all(void **state) {
  (void)state;
  begin();
  ask("{\"user\":\"user1\",\"event\":\"e\",\"json\":{\"n\":[1,\"ü\"]}}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  api_assert_json("{\"receivers\":2}");
  gw_message m = got(ada[0]);
  assert_int_equal(m.client, 0);
  assert_int_equal(m.user.len, 0);
  assert_true(gw_view_eq(m.json, gw_view_of("{\"n\":[1,\"ü\"]}")));
  (void)got(ada[1]);
  ask("{\"connection\":\"%" PRIu64 "\",\"data\":\"AP8=\"}", bob->connection);
  assert_int_equal(got(bob).data.len, 2);
  ask("{\"everybody\":true}");
  api_assert_json("{\"receivers\":4}");
  peer_forget(ada[0]);
  peer_forget(ada[1]);
  peer_forget(bob);
  peer_forget(eve);
  ask("{\"user\":\"a\",\"group\":\"b\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  assert_string_equal(api_told.message, "a message needs exactly one address");
  nobody_else();
}

int main(void) {
#define ON(name, prepare) \
  cmocka_unit_test_setup_teardown(test_##name, prepare, stop)
  const struct CMUnitTest tests[] = {
      ON(to_a_user_on_all_workers, start),
      ON(not_to_who_came_when_it_was_sent, start),
      ON(to_who_came_before_it_was_sent, start),
      ON(to_a_client_and_a_connection, start),
      ON(to_everybody_with_and_without_the_sender, start),
      ON(to_channels_each_connection_once, start),
      ON(to_a_group, start),
      ON(clients_may_not_by_default, prepare),
      ON(members_may_send_to_their_group, prepare),
      ON(subscribers_may_send_to_their_channels, prepare),
      ON(the_method_has_a_door, prepare),
      ON(a_claimed_name_may_not, NULL),
      ON(what_is_not_sound, start),
      ON(a_slow_reader_is_left_out, NULL),
      ON(a_sender_that_goes_is_not_answered, start),
      ON(the_application_may_send_to_all, prepare),
  };
#undef ON
  return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
