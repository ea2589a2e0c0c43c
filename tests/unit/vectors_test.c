/* SPDX-License-Identifier: MIT */
/* vectors_test.c - the golden vectors of tests/vectors, read by the codec, by
 * nanopb and by protobuf-c; check.py beside them reads them with
 * python3-protobuf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#include "tests/vectors/agree.h"
#include "tests/vectors/nanopb.h"

#define MAX_VECTORS 1000

/* ---- JSON against protobuf-c's descriptors ------------------------------- */

static void check_object(const ProtobufCMessage *m, json_t *fields);

static uint64_t number_of(json_t *value) {
  if (json_is_string(value))
    return strtoull(json_string_value(value), NULL, 10);
  assert_true(json_is_integer(value));
  return (uint64_t)json_integer_value(value);
}

static void check_enum(const ProtobufCEnumDescriptor *desc, uint32_t got,
                       json_t *want) {
  if (json_is_integer(want)) {
    assert_int_equal(number_of(want), got);
    return;
  }
  const ProtobufCEnumValue *value =
      protobuf_c_enum_descriptor_get_value_by_name(desc,
                                                   json_string_value(want));
  assert_non_null(value);
  assert_int_equal(value->value, got);
}

static void check_bytes(ProtobufCBinaryData got, json_t *want) {
  uint8_t bytes[256];
  size_t len;
  assert_int_equal(0, sodium_base642bin(bytes, sizeof bytes,
                                        json_string_value(want),
                                        json_string_length(want), NULL, &len,
                                        NULL, sodium_base64_VARIANT_ORIGINAL));
  assert_int_equal(len, got.len);
  assert_memory_equal(bytes, got.data, len);
}

static void check_value(const ProtobufCFieldDescriptor *field, const void *got,
                        json_t *want) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_UINT32:
    assert_int_equal(number_of(want), *(const uint32_t *)got);
    break;
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    assert_int_equal(number_of(want), *(const uint64_t *)got);
    break;
  case PROTOBUF_C_TYPE_BOOL:
    assert_int_equal(json_is_true(want), *(const protobuf_c_boolean *)got);
    break;
  case PROTOBUF_C_TYPE_ENUM:
    check_enum(field->descriptor, *(const uint32_t *)got, want);
    break;
  case PROTOBUF_C_TYPE_STRING:
    assert_string_equal(json_string_value(want), *(char *const *)got);
    break;
  case PROTOBUF_C_TYPE_BYTES:
    check_bytes(*(const ProtobufCBinaryData *)got, want);
    break;
  case PROTOBUF_C_TYPE_MESSAGE:
    assert_non_null(*(void *const *)got);
    check_object(*(ProtobufCMessage *const *)got, want);
    break;
  default:
    fail_msg("no check for the type of %s", field->name);
  }
}

static void check_object(const ProtobufCMessage *m, json_t *fields) {
  const char *name;
  json_t *want;
  json_object_foreach(fields, name, want) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
    assert_non_null(field);
    const uint8_t *got = (const uint8_t *)m + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
      check_value(field, got, want);
      continue;
    }
    const void *num = (const uint8_t *)m + field->quantifier_offset;
    assert_int_equal(json_array_size(want), *(const size_t *)num);
    void *const *items = *(void *const *const *)(const void *)got;
    for (size_t i = 0; i < json_array_size(want); i++)
      check_value(field, &items[i], json_array_get(want, i));
  }
}

/* ---- one frame ----------------------------------------------------------- */

/** What is known about a frame. */
typedef struct expectation {
  json_t *json;
  bool is_refused;
  bool is_lax;
} expectation;

static void check_hex(const char *hex, gw_view got) {
  uint8_t bytes[256];
  size_t len;
  assert_int_equal(0, sodium_hex2bin(bytes, sizeof bytes, hex, strlen(hex),
                                     NULL, &len, NULL));
  assert_int_equal(len, got.len);
  assert_memory_equal(bytes, got.data, len);
}

static void check_packed(const ProtobufCMessage *m, gw_view body) {
  uint8_t *packed = malloc(protobuf_c_message_get_packed_size(m) + 1);
  assert_non_null(packed);
  assert_int_equal(body.len, protobuf_c_message_pack(m, packed));
  assert_memory_equal(body.data, packed, body.len);
  free(packed);
}

