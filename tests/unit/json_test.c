/* SPDX-License-Identifier: MIT */
/* json_test.c - frames as JSON and back: the golden vectors, and what a line
 * may and may not say. json_differential_test.c compares with python3-protobuf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"
#include "server/core/json_schema.h"

/* ---- help -----------------------------------------------------------------
 */

static uint8_t space[64 * 1024];

/** Reads a line that has to be good; the view lives until the next call. */
static gw_view frame_of(const char *line) {
  char why[GW_MAX_REASON_BYTES] = "";
  gw_out out = {space, 0, sizeof space};
  int err = gw_json_to_frame(gw_view_of(line), &out, why);
  if (err != 0) fail_msg("%s: %s: %s", line, gw_err_name(err), why);
  return (gw_view){space, out.len};
}

static void check_hex(gw_view got, const char *want) {
  char *hex = malloc(got.len * 2 + 1);
  assert_non_null(hex);
  sodium_bin2hex(hex, got.len * 2 + 1, got.data, got.len);
  assert_string_equal(want, hex);
  free(hex);
}

static void check_read(const char *line, const char *want) {
  check_hex(frame_of(line), want);
}

static void check_written(gw_view message, const char *want) {
  gw_buf *b = gw_json_from_message(message);
  assert_non_null(b);
  assert_true(b->is_text);
  gw_view text = gw_buf_payload(b);
  char *copy = strndup((const char *)text.data, text.len);
  assert_string_equal(want, copy);
  free(copy);
  gw_buf_unref(b);
}

/** The line means the same as its canonical form. */
static void check_form(const char *line, const char *canonical) {
  check_written(frame_of(line), canonical);
}

static void check_refused(const char *line, int want, const char *reason) {
  char why[GW_MAX_REASON_BYTES] = "";
  gw_out out = {space, 3, sizeof space};
  int err = gw_json_to_frame(gw_view_of(line), &out, why);
  if (err != want) fail_msg("%s: %s: %s", line, gw_err_name(err), why);
  assert_int_equal(3, out.len);
  if (strstr(why, reason) == NULL) fail_msg("%s: reason: %s", line, why);
  /* Without a place for the reason the outcome is the same. */
  assert_int_equal(want, gw_json_to_frame(gw_view_of(line), &out, NULL));
}

/* ---- golden vectors -------------------------------------------------------
 */

static const char *const vector_files[] = {"messages", "connection", "channels",
                                           "presence", "streams",    "lax",
                                           "malformed"};

/** A vector's frame as a line, with the names as the schema has them. */
static char *line_of(json_t *frame) {
  json_t *line = json_object();
  const gw__json_type *type = gw__json_type_of(
      (uint8_t)json_integer_value(json_object_get(frame, "type")));
  assert_non_null(type);
  json_int_t flags = json_integer_value(json_object_get(frame, "flags"));
  json_object_set(line, "id", json_object_get(frame, "request"));
  json_object_set(line, "channel", json_object_get(frame, "channel"));
  json_object_set_new(line, "alias", json_boolean(flags & GW_FLAG_ALIAS));
  json_object_set_new(line, "more", json_boolean(flags & GW_FLAG_MORE));
  json_object_set_new(line, "own", json_boolean(flags & GW_FLAG_OWN));
  json_object_set(line, type->name, json_object_get(frame, "fields"));
  char *text = json_dumps(line, 0);
  json_decref(line);
  return text;
}

/** Whether JSON can say all that the vector's frames say. */
static bool is_sayable(json_t *frames) {
  size_t i;
  json_t *frame;
  json_array_foreach(frames, i, frame) {
    json_int_t flags = json_integer_value(json_object_get(frame, "flags"));
    bool has_others =
        (flags & ~(GW_FLAG_ALIAS | GW_FLAG_MORE | GW_FLAG_OWN)) != 0;
    if (has_others || json_object_get(frame, "fields") == NULL) return false;
  }
  return true;
}

static void check_frames(json_t *frames, gw_out *out) {
  size_t i;
  json_t *frame;
  json_array_foreach(frames, i, frame) {
    char why[GW_MAX_REASON_BYTES];
    char *line = line_of(frame);
    int err = gw_json_to_frame(gw_view_of(line), out, why);
    if (err != 0) fail_msg("%s: %s", line, why);
    free(line);
  }
}

