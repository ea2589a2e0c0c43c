/* SPDX-License-Identifier: MIT */
/* json_write.c - binary messages to lines of JSON. The text is written straight
 * from what protobuf-c decoded, without a tree in between: a publication for a
 * thousand JSON readers costs this once. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"
#include "server/core/json_schema.h"

/* ---- text -----------------------------------------------------------------
 */

/** Growing text. After a failure it takes nothing more and says so at the end.
 */
typedef struct text {
  char *at;
  size_t len;
  size_t cap;
  bool failed;
} text;

static char *reserve(text *t, size_t num) {
  if (t->failed) return NULL;
  if (t->cap - t->len < num) {
    size_t cap = (t->len + num) * 2;
    char *at = realloc(t->at, cap);
    if (at == NULL) {
      t->failed = true;
      return NULL;
    }
    t->at = at;
    t->cap = cap;
  }
  return t->at + t->len;
}

static void put(text *t, const char *bytes, size_t len) {
  char *to = reserve(t, len);
  if (to == NULL) return;
  memcpy(to, bytes, len);
  t->len += len;
}

static void put_text(text *t, const char *bytes) {
  put(t, bytes, strlen(bytes));
}

static void put_unsigned(text *t, uint64_t value) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%" PRIu64, value);
  put(t, digits, (size_t)len);
}

static void put_signed(text *t, int64_t value) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%" PRId64, value);
  put(t, digits, (size_t)len);
}

/** RFC 8259, 7: a quote, a backslash and control characters are escaped. */
static void put_escape(text *t, unsigned char c) {
  static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  char escape[8];
  for (const char *s = short_forms; *s != '\0'; s += 2) {
    if ((unsigned char)s[0] != c) continue;
    put(t, (char[]){'\\', s[1]}, 2);
    return;
  }
  int len = snprintf(escape, sizeof escape, "\\u%04x", c);
  put(t, escape, (size_t)len);
}

static void put_string(text *t, const char *string) {
  gw_view v = gw_view_of(string);
  if (!gw_view_is_text(v)) {
    t->failed = true;
    return;
  }
  put(t, "\"", 1);
  size_t start = 0;
  for (size_t i = 0; i < v.len; i++) {
    unsigned char c = v.data[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    put(t, string + start, i - start);
    put_escape(t, c);
    start = i + 1;
  }
  put(t, string + start, v.len - start);
  put(t, "\"", 1);
}

/** RFC 4648, 4, with padding. */
static void put_base64(text *t, const uint8_t *data, size_t len) {
  static const char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *to = reserve(t, (len + 2) / 3 * 4 + 2);
  if (to == NULL) return;
  *to++ = '"';
  for (size_t i = 0; i < len; i += 3) {
    size_t left = len - i;
    uint32_t bits = (uint32_t)data[i] << 16;
    if (left > 1) bits |= (uint32_t)data[i + 1] << 8;
    if (left > 2) bits |= data[i + 2];
    *to++ = alphabet[bits >> 18];
    *to++ = alphabet[bits >> 12 & 63];
    *to++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
    *to++ = left > 2 ? alphabet[bits & 63] : '=';
  }
  *to++ = '"';
  t->len = (size_t)(to - t->at);
}

/** The key of a member, with what stands before it. */
static void put_key(text *t, const char *name, bool *is_first) {
  char camel[GW__JSON_NAME_MAX];
  put(t, ",\"", *is_first ? 0 : 1);
  *is_first = false;
  put(t, "\"", 1);
  put(t, camel, gw__json_name(camel, name));
  put(t, "\":", 2);
}

/* ---- values ---------------------------------------------------------------
 */

static void put_message(text *t, const ProtobufCMessage *message);

static void put_enum(text *t, const ProtobufCEnumDescriptor *type, int value) {
  const ProtobufCEnumValue *known =
      protobuf_c_enum_descriptor_get_value(type, value);
  if (known == NULL) {
    put_signed(t, value);
    return;
  }
  put(t, "\"", 1);
  put_text(t, known->name);
  put(t, "\"", 1);
}

static void put_quoted(text *t, uint64_t value) {
  put(t, "\"", 1);
  put_unsigned(t, value);
  put(t, "\"", 1);
}

static uint32_t get_u32(const void *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint64_t get_u64(const void *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

/** A message Json: the value that its text is. Nobody has looked at a client's
 * text yet; what is no JSON goes out as a string. */
static void put_any(text *t, const ProtobufCMessage *message) {
  const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];
  const char *json =
      *(char *const *)(const void *)((const char *)message + field->offset);
  json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
  if (value != NULL)
    put_text(t, json);
  else
    put_string(t, json);
  json_decref(value);
}

static void put_value(text *t, const ProtobufCFieldDescriptor *field,
                      const void *at) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_UINT32:
    put_unsigned(t, get_u32(at));
    return;
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    put_quoted(t, get_u64(at));
    return;
  case PROTOBUF_C_TYPE_BOOL:
    put_text(t, *(const protobuf_c_boolean *)at ? "true" : "false");
    return;
  case PROTOBUF_C_TYPE_ENUM:
    put_enum(t, field->descriptor, (int)get_u32(at));
    return;
  case PROTOBUF_C_TYPE_STRING:
    put_string(t, *(char *const *)at);
    return;
  case PROTOBUF_C_TYPE_BYTES: {
    const ProtobufCBinaryData *bytes = at;
    put_base64(t, bytes->data, bytes->len);
    return;
  }
  case PROTOBUF_C_TYPE_MESSAGE:
    if (gw__json_is_any(field->descriptor))
      put_any(t, *(ProtobufCMessage *const *)at);
    else
      put_message(t, *(ProtobufCMessage *const *)at);
    return;
  default:
    assert(!"the schema has no other types; a test holds it to that");
  }
}