static void check_encoded(const gw_out *out, const gw_frame *frame) {
  gw_frame again;
  gw_view encoded = {out->data, out->len};
  assert_int_equal(out->len,
                   gw_frame_parse(encoded, GW_MAX_FRAME_BYTES, &again));
  assert_int_equal(frame->head.type, again.head.type);
  assert_int_equal(frame->head.flags, again.head.flags);
  assert_int_equal(frame->head.request, again.head.request);
  assert_int_equal(frame->head.channel, again.head.channel);
  assert_int_equal(frame->body.len, again.body.len);
  assert_memory_equal(frame->body.data, again.body.data, again.body.len);
}

/** Cut anywhere, both codecs take the body, or both refuse it. */
#define X(TYPE, ours, theirs, Theirs)                                 \
  static void cut_##TYPE(gw_view body) {                              \
    for (size_t len = 0; len < body.len; len++) {                     \
      gw_##ours m;                                                    \
      uint8_t *copy = malloc(len + 1); /* one byte more: no size 0 */ \
      assert_non_null(copy);                                          \
      memcpy(copy + 1, body.data, len);                               \
      int err = gw_decode_##ours((gw_view){copy + 1, len}, &m);       \
      ProtobufCMessage *pbc = protobuf_c_message_unpack(              \
          &godwit__v1__##theirs##__descriptor, NULL, len, copy + 1);  \
      assert_int_equal(pbc != NULL ? 0 : GW_ERR_PROTOCOL, err);       \
      if (pbc != NULL) protobuf_c_message_free_unpacked(pbc, NULL);   \
      free(copy);                                                     \
    }                                                                 \
  }
FRAME_BODIES(X)
#undef X

#define X(TYPE, ours, theirs, Theirs)                                        \
  static void check_##TYPE(const gw_frame *frame, const expectation *e) {    \
    gw_##ours m;                                                             \
    int err = gw_decode_##ours(frame->body, &m);                             \
    ProtobufCMessage *pbc =                                                  \
        protobuf_c_message_unpack(&godwit__v1__##theirs##__descriptor, NULL, \
                                  frame->body.len, frame->body.data);        \
    if (e->is_refused) {                                                     \
      assert_int_equal(GW_ERR_PROTOCOL, err);                                \
      assert_null(pbc);                                                      \
      return;                                                                \
    }                                                                        \
    assert_int_equal(0, err);                                                \
    assert_non_null(pbc);                                                    \
    const char *differs =                                                    \
        agree_##theirs(&m, (const Godwit__V1__##Theirs *)(void *)pbc);       \
    if (differs != NULL) fail_msg("the codecs differ in %s", differs);       \
    check_object(pbc, json_object_get(e->json, "fields"));                   \
    if (!e->is_lax) {                                                        \
      static uint8_t space[GW_MAX_FRAME_BYTES + GW_FRAME_PREFIX_MAX];        \
      gw_out out = {space, 0, sizeof space};                                 \
      check_packed(pbc, frame->body);                                        \
      assert_int_equal(0, gw_encode_##ours(&out, &frame->head, &m));         \
      check_encoded(&out, frame);                                            \
    }                                                                        \
    protobuf_c_message_free_unpacked(pbc, NULL);                             \
    cut_##TYPE(frame->body);                                                 \
  }
FRAME_BODIES(X)
#undef X

static void check_body(const gw_frame *frame, const expectation *e) {
  const char *differs = nanopb_differs(frame->head.type, frame->body);
  if (differs != NULL) fail_msg("%s", differs);
  const char *hex = json_string_value(json_object_get(e->json, "body"));
  if (hex != NULL) {
    check_hex(hex, frame->body);
    return;
  }
  switch (frame->head.type) {
#define X(TYPE, ours, theirs, Theirs) \
  case GW_FRAME_##TYPE:               \
    check_##TYPE(frame, e);           \
    break;
    FRAME_BODIES(X)
#undef X
  default:
    assert_int_equal(0, frame->body.len);
  }
}

