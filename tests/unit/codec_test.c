/* SPDX-License-Identifier: MIT */
/* codec_test.c - messages to bytes and back, and bytes that are no message. The
 * golden vectors say that the bytes are right; here is what structs do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/messages.h"

/* ---- fill a message, compare two ----------------------------------------- */

typedef enum filling { NOTHING, DISTINCT, LARGEST } filling;

static uint64_t counter;

static uint64_t next_number(filling how) {
  return how == NOTHING ? 0 : how == DISTINCT ? ++counter : UINT64_MAX;
}

static void fill_u32(uint32_t *field, filling how) {
  *field = (uint32_t)next_number(how);
}

static void fill_u64(uint64_t *field, filling how) {
  *field = next_number(how);
}

static void fill_bool(bool *field, filling how) {
  *field = how != NOTHING;
}

static void fill_view(gw_view *field, filling how) {
  static const uint8_t bytes[] = "any bytes: \0\xFF, up to here and on and on";
  size_t len = 1 + (size_t)next_number(how) % (sizeof bytes - 1);
  *field = (gw_view){bytes, how == NOTHING ? 0 : len};
}

static void fill_member(gw_presence_member *field, filling how);
static void fill_limits_in(gw_limits *field, filling how);

static void fill_list(gw_list *field, filling how) {
  static const gw_view items[] = {
      {(const uint8_t *)"\x09\x01\0\0\0\0\0\0\0", 9},
      {NULL, 0},
      {(const uint8_t *)"\x12\x01x", 3},
  };
  *field = (gw_list){.items = items, .num = how == NOTHING ? 0 : 3};
}

static bool same_u32(uint32_t *a, uint32_t *b) {
  return *a == *b;
}
static bool same_u64(uint64_t *a, uint64_t *b) {
  return *a == *b;
}
static bool same_bool(bool *a, bool *b) {
  return *a == *b;
}
static bool same_view(gw_view *a, gw_view *b) {
  return gw_view_eq(*a, *b);
}
static bool same_member(gw_presence_member *a, gw_presence_member *b);
static bool same_limits_in(gw_limits *a, gw_limits *b);

static bool same_list(gw_list *a, gw_list *b) {
  gw_list x = *a, y = *b;
  gw_view p = {0}, q = {0};
  if (x.num != y.num) return false;
  while (gw_list_next(&x, &p)) {
    if (!gw_list_next(&y, &q) || !gw_view_eq(p, q)) return false;
  }
  return !gw_list_next(&y, &q);
}

/* clang-format off */
#define BY_TYPE(action, field)                                                 \
  _Generic((field),                                                            \
           uint32_t *: action##_u32, uint64_t *: action##_u64,                 \
           bool *: action##_bool, gw_view *: action##_view,                    \
           gw_list *: action##_list, gw_limits *: action##_limits_in,          \
           gw_presence_member *: action##_member)
/* clang-format on */
#define FILL_F(name)       BY_TYPE(fill, &m->name)(&m->name, how);
#define FILL_L(name, item) FILL_F(name)
#define SAME_F(name) \
  if (!BY_TYPE(same, &a->name)(&a->name, &b->name)) return #name;
#define SAME_L(name, item) SAME_F(name)

#define X(message)                                                        \
  static void fill_##message(gw_##message *m, filling how) {              \
    FIELDS_##message(FILL_F, FILL_L)                                      \
  }                                                                       \
  static const char *differ_##message(gw_##message *a, gw_##message *b) { \
    FIELDS_##message(SAME_F, SAME_L) return NULL;                         \
  }
GW_MESSAGES(X)
#undef X

static void fill_member(gw_presence_member *field, filling how) {
  fill_presence_member(field, how);
}
static void fill_limits_in(gw_limits *field, filling how) {
  fill_limits(field, how);
}
static bool same_member(gw_presence_member *a, gw_presence_member *b) {
  return differ_presence_member(a, b) == NULL;
}
static bool same_limits_in(gw_limits *a, gw_limits *b) {
  return differ_limits(a, b) == NULL;
}

/* ---- the same tests for each message ------------------------------------- */

static uint8_t space[4096];

static gw_view heap_copy(gw_view v) {
  uint8_t *copy = malloc(v.len != 0 ? v.len : 1);
  assert_non_null(copy);
  if (v.len != 0) memcpy(copy, v.data, v.len);
  return (gw_view){copy, v.len};
}

static void heap_free(gw_view v) {
  free((void *)(uintptr_t)v.data);
}

