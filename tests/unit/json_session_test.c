/* SPDX-License-Identifier: MIT */
/* json_session_test.c - a session that speaks godwit.v1.json. */
#include <stdio.h>
#include <stdlib.h>

#include "support/hub_rig.h"

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** A connection without the rig's peer, as what comes is text. */
typedef struct talker {
  gw_session *session;
  peer conn; /* what the port is told about */
  char got[8192];
} talker;

static void take(talker *t) {
  gw_buf *bufs[4];
  size_t num;
  gw_hub_end_turn(node.hub[0]);
  t->got[0] = 0;
  while ((num = gw_session_take(t->session, bufs, 4, 100)) != 0) {
    for (size_t i = 0; i < num; i++) {
      gw_view v = gw_buf_payload(bufs[i]);
      assert_true(bufs[i]->is_text);
      assert_int_equal(gw_buf_framed(bufs[i]).data[0], 0x81);
      strncat(t->got, (const char *)v.data, v.len);
      gw_buf_unref(bufs[i]);
    }
  }
  t->conn.wants_write = false;
}

static void open_talker(talker *t) {
  memset(t, 0, sizeof *t);
  t->session =
      gw_hub_open(node.hub[0], &t->conn, GW_ENCODING_JSON, gw_view_of("json"));
  assert_non_null(t->session);
}

static int say(talker *t, const char *text) {
  int err = gw_session_feed(t->session, gw_view_of(text), true);
  take(t);
  return err;
}

static void expect(const talker *t, const char *part) {
  if (strstr(t->got, part) == NULL) fail_msg("no %s in: %s", part, t->got);
}

#define HELLO                           \
  "{\"id\":1,\"hello\":{\"version\":1," \
  "\"instance\":\"AAECAwQFBgcICQoLDA0ODw==\",\"user\":\"jo\"}}"

static void join(talker *t) {
  open_talker(t);
  assert_int_equal(say(t, HELLO), 0);
  expect(t, "\"welcome\"");
}

static void test_a_conversation(void **state) {
  (void)state;
  talker t;
  join(&t);
  expect(&t, "\"user\":\"jo\"");
  say(&t, "{\"id\":2,\"channel\":5,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\"}}\n"
          "{\"id\":3,\"channel\":5,\"alias\":true,"
          "\"publish\":{\"json\":\"[1]\",\"key\":\"1\"}}\n");
  expect(&t, "\"subscribed\"");
  expect(&t, "\"published\"");
  expect(&t, "\"publication\"");
  expect(&t, "\"json\":\"[1]\"");
  gw_session_closed(t.session, 0);
}

/** Who asks for them is told that there are none, twice. */
static void test_it_has_no_deltas(void **state) {
  (void)state;
  static const char *const what =
      "{\"id\":3,\"channel\":5,\"alias\":true,\"publish\":{\"json\":"
      "\"\\\"%0200d\\\"\"}}";
  char text[400];
  talker t;
  node.spaces[1].delta = true;
  open_talker(&t);
  say(&t, "{\"id\":1,\"hello\":{\"version\":1,\"features\":\"12\","
          "\"creditBytes\":100000,"
          "\"instance\":\"AAECAwQFBgcICQoLDA0ODw==\"}}");
  expect(&t, "\"features\":\"4\"");
  say(&t, "{\"id\":2,\"channel\":5,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\",\"delta\":true}}");
  expect(&t, "\"subscribed\"");
  for (int i = 1; i <= 2; i++) {
    assert_null(strstr(t.got, "\"delta"));
    (void)snprintf(text, sizeof text, what, i);
    say(&t, text);
    expect(&t, "\"json\":\"\\\"00000");
  }
  assert_null(strstr(t.got, "\"delta"));
  gw_session_closed(t.session, 0);
}

static void test_binary_and_json_meet_in_a_channel(void **state) {
  (void)state;
  talker t, u;
  join(&t);
  join(&u);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  peer_subscribed(p);
  say(&t, "{\"id\":2,\"channel\":1,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\"}}");
  say(&u, "{\"id\":2,\"channel\":1,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\"}}");
  peer_publish(p, "room:a", "hi", 1, 0);
  peer_published(p);
  take(&t);
  expect(&t, "\"data\":\"aGk=\"");
  take(&u);
  expect(&u, "\"data\":\"aGk=\"");
  say(&t, "{\"id\":4,\"publish\":{\"channel\":\"room:a\",\"json\":\"{}\"}}");
  assert_int_equal(peer_publication(p).offset, 1);
  gw_publication pub = peer_publication(p);
  assert_true(gw_view_eq(pub.json, gw_view_of("{}")));
  take(&u);
  assert_int_equal(HUBS_STAT(&node, queue_bytes), 0);
  gw_session_closed(t.session, 0);
  gw_session_closed(u.session, 0);
}

/** Bytes of the text that the last message to a talker had, if it was data. */
static size_t data_len(const talker *t) {
  return strstr(t->got, "\"publication\"") != NULL ||
                 strstr(t->got, "\"subscribed\"") != NULL
             ? strlen(t->got)
             : 0;
}