/* ---- one vector ---------------------------------------------------------- */

typedef struct progress {
  json_t *vector;
  size_t num_frames;
} progress;

static uint32_t head_number(json_t *frame, const char *name) {
  return (uint32_t)json_integer_value(json_object_get(frame, name));
}

static int on_frame(void *user, const gw_frame *frame) {
  progress *p = user;
  expectation e = {
      .json =
          json_array_get(json_object_get(p->vector, "frames"), p->num_frames++),
      .is_refused = json_object_get(p->vector, "error") != NULL,
      .is_lax = json_object_get(p->vector, "lax") != NULL,
  };
  assert_non_null(e.json);
  assert_int_equal(head_number(e.json, "type"), frame->head.type);
  assert_int_equal(head_number(e.json, "flags"), frame->head.flags);
  assert_int_equal(head_number(e.json, "request"), frame->head.request);
  assert_int_equal(head_number(e.json, "channel"), frame->head.channel);
  check_body(frame, &e);
  return 0;
}

static int expected_result(json_t *vector) {
  const char *error = json_string_value(json_object_get(vector, "error"));
  if (error == NULL || strcmp(error, "BODY") == 0) return 0;
  return strcmp(error, "FRAME") == 0 ? GW_ERR_PROTOCOL : GW_ERR_PEER_TOO_BIG;
}

static void check_fed(json_t *vector, gw_view in, size_t step) {
  progress p = {vector, 0};
  gw_reader r;
  int err = 0;
  gw_reader_init(&r, gw_alloc_libc, GW_MAX_FRAME_BYTES);
  for (size_t at = 0; err == 0 && at < in.len; at += step) {
    size_t num = in.len - at < step ? in.len - at : step;
    err = gw_reader_feed(&r, (gw_view){in.data + at, num}, on_frame, &p);
  }
  assert_int_equal(expected_result(vector), err);
  assert_int_equal(json_array_size(json_object_get(vector, "frames")),
                   p.num_frames);
  if (err == 0) assert_true(gw_reader_is_empty(&r));
  gw_reader_deinit(&r);
}

static void test_vector(void **state) {
  json_t *vector = *state;
  json_t *hex = json_object_get(vector, "hex");
  size_t max = json_string_length(hex) / 2;
  size_t len;
  uint8_t *bytes = malloc(max + 1);
  assert_non_null(bytes);
  assert_int_equal(0,
                   sodium_hex2bin(bytes, max, json_string_value(hex),
                                  json_string_length(hex), NULL, &len, NULL));
  check_fed(vector, (gw_view){bytes, len}, len);
  check_fed(vector, (gw_view){bytes, len}, 1);
  free(bytes);
}

/* ---- the files ----------------------------------------------------------- */

static int is_json(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot != NULL && strcmp(dot, ".json") == 0;
}

/** All vectors of the folder in one array, owned by the caller. */
static json_t *load_vectors(const char *folder) {
  json_t *all = json_array();
  struct dirent **entries = NULL;
  int num = scandir(folder, &entries, is_json, alphasort);
  for (int i = 0; i < num; i++) {
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    json_t *some = json_load_file(path, 0, &error);
    if (some == NULL) {
      fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
      exit(1);
    }
    json_array_extend(all, some);
    json_decref(some);
    free(entries[i]);
  }
  free(entries);
  return all;
}

int main(void) {
  const char *folder = getenv("GODWIT_VECTORS");
  json_t *vectors = load_vectors(folder != NULL ? folder : "tests/vectors");
  static struct CMUnitTest tests[MAX_VECTORS];
  size_t num = json_array_size(vectors);
  if (num == 0 || num > MAX_VECTORS) {
    fprintf(stderr, "%zu vectors; run from the root of the tree\n", num);
    return 1;
  }
  for (size_t i = 0; i < num; i++) {
    json_t *vector = json_array_get(vectors, i);
    tests[i] = (struct CMUnitTest){
        .name = json_string_value(json_object_get(vector, "name")),
        .test_func = test_vector,
        .initial_state = vector,
    };
  }
  int failed = _cmocka_run_group_tests("vectors", tests, num, NULL, NULL);
  json_decref(vectors);
  return failed;
}