/* back begins as rubbish, as decoding has to set all of it. */
#define X(message)                                                           \
  static void round_trip_##message(filling how) {                            \
    gw_##message m, back;                                                    \
    gw_out out = {space, 0, sizeof space};                                   \
    fill_##message(&m, how);                                                 \
    memset(&back, 0xA5, sizeof back);                                        \
    assert_int_equal(0, gw_encode_##message(&out, NULL, &m));                \
    gw_view body = heap_copy((gw_view){space, out.len});                     \
    assert_int_equal(0, gw_decode_##message(body, &back));                   \
    const char *field = differ_##message(&m, &back);                         \
    if (field != NULL)                                                       \
      fail_msg(#message "."                                                  \
                        "%s differs",                                        \
               field);                                                       \
    out.len = 0;                                                             \
    assert_int_equal(0, gw_encode_##message(&out, NULL, &back));             \
    assert_int_equal(body.len, out.len);                                     \
    assert_memory_equal(body.data, space, out.len);                          \
    heap_free(body);                                                         \
  }                                                                          \
  static void frame_##message(void) {                                        \
    gw_##message m, back;                                                    \
    gw_frame frame;                                                          \
    gw_head head = {77, 3, 128, 5};                                          \
    gw_out out = {space, 0, sizeof space};                                   \
    fill_##message(&m, DISTINCT);                                            \
    assert_int_equal(0, gw_encode_##message(&out, &head, &m));               \
    size_t len = out.len;                                                    \
    assert_int_equal(len,                                                    \
                     gw_frame_parse((gw_view){space, len}, 4096, &frame));   \
    assert_int_equal(77, frame.head.type);                                   \
    assert_int_equal(128, frame.head.request);                               \
    assert_int_equal(0, gw_decode_##message(frame.body, &back));             \
    assert_null(differ_##message(&m, &back));                                \
    /* Whatever is too little: nothing changes but the free part. */         \
    for (size_t cap = 0; cap < len; cap++) {                                 \
      gw_out small = {malloc(cap + 2), 2, cap + 2};                          \
      assert_non_null(small.data);                                           \
      assert_int_equal(GW_ERR_FULL, gw_encode_##message(&small, &head, &m)); \
      assert_int_equal(2, small.len);                                        \
      free(small.data);                                                      \
    }                                                                        \
  }                                                                          \
  static void cut_##message(void) {                                          \
    gw_##message m;                                                          \
    gw_out out = {space, 0, sizeof space};                                   \
    fill_##message(&m, LARGEST);                                             \
    assert_int_equal(0, gw_encode_##message(&out, NULL, &m));                \
    for (size_t len = 0; len < out.len; len++) {                             \
      gw_##message back, empty;                                              \
      memset(&back, 0xA5, sizeof back);                                      \
      memset(&empty, 0, sizeof empty);                                       \
      gw_view body = heap_copy((gw_view){space, len});                       \
      int err = gw_decode_##message(body, &back);                            \
      heap_free(body);                                                       \
      if (err == 0) continue; /* cut between fields */                       \
      assert_int_equal(GW_ERR_PROTOCOL, err);                                \
      assert_memory_equal(&empty, &back, sizeof back);                       \
    }                                                                        \
  }
/* clang-format off */
GW_MESSAGES(X)
/* clang-format on */
#undef X

/* A field that FIELDS_message forgets stays rubbish. */
#define X(message)                                                \
  static void names_all_of_##message(void) {                      \
    gw_##message m, empty;                                        \
    gw_out out = {space, 0, sizeof space};                        \
    memset(&m, 0xA5, sizeof m);                                   \
    memset(&empty, 0, sizeof empty);                              \
    fill_##message(&m, NOTHING);                                  \
    assert_int_equal(0, gw_encode_##message(&out, NULL, &empty)); \
    size_t len = out.len;                                         \
    assert_int_equal(0, gw_encode_##message(&out, NULL, &m));     \
    assert_int_equal(2 * len, out.len);                           \
  }
/* clang-format off */
GW_MESSAGES(X)
/* clang-format on */
#undef X

static void the_tests_know_every_field(void **state) {
  (void)state;
#define X(message) names_all_of_##message();
  GW_MESSAGES(X)
#undef X
}

static void every_message_comes_back(void **state) {
  (void)state;
#define X(message)                \
  round_trip_##message(NOTHING);  \
  round_trip_##message(DISTINCT); \
  round_trip_##message(LARGEST);
  GW_MESSAGES(X)
#undef X
}

static void every_message_comes_back_in_a_frame(void **state) {
  (void)state;
#define X(message) frame_##message();
  GW_MESSAGES(X)
#undef X
}

static void every_message_may_be_cut_anywhere(void **state) {
  (void)state;
#define X(message) cut_##message();
  GW_MESSAGES(X)
#undef X
}

/* ---- bytes by hand ------------------------------------------------------- */

#define VIEW(text) ((gw_view){(const uint8_t *)(text), sizeof(text) - 1})

static void nothing_set_is_nothing_sent(void **state) {
  (void)state;
  gw_hello hello = {0};
  gw_out out = {NULL, 0, 0};
  assert_int_equal(0, gw_encode_hello(&out, NULL, &hello));
  assert_int_equal(0, out.len);
  assert_int_equal(0, gw_decode_hello((gw_view){NULL, 0}, &hello));
}

static void views_point_into_the_body(void **state) {
  (void)state;
  gw_publish m;
  gw_view body = VIEW("\x0a\x03"
                      "abc"
                      "\x12\x02"
                      "\0\xFF");
  assert_int_equal(0, gw_decode_publish(body, &m));
  assert_ptr_equal(body.data + 2, m.channel.data);
  assert_int_equal(3, m.channel.len);
  assert_ptr_equal(body.data + 7, m.data.data);
  assert_int_equal(2, m.data.len);
}

static void a_scalar_where_bytes_belong_is_refused(void **state) {
  (void)state;
  gw_publish m;
  gw_presence_diff diff;
  assert_int_equal(GW_ERR_PROTOCOL, gw_decode_publish(VIEW("\x08\x05"), &m));
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_publish(VIEW("\x0d\1\2\3\4"), &m));
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_publish(VIEW("\x09\1\2\3\4\5\6\7\x08"), &m));
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_presence_diff(VIEW("\x10\x05"), &diff));
}

static void bytes_where_a_scalar_belongs_are_refused(void **state) {
  (void)state;
  gw_ping ping;
  gw_welcome welcome;
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_ping(VIEW("\x0a\x01\x05"), &ping));
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_welcome(VIEW("\x30\x05"), &welcome));
}

static void numbers_over_their_width_are_refused(void **state) {
  (void)state;
  gw_hello hello;
  gw_close m;
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_hello(VIEW("\x08\xFF\xFF\xFF\xFF\x1F"), &hello));
  assert_int_equal(GW_ERR_PROTOCOL,
                   gw_decode_close(VIEW("\x08\xFF\xFF\xFF\xFF\x1F"), &m));
}