/** Lines back to one message. */
static void check_lines(gw_buf *text, gw_out *out) {
  gw_view rest = gw_buf_payload(text);
  while (rest.len > 0) {
    const uint8_t *end = memchr(rest.data, '\n', rest.len);
    size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
    assert_int_equal(0, gw_json_to_frame((gw_view){rest.data, len}, out, NULL));
    if (end != NULL) len++;
    rest.data += len;
    rest.len -= len;
  }
}

static void check_vector(json_t *vector) {
  const char *hex = json_string_value(json_object_get(vector, "hex"));
  json_t *frames = json_object_get(vector, "frames");
  bool is_bad = json_object_get(vector, "error") != NULL;
  bool is_lax = json_object_get(vector, "lax") != NULL;
  size_t len = strlen(hex) / 2;
  uint8_t *bytes = malloc(len + 1);
  assert_non_null(bytes);
  assert_int_equal(0,
                   sodium_hex2bin(bytes, len, hex, len * 2, NULL, NULL, NULL));
  gw_buf *text = gw_json_from_message((gw_view){bytes, len});
  if (is_bad) {
    assert_null(text);
  } else if (is_sayable(frames)) {
    gw_out out = {space, 0, sizeof space};
    check_frames(frames, &out);
    if (!is_lax) check_hex((gw_view){space, out.len}, hex);
    gw_view ours = {malloc(out.len), out.len};
    memcpy((void *)(uintptr_t)ours.data, space, out.len);
    assert_non_null(text);
    out.len = 0;
    check_lines(text, &out);
    assert_int_equal(ours.len, out.len);
    assert_memory_equal(ours.data, space, out.len);
    free((void *)(uintptr_t)ours.data);
  }
  gw_buf_unref(text);
  free(bytes);
}

static void test_golden_vectors(void **state) {
  (void)state;
  for (size_t f = 0; f < sizeof vector_files / sizeof vector_files[0]; f++) {
    char path[64];
    json_error_t error;
    size_t i;
    json_t *vector;
    snprintf(path, sizeof path, "tests/vectors/%s.json", vector_files[f]);
    json_t *vectors = json_load_file(path, 0, &error);
    if (vectors == NULL) fail_msg("%s: %s", path, error.text);
    json_array_foreach(vectors, i, vector) check_vector(vector);
    json_decref(vectors);
  }
}

/* ---- the schema -----------------------------------------------------------
 */

static void check_message(const ProtobufCMessageDescriptor *m) {
  assert_true(m->n_fields <= GW__JSON_FIELDS_MAX);
  for (unsigned i = 0; i < m->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &m->fields[i];
    assert_true(strlen(f->name) < GW__JSON_NAME_MAX);
    bool is_list = f->label == PROTOBUF_C_LABEL_REPEATED;
    if (!is_list) assert_int_equal(PROTOBUF_C_LABEL_NONE, f->label);
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
      check_message(f->descriptor);
      break;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
      break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
      if (is_list) fail_msg("%s.%s: no repeated numbers", m->name, f->name);
      break;
    default:
      fail_msg("%s.%s: json_read.c and json_write.c do not know its type",
               m->name, f->name);
    }
  }
}

static void test_schema_uses_what_the_transcoder_knows(void **state) {
  (void)state;
  size_t num = 0;
  for (unsigned number = 0; number < 256; number++) {
    const gw__json_type *type = gw__json_type_of((uint8_t)number);
    bool is_known = strcmp(gw_type_name((uint8_t)number), "UNKNOWN") != 0;
    assert_int_equal(is_known && number != GW_FRAME_NONE, type != NULL);
    if (type == NULL) continue;
    check_message(type->message);
    assert_ptr_equal(type, gw__json_type_named(type->name));
    num++;
  }
  assert_true(num > 20);
}

/* ---- reading --------------------------------------------------------------
 */