/** Whether a field that is not repeated holds what its absence means. */
static bool is_default(const ProtobufCFieldDescriptor *field, const void *at) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    return get_u64(at) == 0;
  case PROTOBUF_C_TYPE_BOOL:
    return !*(const protobuf_c_boolean *)at;
  case PROTOBUF_C_TYPE_STRING:
    return **(char *const *)at == '\0';
  case PROTOBUF_C_TYPE_BYTES:
    return ((const ProtobufCBinaryData *)at)->len == 0;
  case PROTOBUF_C_TYPE_MESSAGE:
    return *(ProtobufCMessage *const *)at == NULL;
  default:
    return get_u32(at) == 0;
  }
}

/** A repeated field: only messages and texts are repeated, so the items are
 * pointers. */
static void put_list(text *t, const ProtobufCFieldDescriptor *field,
                     const void *const *items, size_t num) {
  put(t, "[", 1);
  for (size_t i = 0; i < num; i++) {
    if (i > 0) put(t, ",", 1);
    put_value(t, field, &items[i]);
  }
  put(t, "]", 1);
}

static void put_message(text *t, const ProtobufCMessage *message) {
  const char *base = (const char *)message;
  const ProtobufCMessageDescriptor *type = message->descriptor;
  bool is_first = true;
  put(t, "{", 1);
  for (unsigned i = 0; i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    const void *at = base + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
      size_t num =
          *(const size_t *)(const void *)(base + field->quantifier_offset);
      if (num == 0) continue;
      put_key(t, field->name, &is_first);
      put_list(t, field, *(const void *const *const *)at, num);
    } else if (!is_default(field, at)) {
      put_key(t, field->name, &is_first);
      put_value(t, field, at);
    }
  }
  put(t, "}", 1);
}

/* ---- frames ---------------------------------------------------------------
 */

/** Memory for one decoded message; most need no more, the others the heap. */
typedef struct arena {
  size_t used;
  alignas(max_align_t) unsigned char block[4096];
} arena;