/** Publication.offset, of bytes that all go on but the last. */
static int decode_offset(size_t len, uint8_t last, uint64_t *offset) {
  uint8_t bytes[16] = {0x08};
  memset(bytes + 1, 0x81, len);
  bytes[len] = last;
  gw_view body = heap_copy((gw_view){bytes, len + 1});
  gw_publication m;
  int err = gw_decode_publication(body, &m);
  *offset = m.offset;
  heap_free(body);
  return err;
}

static void varints_have_up_to_64_bits(void **state) {
  (void)state;
  uint64_t expected = 0, offset;
  for (unsigned len = 1; len <= 10; len++) {
    expected |= UINT64_C(1) << (7 * (len - 1));
    assert_int_equal(0, decode_offset(len, 1, &offset));
    assert_true(offset == expected);
  }
  assert_int_equal(0, decode_offset(10, 0, &offset));
  assert_true(offset == (expected & INT64_MAX));
  assert_int_equal(GW_ERR_PROTOCOL, decode_offset(10, 2, &offset));
  assert_int_equal(GW_ERR_PROTOCOL, decode_offset(11, 0, &offset));
  assert_int_equal(GW_ERR_PROTOCOL, decode_offset(11, 1, &offset));
  assert_int_equal(GW_ERR_PROTOCOL, decode_offset(4, 0x81, &offset));
}

static void lengths_past_the_end_are_refused(void **state) {
  (void)state;
  static const char *const lens[] = {"\x02", "\x80\x01", "\xFF\xFF\xFF\xFF\x07",
                                     "\xFF\xFF\xFF\xFF\x0F",
                                     "\xFF\xFF\xFF\xFF\x7F"};
  static const uint8_t tags[] = {0x0A, 0x7A}; /* channel, and one not known */
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    for (size_t j = 0; j < sizeof tags; j++) {
      uint8_t bytes[16] = {tags[j]};
      size_t len = strlen(lens[i]);
      memcpy(bytes + 1, lens[i], len);
      bytes[1 + len] = 'a';
      gw_view body = heap_copy((gw_view){bytes, len + 2});
      gw_publish m;
      assert_int_equal(GW_ERR_PROTOCOL, gw_decode_publish(body, &m));
      heap_free(body);
    }
  }
}