static void test_reads_header_and_message(void **state) {
  (void)state;
  check_read("{\"id\":1,\"channel\":7,\"alias\":true,"
             "\"subscribe\":{\"channel\":\"room:lobby\"}}",
             "10080101070a0a726f6f6d3a6c6f626279");
  check_read(" { \"ping\" : { } } \r", "0403000000");
  check_read("{\"ping\":{},\"id\":null,\"own\":null,\"more\":false}",
             "0403000000");
  check_read("{\"own\":true,\"more\":true,\"publication\":{}}", "040e0a0000");
}

static void test_takes_every_form_of_a_value(void **state) {
  (void)state;
  static const char welcome[] =
      "{\"welcome\":{\"version\":5,\"features\":\"100\"}}";
  check_form("{\"welcome\":{\"version\":5,\"features\":100}}", welcome);
  check_form("{\"welcome\":{\"version\":\"5\",\"features\":1e2}}", welcome);
  check_form("{\"welcome\":{\"version\":5.0,\"features\":1.0E+2}}", welcome);
  check_form("{\"welcome\":{\"version\":5,\"features\":\"100\","
             "\"connection\":0,\"client\":null,\"user\":\"\","
             "\"resumed\":false,\"limits\":null,\"resume\":\"\"}}",
             welcome);
  check_form("{\"welcome\":{\"time_ms\":-0,\"limits\":{}}}",
             "{\"welcome\":{\"limits\":{}}}");
  check_form("{\"presence_set\":{\"state\":\"away\"}}",
             "{\"presenceSet\":{\"state\":\"away\"}}");
  check_form("{\"hello\":{\"ping_interval_ms\":1}}",
             "{\"hello\":{\"pingIntervalMs\":1}}");
}

static void test_takes_integers_of_64_bits(void **state) {
  (void)state;
  static const char max[] = "{\"ping\":{\"time\":\"18446744073709551615\"}}";
  check_form(max, max);
  check_form("{\"ping\":{\"time\":18446744073709551615}}", max);
  check_form("{\"rpc\":{\"method\":\"\\\" 9999999999999999999\","
             "\"to\":9999999999999999999}}",
             "{\"rpc\":{\"method\":\"\\\" 9999999999999999999\","
             "\"to\":\"9999999999999999999\"}}");
  check_form("{\"ping\":{\"time\":9223372036854775808}}",
             "{\"ping\":{\"time\":\"9223372036854775808\"}}");
  check_refused("{\"ping\":{\"time\":18446744073709551616}}", GW_ERR_PROTOCOL,
                "ping.time: must be an integer");
  check_refused("{\"ping\":{\"time\":18446744073709551616.0}}", GW_ERR_PROTOCOL,
                "ping.time: must be an integer");
  check_refused("{\"ping\":{\"time\":1e999}}", GW_ERR_PROTOCOL, "not JSON");
}

static void test_takes_enums_by_name_and_number(void **state) {
  (void)state;
  static const char shutdown[] = "{\"close\":{\"code\":\"CODE_SHUTDOWN\"}}";
  check_form(shutdown, shutdown);
  check_form("{\"close\":{\"code\":200}}", shutdown);
  check_form("{\"close\":{\"code\":777}}", "{\"close\":{\"code\":777}}");
  check_form("{\"close\":{\"code\":-1}}", "{\"close\":{\"code\":-1}}");
  check_form("{\"close\":{\"code\":\"CODE_OK\"}}", "{\"close\":{}}");
  check_refused("{\"close\":{\"code\":\"SHUTDOWN\"}}", GW_ERR_PROTOCOL,
                "close.code: not a name");
  check_refused("{\"close\":{\"code\":2147483648}}", GW_ERR_PROTOCOL,
                "close.code: ");
}

static void test_takes_base64_of_both_alphabets(void **state) {
  (void)state;
  static const char padded[] = "{\"publish\":{\"data\":\"+/+/AA==\"}}";
  check_form(padded, padded);
  check_form("{\"publish\":{\"data\":\"-_-_AA\"}}", padded);
  check_form("{\"publish\":{\"data\":\"-_-_AA==\"}}", padded);
  check_form("{\"publish\":{\"data\":\"AAA\"}}",
             "{\"publish\":{\"data\":\"AAA=\"}}");
  static const char *const bad[] = {"A",    "AA=",  "AAAA====", "=",
                                    "A===", "A A=", "AA\\n=",   "AA=A",
                                    "!!",   "AAAA="};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char line[64];
    snprintf(line, sizeof line, "{\"publish\":{\"data\":\"%s\"}}", bad[i]);
    check_refused(line, GW_ERR_PROTOCOL, "publish.data: not base64");
  }
}