static void test_credit_counts_bytes_of_text(void **state) {
  (void)state;
  talker t;
  char grant[64];
  open_talker(&t);
  say(&t, "{\"id\":1,\"hello\":{\"version\":1,\"features\":\"4\","
          "\"creditBytes\":200,\"instance\":\"AAECAwQFBgcICQoLDA0ODw==\"}}");
  expect(&t, "\"features\":\"4\"");
  say(&t, "{\"id\":2,\"channel\":5,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\"}}");
  size_t used = data_len(&t);
  peer *p = peer_join(&node, 0, 1);
  for (unsigned i = 1; i <= 20; i++) {
    peer_publish(p, "room:a", "some data", i, 0);
    peer_published(p);
    take(&t);
    bool came = data_len(&t) != 0;
    assert_int_equal(came, used < 200);
    used += data_len(&t);
  }
  say(&t, "{\"id\":3,\"ping\":{\"time\":\"5\"}}");
  expect(&t, "\"pong\"");
  assert_int_equal(data_len(&t), 0);
  (void)snprintf(grant, sizeof grant, "{\"credit\":{\"bytes\":\"%zu\"}}",
                 used - 200);
  say(&t, grant); /* now at 0 */
  assert_int_equal(strlen(t.got), 0);
  say(&t, "{\"credit\":{\"bytes\":\"1\"}}");
  assert_true(data_len(&t) != 0);
  say(&t, "{\"credit\":{\"bytes\":\"18446744073709551615\"}}");
  expect(&t, "CODE_PROTOCOL");
  gw_session_closed(t.session, 0);
}

static void test_a_batch_is_a_message_of_several_lines(void **state) {
  (void)state;
  talker t;
  node.spaces[1].batch_delay_ms = 10;
  join(&t);
  say(&t, "{\"id\":2,\"channel\":5,\"alias\":true,"
          "\"subscribe\":{\"channel\":\"room:a\"}}");
  peer *p = peer_join(&node, 0, 1);
  for (unsigned i = 1; i <= 3; i++) {
    gw_publish m = {.channel = gw_view_of("room:a"),
                    .json = gw_view_of("[1]"),
                    .item = gw_view_of("thing")};
    peer_publish_with(p, &m);
    peer_published(p);
  }
  hubs_pass(&node, 10);
  gw_buf *bufs[4];
  assert_int_equal(gw_session_take(t.session, bufs, 4, 100000), 1);
  gw_view text = gw_buf_payload(bufs[0]);
  unsigned num_lines = 0;
  for (const char *at = (const char *)text.data, *end = at + text.len;
       at < end;) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    char line[512];
    if (line_end == NULL) line_end = end;
    (void)snprintf(line, sizeof line, "%.*s", (int)(line_end - at), at);
    char offset[32];
    (void)snprintf(offset, sizeof offset, "\"offset\":\"%u\"", ++num_lines);
    assert_non_null(strstr(line, offset));
    assert_non_null(strstr(line, "\"item\":\"thing\""));
    at = line_end + 1;
  }
  assert_int_equal(num_lines, 3);
  gw_buf_unref(bufs[0]);
  gw_session_closed(t.session, 0);
}

static void test_lines_cut_between_messages(void **state) {
  (void)state;
  talker t;
  open_talker(&t);
  const char hello[] = HELLO;
  for (size_t i = 0; hello[i] != 0; i++) {
    gw_view byte = {(const uint8_t *)hello + i, 1};
    assert_int_equal(gw_session_feed(t.session, byte, false), 0);
  }
  assert_int_equal(gw_session_feed(t.session, gw_view_of("\n"), false), 0);
  take(&t);
  expect(&t, "\"welcome\"");
  gw_session_closed(t.session, 0);
}

static void test_a_bad_line_is_answered(void **state) {
  (void)state;
  talker t;
  join(&t);
  assert_int_equal(say(&t, "nonsense"), 0);
  expect(&t, "\"error\"");
  expect(&t, "CODE_BAD_REQUEST");
  assert_int_equal(say(&t, "{\"id\":9,\"ping\":{\"time\":\"5\"}}"), 0);
  expect(&t, "\"pong\"");
  int err = 0;
  for (int i = 0; i < 20 && err == 0; i++)
    err = say(&t, "{\"id\":1,\"noSuchFrame\":{}}");
  assert_true(err < 0);
  expect(&t, "CODE_PROTOCOL");
  assert_true(t.conn.is_closing);
  gw_session_closed(t.session, 0);
}

static void test_nothing_but_hello_comes_first(void **state) {
  (void)state;
  talker t;
  open_talker(&t);
  assert_true(say(&t, "GET / HTTP/1.1\r\n") < 0);
  expect(&t, "CODE_PROTOCOL");
  gw_session_closed(t.session, 0);
}

static void test_a_line_too_long(void **state) {
  (void)state;
  talker t;
  join(&t);
  size_t len = 3 * GW_MAX_FRAME_BYTES;
  char *line = malloc(len);
  assert_non_null(line);
  memset(line, '[', len);
  assert_true(
      gw_session_feed(t.session, (gw_view){(uint8_t *)line, len}, false) < 0);
  take(&t);
  expect(&t, "CODE_TOO_BIG");
  free(line);
  gw_session_closed(t.session, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_a_conversation),
      T(test_it_has_no_deltas),
      T(test_binary_and_json_meet_in_a_channel),
      T(test_credit_counts_bytes_of_text),
      T(test_a_batch_is_a_message_of_several_lines),
      T(test_lines_cut_between_messages),
      T(test_a_bad_line_is_answered),
      T(test_nothing_but_hello_comes_first),
      T(test_a_line_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