static void fields_that_are_not_known_are_skipped(void **state) {
  (void)state;
  gw_publication m;
  assert_int_equal(0,
                   gw_decode_publication(VIEW("\xf8\xff\x03\x96\x01\x08\x05"
                                              "\xfa\xff\x03\x03"
                                              "abc"
                                              "\x28\x07\xfd\xff\x03\1\2\3\4"),
                                         &m));
  assert_int_equal(5, m.offset);
  assert_int_equal(7, m.key);
}

/** Wire types 3, 4 (groups), 6 and 7, and field number 0. */
static void keys_that_nothing_can_follow_are_refused(void **state) {
  (void)state;
  static const uint8_t keys[] = {0x7B, 0x7C, 0x7E, 0x7F, 0x00, 0x02};
  for (size_t i = 0; i < sizeof keys; i++) {
    const uint8_t bytes[] = {0x08, 0x05, keys[i], 0x00, 0x00};
    gw_publication m;
    assert_int_equal(GW_ERR_PROTOCOL,
                     gw_decode_publication((gw_view){bytes, 5}, &m));
    assert_int_equal(0, m.offset);
  }
}

static void enums_that_are_not_known_stay_numbers(void **state) {
  (void)state;
  gw_close m = {.code = 0xFFFFFFFEu};
  gw_out out = {space, 0, sizeof space};
  assert_int_equal(0, gw_encode_close(&out, NULL, &m));
  m.code = 0;
  assert_int_equal(0, gw_decode_close((gw_view){space, out.len}, &m));
  assert_int_equal(0xFFFFFFFEu, m.code);
}

static void a_nested_message_that_is_absent_is_zero(void **state) {
  (void)state;
  gw_presence_change m;
  memset(&m, 0xA5, sizeof m);
  assert_int_equal(0, gw_decode_presence_change(VIEW("\x08\x02"), &m));
  assert_int_equal(GW_PRESENCE_LEAVE, m.kind);
  assert_int_equal(0, m.member.client);
  assert_int_equal(0, m.member.user.len);
}

/* ---- lists --------------------------------------------------------------- */

static void a_list_may_lie_among_other_fields(void **state) {
  (void)state;
  gw_presence_snapshot m;
  gw_view item;
  assert_int_equal(0, gw_decode_presence_snapshot(VIEW("\x12\x01"
                                                       "a"
                                                       "\x08\x07"
                                                       "\xfa\xff\x03\x02"
                                                       "\x12\x00"
                                                       "\x12\x00"
                                                       "\x18\x01"
                                                       "\x12\x02"
                                                       "bc"),
                                                  &m));
  assert_int_equal(7, m.version);
  assert_true(m.more);
  assert_int_equal(3, m.members.num);
  assert_true(gw_list_next(&m.members, &item));
  assert_true(gw_view_eq(gw_view_of("a"), item));
  assert_true(gw_list_next(&m.members, &item));
  assert_int_equal(0, item.len);
  assert_int_equal(1, m.members.num);
  assert_true(gw_list_next(&m.members, &item));
  assert_true(gw_view_eq(gw_view_of("bc"), item));
  assert_false(gw_list_next(&m.members, &item));
  assert_false(gw_list_next(&m.members, &item));
}

static void a_list_of_items_is_walked_too(void **state) {
  (void)state;
  const gw_view items[] = {gw_view_of("x"), gw_view_of("y")};
  gw_list list = {.items = items, .num = 2};
  gw_view item;
  assert_true(gw_list_next(&list, &item));
  assert_true(gw_list_next(&list, &item));
  assert_true(gw_view_eq(gw_view_of("y"), item));
  assert_false(gw_list_next(&list, &item));
}

static void a_decoded_list_can_be_sent_on(void **state) {
  (void)state;
  gw_presence_diff m;
  gw_out out = {space, 0, sizeof space};
  gw_view body = VIEW("\x12\x02\x08\x01\x08\x04\x12\x02\x08\x02");
  assert_int_equal(0, gw_decode_presence_diff(body, &m));
  assert_int_equal(0, gw_encode_presence_diff(&out, NULL, &m));
  assert_int_equal(10, out.len);
  assert_memory_equal("\x08\x04\x12\x02\x08\x01\x12\x02\x08\x02", space, 10);
}