static void test_names_the_place_of_a_mistake(void **state) {
  (void)state;
  check_refused("{\"publish\":{\"chanel\":\"x\"}}", GW_ERR_PROTOCOL,
                "publish.chanel: there is no such field");
  check_refused("{\"publish\":{\"ttlMs\":1,\"ttl_ms\":1}}", GW_ERR_PROTOCOL,
                "publish.ttl_ms: given twice");
  check_refused("{\"publish\":{\"ttlMs\":4294967296}}", GW_ERR_PROTOCOL,
                "publish.ttl_ms: must be an integer from 0 to 4294967295");
  check_refused("{\"publish\":{\"ttlMs\":1.5}}", GW_ERR_PROTOCOL, "ttl_ms");
  check_refused("{\"publish\":{\"ttlMs\":-1}}", GW_ERR_PROTOCOL, "ttl_ms");
  check_refused("{\"publish\":{\"ttlMs\":true}}", GW_ERR_PROTOCOL, "ttl_ms");
  check_refused("{\"publish\":{\"channel\":5}}", GW_ERR_PROTOCOL,
                "publish.channel: must be a string");
  check_refused("{\"publish\":{\"noEcho\":1}}", GW_ERR_PROTOCOL,
                "publish.no_echo: must be true or false");
  check_refused("{\"presenceDiff\":{\"changes\":[{},{\"member\":"
                "{\"sinceMs\":{}}}]}}",
                GW_ERR_PROTOCOL,
                "presence_diff.changes[1].member.since_ms: must be");
  check_refused("{\"presenceDiff\":{\"changes\":{}}}", GW_ERR_PROTOCOL,
                "presence_diff.changes: must be an array");
  check_refused("{\"presenceDiff\":{\"changes\":[null]}}", GW_ERR_PROTOCOL,
                "presence_diff.changes[0]: must be an object");
  check_refused("{\"ping\":[]}", GW_ERR_PROTOCOL, "ping: must be an object");
  check_refused("{\"id\":-1,\"ping\":{}}", GW_ERR_PROTOCOL, "id: must be");
  check_refused("{\"own\":1,\"ping\":{}}", GW_ERR_PROTOCOL, "own: must be");
}

static void test_refuses_what_is_no_frame(void **state) {
  (void)state;
  check_refused("", GW_ERR_PROTOCOL, "not JSON");
  check_refused("{", GW_ERR_PROTOCOL, "not JSON");
  check_refused("{} {}", GW_ERR_PROTOCOL, "not JSON");
  check_refused("[]", GW_ERR_PROTOCOL, "must be an object");
  check_refused("{}", GW_ERR_PROTOCOL, "no message");
  check_refused("{\"id\":1}", GW_ERR_PROTOCOL, "no message");
  check_refused("{\"ping\":null}", GW_ERR_PROTOCOL, "no message");
  check_refused("{\"ping\":{},\"pong\":{}}", GW_ERR_PROTOCOL, "pong: a frame");
  check_refused("{\"ping\":{},\"ping\":{}}", GW_ERR_PROTOCOL, "not JSON: dup");
  check_refused("{\"warp\":{}}", GW_ERR_UNKNOWN_TYPE,
                "warp: there is no such message");
}

static void test_refuses_bad_text(void **state) {
  (void)state;
  check_refused("{\"publish\":{\"channel\":\"a\\u0000b\"}}", GW_ERR_TEXT, "");
  check_refused("{\"publish\":{\"channel\":\"\\ud83d\"}}", GW_ERR_TEXT, "");
  check_refused("{\"publish\":{\"channel\":\"\xff\"}}", GW_ERR_TEXT, "UTF-8");
  check_refused("{\"a\\u0000\":{}}", GW_ERR_TEXT, "");
  gw_out out = {space, 0, sizeof space};
  gw_view nul = {(const uint8_t *)"{\"ping\":{}}\0", 12};
  assert_int_equal(GW_ERR_TEXT, gw_json_to_frame(nul, &out, NULL));
}