static void *arena_alloc(void *user, size_t size) {
  arena *a = user;
  const size_t unit = alignof(max_align_t);
  if (size == 0) size = 1; /* so that its address is inside the block */
  if (size > sizeof a->block) return malloc(size);
  size_t aligned = (size + unit - 1) / unit * unit;
  if (sizeof a->block - a->used < aligned) return malloc(size);
  void *at = a->block + a->used;
  a->used += aligned;
  return at;
}

static void arena_free(void *user, void *ptr) {
  arena *a = user;
  uintptr_t at = (uintptr_t)ptr;
  uintptr_t block = (uintptr_t)a->block;
  if (at < block || at >= block + sizeof a->block) free(ptr);
}

static void put_body(text *t, const ProtobufCMessageDescriptor *type,
                     gw_view body) {
  arena a;
  a.used = 0;
  ProtobufCAllocator allocator = {arena_alloc, arena_free, &a};
  ProtobufCMessage *message =
      protobuf_c_message_unpack(type, &allocator, body.len, body.data);
  if (message == NULL) {
    t->failed = true;
    return;
  }
  put_message(t, message);
  protobuf_c_message_free_unpacked(message, &allocator);
}

static void put_flag(text *t, const char *name, bool is_set, bool *is_first) {
  if (!is_set) return;
  put_key(t, name, is_first);
  put_text(t, "true");
}

static void put_number(text *t, const char *name, uint32_t value,
                       bool *is_first) {
  if (value == 0) return;
  put_key(t, name, is_first);
  put_unsigned(t, value);
}

static void put_frame(text *t, const gw_frame *frame) {
  const gw_head *head = &frame->head;
  const gw__json_type *type = gw__json_type_of(head->type);
  bool is_first = true;
  if (type == NULL && gw_type_is_ignorable(head->type)) return;
  if (type == NULL || (head->flags & GW_FLAG_COMPRESSED) != 0) {
    t->failed = true;
    return;
  }
  if (t->len > 0) put(t, "\n", 1);
  put(t, "{", 1);
  put_number(t, "id", head->request, &is_first);
  put_number(t, "channel", head->channel, &is_first);
  put_flag(t, "alias", head->flags & GW_FLAG_ALIAS, &is_first);
  put_flag(t, "more", head->flags & GW_FLAG_MORE, &is_first);
  put_flag(t, "own", head->flags & GW_FLAG_OWN, &is_first);
  put_key(t, type->name, &is_first);
  put_body(t, type->message, frame->body);
  put(t, "}", 1);
}

gw_buf *gw_json_from_message(gw_view message) {
  text t = {0};
  gw_buf *made = NULL;
  (void)reserve(&t, message.len * 2 + 64);
  while (message.len > 0 && !t.failed) {
    gw_frame frame;
    int64_t used = gw_frame_parse(message, GW_MAX_FRAME_BYTES_HARD, &frame);
    if (used <= 0) {
      t.failed = true;
      break;
    }
    put_frame(&t, &frame);
    message.data += used;
    message.len -= (size_t)used;
  }
  if (!t.failed) {
    made = gw_buf_new((gw_view){(const uint8_t *)t.at, t.len}, true);
  }
  free(t.at);
  return made;
}

char *gw_json_of_message(const ProtobufCMessageDescriptor *type,
                         gw_view message, size_t *len) {
  text t = {0};
  (void)reserve(&t, message.len * 2 + 64);
  put_body(&t, type, message);
  put(&t, "", 1);
  *len = t.len - 1;
  if (!t.failed) return t.at;
  free(t.at);
  return NULL;
}

gw_buf *gw_buf_json(gw_buf *b) {
  if (b->is_text) return b;
  gw_buf *twin = atomic_load_explicit(&b->json, memory_order_acquire);
  if (twin != NULL) return twin;
  gw_buf *made = gw_json_from_message(gw_buf_payload(b));
  if (made == NULL) return NULL;
  /* Several workers may have begun: the first one's stays, for all of them. */
  if (atomic_compare_exchange_strong_explicit(
          &b->json, &twin, made, memory_order_acq_rel, memory_order_acquire)) {
    return made;
  }
  gw_buf_unref(made);
  return twin;
}
