/* SPDX-License-Identifier: MIT */
/* inspect_test.c - somebody outside of the core sees frames and publications
 * first, and may refuse or replace them. */
#include <stdio.h>
#include <stdlib.h>

#include "support/api_rig.h"

static hubs node;

/** What was shown; refuses the type, or publications that hold the text. */
static struct seen {
  char trace[256];
  uint8_t refuses;
  const char *refuses_text;
  const char *replaces; /**< with this */
  uint32_t code;
  gw_facts facts; /**< of the last; its views are dead */
  bool was_told_who;
} seen;

static void note(const char *format, gw_view text) {
  size_t len = strlen(seen.trace);
  snprintf(seen.trace + len, sizeof seen.trace - len, format, (int)text.len,
           (const char *)text.data);
}

static void on_frame(void *user, const gw_facts *who, const gw_inspected *in,
                     gw_verdict *v) {
  (void)user;
  seen.facts = *who;
  note(gw_type_name(in->frame->head.type), (gw_view){NULL, 0});
  note("(%.*s", in->channel);
  note("%.*s) ", in->method);
  if (in->frame->head.type == seen.refuses)
    *v = (gw_verdict){.code = seen.code, .message = gw_view_of("not now")};
}

static void on_publication(void *user, const gw_facts *who, gw_publish *msg,
                           gw_view on_behalf_of, gw_verdict *v) {
  (void)user;
  seen.was_told_who = who != NULL;
  note("<%.*s ", msg->channel);
  note("%.*s> ", on_behalf_of);
  gw_view text = msg->json.len != 0 ? msg->json : msg->data;
  if (seen.refuses_text != NULL && text.len >= strlen(seen.refuses_text) &&
      memcmp(text.data, seen.refuses_text, strlen(seen.refuses_text)) == 0)
    *v = (gw_verdict){.code = seen.code};
  if (seen.replaces != NULL) msg->data = gw_view_of(seen.replaces);
}

static int start(void **state) {
  static const gw_inspector inspector = {.on_frame = on_frame,
                                         .on_publication = on_publication};
  (void)state;
  seen = (struct seen){.code = GW_CODE_PERMISSION_DENIED};
  hubs_init(&node, 2);
  hubs_start(&node);
  for (uint32_t i = 0; i < 2; i++)
    gw_hub_set_inspector(node.hub[i], &inspector, NULL);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void test_what_is_shown(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(seen.facts.client, 0); /* Hello: not known yet */
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  assert_int_equal(seen.facts.client, p->client);
  assert_int_equal(seen.facts.connection, p->connection);
  peer_publish(p, "room:a", "x", 0, 0);
  (void)peer_published(p);
  peer_presence(p, 1, "{}");
  peer_call(p, 0, "hello");
  peer_grant(p, 1000);
  assert_string_equal(seen.trace,
                      "HELLO() SUBSCRIBE(room:a) PUBLISH(room:a) "
                      "<room:a user1> PRESENCE_SET(room:a) RPC(hello) ");
}

static void test_a_frame_is_refused(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  seen.refuses = GW_FRAME_SUBSCRIBE;
  seen.code = 900;
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")), 900);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
  assert_int_equal(HUBS_STAT(&node, inspected_out_total), 1);
  seen.refuses = 0;
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
}

static void test_a_hello_is_refused(void **state) {
  (void)state;
  seen.refuses = GW_FRAME_HELLO;
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_PERMISSION_DENIED);
  assert_int_equal(HUBS_STAT(&node, inspected_out_total), 1);
}

/** One that may come again holds up those behind it, so that order stays. */
static void test_a_publish_that_is_refused_for_now(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  seen.refuses = GW_FRAME_PUBLISH;
  seen.code = GW_CODE_OVERLOADED;
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "1", 1, 0)),
                   GW_CODE_OVERLOADED);
  seen.refuses = 0;
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "2", 2, 1)),
                   GW_CODE_PRECEDING_REFUSED);
  peer_publish(p, "room:a", "1", 1, 0);
  assert_int_equal(peer_published(p).offset, 1);
}

static void test_a_publication_is_refused(void **state) {
  (void)state;
  char name[32];
  peer *p = peer_join(&node, 0, 1);
  seen.refuses_text = "spam";
  for (uint32_t owner = 0; owner < 2; owner++) {
    const char *channel = hubs_channel(&node, owner, name);
    assert_int_equal(peer_error(p, peer_publish(p, channel, "spam!", 0, 0)),
                     GW_CODE_PERMISSION_DENIED);
    peer_publish(p, channel, "fine", 0, 0);
    assert_int_equal(peer_published(p).offset, 1);
  }
  assert_true(seen.was_told_who);
}

static void test_a_payload_is_replaced(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 1, 2);
  peer_subscribe(q, 1, "room:a");
  (void)peer_subscribed(q);
  seen.replaces = "clean";
  peer_publish(p, "room:a", "dirty", 0, 0);
  (void)peer_published(p);
  assert_true(gw_view_eq(peer_publication(q).data, gw_view_of("clean")));
}

static void test_a_payload_that_is_too_large(void **state) {
  (void)state;
  size_t len = node.settings.limits.max_frame_bytes;
  char *text = malloc(len + 1);
  peer *p = peer_join(&node, 0, 1);
  memset(text, 'x', len);
  text[len] = '\0';
  seen.replaces = text;
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "dirty", 0, 0)),
                   GW_CODE_TOO_BIG);
  free(text);
}

/** The application's publications pass it, too: at the owner of the channel. */
static void test_the_api_is_inspected(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  seen.refuses_text = "\"spam";
  api_ask(&node, 1, "publish", "{\"channel\":\"room:a\",\"json\":\"spam\"}");
  assert_int_equal(api_told.code, GW_CODE_PERMISSION_DENIED);
  assert_false(seen.was_told_who);
  api_ask(&node, 1, "publish", "{\"channel\":\"room:a\",\"json\":\"fine\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  assert_int_equal(peer_publication(p).offset, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(what_is_shown),
      TEST(a_frame_is_refused),
      TEST(a_hello_is_refused),
      TEST(a_publish_that_is_refused_for_now),
      TEST(a_publication_is_refused),
      TEST(a_payload_is_replaced),
      TEST(a_payload_that_is_too_large),
      TEST(the_api_is_inspected),
  };
  return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