static void test_refuses_deep_nesting(void **state) {
  (void)state;
  static char deep[60000];
  memset(deep, '[', sizeof deep - 1);
  check_refused(deep, GW_ERR_PEER_TOO_BIG, "too deep");
  /* Brackets in text are not nesting. */
  char line[200] = "{\"publish\":{\"json\":\"\\\"";
  memset(line + strlen(line), '[', 100);
  strcat(line, "\"}}");
  (void)frame_of(line);
}

static void test_reason_is_cut_between_characters(void **state) {
  (void)state;
  char line[800] = "{\"publish\":{\"";
  for (unsigned shift = 0; shift < 3; shift++) {
    line[13] = '\0';
    for (unsigned i = 0; i < shift; i++)
      strcat(line, "x");
    for (unsigned i = 0; i < 100; i++)
      strcat(line, "\xf0\x9f\x90\xa6");
    strcat(line, "\":1}}");
    char why[GW_MAX_REASON_BYTES];
    gw_out out = {space, 0, sizeof space};
    assert_int_equal(GW_ERR_PROTOCOL,
                     gw_json_to_frame(gw_view_of(line), &out, why));
    assert_true(strlen(why) > GW_MAX_REASON_BYTES - 6);
    assert_true(gw_view_is_text(gw_view_of(why)));
  }
}

static void test_says_when_the_output_is_full(void **state) {
  (void)state;
  static const char line[] =
      "{\"id\":300,\"presenceDiff\":{\"version\":\"7\",\"changes\":[{\"kind\":"
      "\"PRESENCE_UPDATE\",\"member\":{\"client\":\"9\",\"data\":\"AAAA\"}}]}}";
  size_t len = frame_of(line).len;
  for (size_t cap = 0; cap < len; cap++) {
    uint8_t *exact = malloc(cap + 1);
    gw_out out = {exact, 1, cap + 1};
    assert_int_equal(GW_ERR_FULL,
                     gw_json_to_frame(gw_view_of(line), &out, NULL));
    assert_int_equal(1, out.len);
    free(exact);
  }
  gw_out out = {space, 0, len};
  assert_int_equal(0, gw_json_to_frame(gw_view_of(line), &out, NULL));
}

static void test_survives_truncation_at_each_byte(void **state) {
  (void)state;
  static const char line[] =
      "{\"id\":12345678901234567890,\"presenceDiff\":{\"changes\":"
      "[{\"member\":{\"user\":\"\\u00e9\\\"\"}}]}}";
  for (size_t len = 0; len < strlen(line); len++) {
    uint8_t *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, line, len);
    gw_out out = {space, 0, sizeof space};
    assert_true(gw_json_to_frame((gw_view){exact, len}, &out, NULL) < 0);
    free(exact);
  }
}

/* ---- writing --------------------------------------------------------------
 */

static void test_escapes_text(void **state) {
  (void)state;
  gw_publication p = {.offset = 12,
                      .json = gw_view_of("{\"text\":\"hi\"}"),
                      .user = gw_view_of("\x01\x1f\b\f\n\r\t\\/ <é\x7f")};
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = 4};
  assert_int_equal(0, gw_encode_publication(&out, &head, &p));
  check_written((gw_view){space, out.len},
                "{\"channel\":4,\"publication\":{\"offset\":\"12\","
                "\"json\":\"{\\\"text\\\":\\\"hi\\\"}\",\"user\":"
                "\"\\u0001\\u001f\\b\\f\\n\\r\\t\\\\/ <é\x7f\"}}");
}