/** What does not fit leaves the list and what was written as they were. */
static void a_list_that_is_full_stays_as_it_was(void **state) {
  (void)state;
  gw_out out = {space, 0, 8};
  gw_list list = {0}, copy;
  assert_int_equal(0, gw_list_add_text(&out, &list, gw_view_of("abc")));
  assert_int_equal(GW_ERR_FULL,
                   gw_list_add_text(&out, &list, gw_view_of("defg")));
  assert_int_equal(1, list.num);
  assert_int_equal(5, out.len);
  assert_int_equal(GW_ERR_FULL, gw_list_copy(list, &out, &copy));
  assert_int_equal(5, out.len);
  assert_int_equal(0, gw_list_add_text(&out, &list, gw_view_of("d")));
  assert_int_equal(2, list.num);
}

static void a_list_is_copied_out_of_its_body(void **state) {
  (void)state;
  gw_presence_snapshot m;
  gw_view body = heap_copy(VIEW("\x12\x01"
                                "a"
                                "\x08\x07"
                                "\x12\x02"
                                "bc"));
  assert_int_equal(0, gw_decode_presence_snapshot(body, &m));
  gw_out out = {space, 0, gw_list_bytes(m.members)};
  gw_list copy;
  assert_in_range(out.cap, 7, sizeof space);
  assert_int_equal(0, gw_list_copy(m.members, &out, &copy));
  heap_free(body);
  gw_list whole = copy;
  gw_view item;
  assert_int_equal(2, copy.num);
  assert_true(gw_list_next(&copy, &item));
  assert_true(gw_view_eq(gw_view_of("a"), item));
  assert_true(gw_list_next(&copy, &item));
  assert_true(gw_view_eq(gw_view_of("bc"), item));
  assert_false(gw_list_next(&copy, &item));
  /* Each item, alone, is a field of the list. */
  assert_int_equal(7, whole.rest.len);
  assert_memory_equal("\x0a\x01"
                      "a\x0a\x02"
                      "bc",
                      whole.rest.data, 7);
}

/** Hosts make lists with gw_list_of and may be wrong about their number. */
static void a_list_ends_where_its_bytes_do(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t len;
    size_t num; /* items that are whole */
  } cases[] = {
      {"", 0, 0},
      {"\x0a\x01x", 3, 1},
      {"\x0a\x01x\x0a", 4, 1},          /* no length */
      {"\x0a\x01x\x0a\x02y", 6, 1},     /* cut */
      {"\x0a\x01x\x0b\x0a\x01y", 7, 1}, /* a group, which is not read */
      {"\x08\x05\x0a\x01x", 5, 1},      /* another field before */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gw_view bytes =
        heap_copy((gw_view){(const uint8_t *)cases[i].bytes, cases[i].len});
    gw_list list = gw_list_of(bytes, 3);
    gw_view item;
    size_t num = 0;
    while (gw_list_next(&list, &item)) {
      num++;
      assert_true(gw_view_eq(gw_view_of("x"), item));
    }
    assert_int_equal(cases[i].num, num);
    heap_free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tests_know_every_field),
      cmocka_unit_test(every_message_comes_back),
      cmocka_unit_test(every_message_comes_back_in_a_frame),
      cmocka_unit_test(every_message_may_be_cut_anywhere),
      cmocka_unit_test(nothing_set_is_nothing_sent),
      cmocka_unit_test(views_point_into_the_body),
      cmocka_unit_test(a_scalar_where_bytes_belong_is_refused),
      cmocka_unit_test(bytes_where_a_scalar_belongs_are_refused),
      cmocka_unit_test(numbers_over_their_width_are_refused),
      cmocka_unit_test(varints_have_up_to_64_bits),
      cmocka_unit_test(lengths_past_the_end_are_refused),
      cmocka_unit_test(fields_that_are_not_known_are_skipped),
      cmocka_unit_test(keys_that_nothing_can_follow_are_refused),
      cmocka_unit_test(enums_that_are_not_known_stay_numbers),
      cmocka_unit_test(a_nested_message_that_is_absent_is_zero),
      cmocka_unit_test(a_list_may_lie_among_other_fields),
      cmocka_unit_test(a_list_of_items_is_walked_too),
      cmocka_unit_test(a_decoded_list_can_be_sent_on),
      cmocka_unit_test(a_list_that_is_full_stays_as_it_was),
      cmocka_unit_test(a_list_is_copied_out_of_its_body),
      cmocka_unit_test(a_list_ends_where_its_bytes_do),
  };
  return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