static void test_writes_a_line_for_each_frame(void **state) {
  (void)state;
  gw_out out = {space, 0, sizeof space};
  gw_head ping = {.type = GW_FRAME_PING};
  gw_head ignorable = {.type = 200};
  gw_head ok = {.type = GW_FRAME_OK, .request = 9};
  assert_int_equal(0, gw_frame_put(&out, &ping, (gw_view){NULL, 0}));
  assert_int_equal(0, gw_frame_put(&out, &ignorable, (gw_view){NULL, 0}));
  assert_int_equal(0, gw_frame_put(&out, &ok, (gw_view){NULL, 0}));
  check_written((gw_view){space, out.len},
                "{\"ping\":{}}\n{\"id\":9,\"ok\":{}}");
}

static void test_refuses_what_json_cannot_say(void **state) {
  (void)state;
  static const gw_head heads[] = {
      {.type = 100}, {.type = GW_FRAME_PING, .flags = GW_FLAG_COMPRESSED}};
  for (size_t i = 0; i < 2; i++) {
    gw_out out = {space, 0, sizeof space};
    assert_int_equal(0, gw_frame_put(&out, &heads[i], (gw_view){NULL, 0}));
    assert_null(gw_json_from_message((gw_view){space, out.len}));
  }
  /* Text that is none, which only a broken peer or disk could bring here. */
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_REFRESH};
  gw_refresh m = {.token = {(const uint8_t *)"\xc3", 1}};
  assert_int_equal(0, gw_encode_refresh(&out, &head, &m));
  assert_null(gw_json_from_message((gw_view){space, out.len}));
}

static void test_writes_large_messages(void **state) {
  (void)state;
  static uint8_t items[200][64];
  gw_view views[200];
  for (unsigned i = 0; i < 200; i++) {
    gw_out out = {items[i], 0, sizeof items[i]};
    gw_presence_member m = {.client = i + 1, .state = gw_view_of("away")};
    assert_int_equal(0, gw_encode_presence_member(&out, NULL, &m));
    views[i] = (gw_view){items[i], out.len};
  }
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT};
  gw_presence_snapshot s = {.version = 1, .members = {views, 200, {0}, 0}};
  assert_int_equal(0, gw_encode_presence_snapshot(&out, &head, &s));
  gw_buf *text = gw_json_from_message((gw_view){space, out.len});
  assert_non_null(text);
  size_t len = out.len;
  static uint8_t before[sizeof space];
  memcpy(before, space, len);
  out.len = 0;
  check_lines(text, &out);
  assert_int_equal(len, out.len);
  assert_memory_equal(before, space, len);
  gw_buf_unref(text);
}

static void test_keeps_one_twin(void **state) {
  (void)state;
  gw_view message = frame_of("{\"ping\":{\"time\":\"5\"}}");
  gw_buf *b = gw_buf_new(message, false);
  assert_non_null(b);
  gw_buf *twin = gw_buf_json(b);
  assert_non_null(twin);
  assert_ptr_equal(twin, gw_buf_json(b));
  assert_ptr_equal(twin, gw_buf_json(twin));
  gw_buf_unref(b);
  b = gw_buf_new((gw_view){(const uint8_t *)"\x05", 1}, false);
  assert_null(gw_buf_json(b));
  gw_buf_unref(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden_vectors),
      cmocka_unit_test(test_schema_uses_what_the_transcoder_knows),
      cmocka_unit_test(test_reads_header_and_message),
      cmocka_unit_test(test_takes_every_form_of_a_value),
      cmocka_unit_test(test_takes_integers_of_64_bits),
      cmocka_unit_test(test_takes_enums_by_name_and_number),
      cmocka_unit_test(test_takes_base64_of_both_alphabets),
      cmocka_unit_test(test_names_the_place_of_a_mistake),
      cmocka_unit_test(test_refuses_what_is_no_frame),
      cmocka_unit_test(test_refuses_bad_text),
      cmocka_unit_test(test_refuses_deep_nesting),
      cmocka_unit_test(test_reason_is_cut_between_characters),
      cmocka_unit_test(test_says_when_the_output_is_full),
      cmocka_unit_test(test_survives_truncation_at_each_byte),
      cmocka_unit_test(test_escapes_text),
      cmocka_unit_test(test_writes_a_line_for_each_frame),
      cmocka_unit_test(test_refuses_what_json_cannot_say),
      cmocka_unit_test(test_writes_large_messages),
      cmocka_unit_test(test_keeps_one_twin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
