/* SPDX-License-Identifier: MIT */
/* codec.c - messages to bytes and back: one walker over tables that are made
 * from the schema (gen_codec.py).
 *
 * A message of Protocol Buffers is a row of fields, each a tag (number and wire
 * type) and a value. The walker knows the few kinds of values that the schema
 * has, and reads and writes the structs of wire.h in place, so that nothing is
 * copied twice. nanopb, protobuf-c and Python's protobuf, which tests hold this
 * to, are general: nanopb took three times the bytes of the browser's module and
 * ten times the instructions (docs/architecture.md).
 */
#include <string.h>

#include "codec_table.inc"
#include "frame.h"

/* ---- tables -------------------------------------------------------------- */

/* protobuf.dev/programming-guides/encoding; groups are not read. */
enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

#define WIRE_U32    WIRE_VARINT
#define WIRE_U64    WIRE_VARINT
#define WIRE_BOOL   WIRE_VARINT
#define WIRE_F64    WIRE_64
#define WIRE_VIEW   WIRE_BYTES
#define WIRE_LIST   WIRE_BYTES
#define WIRE_NESTED WIRE_BYTES

/* Above NESTED: NESTED plus the number of the message. */
enum kind { U32, U64, F64, BOOL, VIEW, LIST, NESTED };

/** What stands before a value: number and wire type. gen_codec.py keeps numbers
 * below 32. */
#define KEY(tag, kind) (uint8_t)((unsigned)(tag) << 3 | WIRE_##kind)

typedef struct field {
  uint8_t key;
  uint8_t kind;
  uint16_t offset; /* in the struct */
} field;

typedef struct message {
  uint16_t first; /* field */
  uint8_t num;
  uint16_t size; /* of the struct */
} message;

#define TYPE_U32  uint32_t
#define TYPE_U64  uint64_t
#define TYPE_F64  uint64_t
#define TYPE_BOOL bool
#define TYPE_VIEW gw_view
#define TYPE_LIST gw_list

/* The struct's field has to be of the kind that the schema says. */
#define CHECKED(type, struct_, name)        \
  (uint16_t)(offsetof(gw_##struct_, name) + \
             0 * sizeof(char[_Generic(((gw_##struct_ *)0)->name, type : 1)]))

static const field fields[] = {
#define F(struct_, tag, kind, name) \
  {KEY(tag, kind), kind, CHECKED(TYPE_##kind, struct_, name)},
#define N(struct_, tag, name, nested)              \
  {KEY(tag, NESTED), NESTED + GW_MESSAGE_##nested, \
   CHECKED(gw_##nested, struct_, name)},
    GW__FIELD_TABLE(F, N)
#undef F
#undef N
};

static const message messages[GW_NUM_MESSAGES] = {
#define M(name, first, num) \
  [GW_MESSAGE_##name] = {first, num, sizeof(gw_##name)},
    GW__MESSAGE_TABLE(M)
#undef M
};

/* ---- writing ------------------------------------------------------------- */

/** A number of up to 64 bits and a key before it. */
#define NUMBER_MAX 12u

static uint8_t *put_varint(uint8_t *at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = (uint8_t)(value | 0x80u);
    value >>= 7;
  }
  *at++ = (uint8_t)value;
  return at;
}

/** Little-endian; one store, as compilers see it. */
static uint8_t *put_fixed64(uint8_t *at, uint64_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
  at[2] = (uint8_t)(value >> 16);
  at[3] = (uint8_t)(value >> 24);
  at[4] = (uint8_t)(value >> 32);
  at[5] = (uint8_t)(value >> 40);
  at[6] = (uint8_t)(value >> 48);
  at[7] = (uint8_t)(value >> 56);
  return at + 8;
}

static uint8_t *put_key(uint8_t *at, const field *f) {
  return put_varint(at, f->key);
}

/** Append to out what stands between two places of a small buffer. */
static bool append(gw_out *out, const uint8_t *from, size_t len) {
  if (out->cap - out->len < len) return false;
  if (len != 0) memcpy(out->data + out->len, from, len);
  out->len += len;
  return true;
}

static bool write_number(gw_out *out, const field *f, uint64_t value) {
  uint8_t bytes[NUMBER_MAX];
  bool has_room = out->cap - out->len >= NUMBER_MAX; /* nearly always */
  uint8_t *start = has_room ? out->data + out->len : bytes;
  uint8_t *at = put_key(start, f);
  at = f->kind == F64 ? put_fixed64(at, value) : put_varint(at, value);
  if (!has_room) return append(out, bytes, (size_t)(at - bytes));
  out->len += (size_t)(at - start);
  return true;
}

static bool write_view(gw_out *out, const field *f, gw_view v) {
  uint8_t bytes[NUMBER_MAX];
  uint8_t *at = put_varint(put_key(bytes, f), v.len);
  return append(out, bytes, (size_t)(at - bytes)) && append(out, v.data, v.len);
}

static bool write_list(gw_out *out, const field *f, gw_list list) {
  gw_view item;
  while (gw_list_next(&list, &item)) {
    if (!write_view(out, f, item)) return false;
  }
  return true;
}

static bool write_fields(gw_out *out, enum gw_message_id id,
                         const uint8_t *from);

/** Its length stands in front and is known only afterwards: writing once and
 * moving what was written is cheaper than writing twice. */
static bool write_nested(gw_out *out, const field *f, const uint8_t *from) {
  uint8_t bytes[NUMBER_MAX];
  size_t start = out->len;
  if (!write_fields(out, (enum gw_message_id)(f->kind - NESTED), from))
    return false;
  size_t len = out->len - start;
  size_t front = (size_t)(put_varint(put_key(bytes, f), len) - bytes);
  if (out->cap - out->len < front) return false;
  memmove(out->data + start + front, out->data + start, len);
  memcpy(out->data + start, bytes, front);
  out->len += front;
  return true;
}

static bool write_field(gw_out *out, const field *f, const uint8_t *from) {
  switch (f->kind) {
  case U32:
    return write_number(out, f, *(const uint32_t *)(const void *)from);
  case U64:
  case F64:
    return write_number(out, f, *(const uint64_t *)(const void *)from);
  case BOOL:
    return write_number(out, f, *(const bool *)(const void *)from);
  case VIEW:
    return write_view(out, f, *(const gw_view *)(const void *)from);
  case LIST:
    return write_list(out, f, *(const gw_list *)(const void *)from);
  default:
    return write_nested(out, f, from);
  }
}

/** Whether a field holds the default, which is not sent. Most do. */
static bool is_default(const field *f, const uint8_t *from) {
  switch (f->kind) {
  case U32:
    return *(const uint32_t *)(const void *)from == 0;
  case U64:
  case F64:
    return *(const uint64_t *)(const void *)from == 0;
  case BOOL:
    return !*(const bool *)(const void *)from;
  case VIEW:
    return ((const gw_view *)(const void *)from)->len == 0;
  case LIST:
    return ((const gw_list *)(const void *)from)->num == 0;
  default:
    return false;
  }
}

static bool write_fields(gw_out *out, enum gw_message_id id,
                         const uint8_t *from) {
  const field *f = &fields[messages[id].first];
  for (const field *end = f + messages[id].num; f < end; f++) {
    const uint8_t *at = from + f->offset;
    if (!is_default(f, at) && !write_field(out, f, at)) return false;
  }
  return true;
}

/** Put a frame's head before a body that was written at the end of out. */
static int put_head(gw_out *out, const gw_head *head, size_t start) {
  uint8_t front[GW_FRAME_HEAD_MAX];
  size_t body_len = out->len - start;
  int front_len = gw__head_put(front, head, body_len);
  if (front_len < 0) return front_len;
  if (out->cap - out->len < (size_t)front_len) return GW_ERR_FULL;
  uint8_t *to = out->data + start;
  memmove(to + front_len, to, body_len);
  memcpy(to, front, (size_t)front_len);
  out->len += (size_t)front_len;
  return 0;
}

int gw_encode(gw_out *out, const gw_head *head, enum gw_message_id id,
              const void *m) {
  size_t start = out->len;
  int err = GW_ERR_FULL;
  if (write_fields(out, id, m))
    err = head != NULL ? put_head(out, head, start) : 0;
  if (err < 0) out->len = start;
  return err;
}

/* ---- reading ------------------------------------------------------------- */

/* These read at a place and return the one behind; NULL when what stands there
 * is cut or broken. */

/** A varint of up to 64 bits. */
static const uint8_t *read_long_varint(const uint8_t *at, const uint8_t *end,
                                       uint64_t *value) {
  /* 64-bit shifts are dear where numbers have 32 (wasm2js), and most need none. */
  uint64_t sum = 0;
  uint32_t low = 0;
  for (unsigned shift = 0; at != end && shift < 64; shift += 7) {
    uint32_t byte = *at++;
    if (shift < 28)
      low |= (byte & 0x7Fu) << shift;
    else
      sum |= (uint64_t)(byte & 0x7Fu) << shift;
    if (byte >= 0x80) continue;
    *value = sum | low;
    return shift == 63 && byte > 1 ? NULL : at;
  }
  return NULL;
}

static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end,
                                         uint64_t *value) {
  if (at == end || *at >= 0x80) return read_long_varint(at, end, value);
  *value = *at;
  return at + 1;
}

static const uint8_t *read_view(const uint8_t *at, const uint8_t *end,
                                gw_view *bytes) {
  uint64_t len;
  at = read_varint(at, end, &len);
  if (at == NULL || len > (size_t)(end - at)) return NULL;
  *bytes = (gw_view){at, (size_t)len};
  return at + len;
}

static const uint8_t *read_fixed64(const uint8_t *at, const uint8_t *end,
                                   uint64_t *value) {
  if (end - at < 8) return NULL;
  *value = (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
           (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 |
           (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
  return at + 8;
}

/** What stands before a value. */
static const uint8_t *read_key(const uint8_t *at, const uint8_t *end,
                               uint32_t *key) {
  uint64_t number;
  at = read_varint(at, end, &number);
  if (at == NULL || number > UINT32_MAX || number >> 3 == 0) return NULL;
  *key = (uint32_t)number;
  return at;
}

/** A value that nobody here knows. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end,
                           unsigned wire) {
  uint64_t number;
  gw_view bytes;
  switch (wire) {
  case WIRE_VARINT:
    return read_varint(at, end, &number);
  case WIRE_64:
    return end - at < 8 ? NULL : at + 8;
  case WIRE_BYTES:
    return read_view(at, end, &bytes);
  case WIRE_32:
    return end - at < 4 ? NULL : at + 4;
  default:
    return NULL;
  }
}

static const uint8_t *read_u32(const uint8_t *at, const uint8_t *end,
                               uint32_t *to) {
  uint64_t number;
  at = read_varint(at, end, &number);
  if (at == NULL || number > UINT32_MAX) return NULL;
  *to = (uint32_t)number;
  return at;
}

static const uint8_t *read_bool(const uint8_t *at, const uint8_t *end,
                                bool *to) {
  uint64_t number;
  at = read_varint(at, end, &number);
  if (at != NULL) *to = number != 0;
  return at;
}

/** The items stay in the body, among its other fields, for gw_list_next. */
static const uint8_t *read_item(const uint8_t *at, gw_view body, const field *f,
                                gw_list *to) {
  gw_view item;
  to->rest = body;
  to->tag = f->key >> 3;
  to->num++;
  return read_view(at, body.data + body.len, &item);
}

static bool read_fields(gw_view body, enum gw_message_id id, uint8_t *to);

static const uint8_t *read_nested(const uint8_t *at, const uint8_t *end,
                                  const field *f, uint8_t *to) {
  gw_view bytes;
  at = read_view(at, end, &bytes);
  bool is_read = at != NULL &&
                 read_fields(bytes, (enum gw_message_id)(f->kind - NESTED), to);
  return is_read ? at : NULL;
}

static const uint8_t *read_value(const uint8_t *at, gw_view body,
                                 const field *f, void *to) {
  const uint8_t *end = body.data + body.len;
  switch (f->kind) {
  case U32:
    return read_u32(at, end, to);
  case U64:
    return read_varint(at, end, to);
  case F64:
    return read_fixed64(at, end, to);
  case BOOL:
    return read_bool(at, end, to);
  case VIEW:
    return read_view(at, end, to);
  case LIST:
    return read_item(at, body, f, to);
  default:
    return read_nested(at, end, f, to);
  }
}

/** The field of a number, looked for from a place on: fields mostly come in the
 * order of the table. NULL: of a later version. */
static const field *find(const message *m, uint32_t tag, const field *from) {
  const field *start = &fields[m->first], *end = start + m->num;
  for (const field *f = from; f < end; f++) {
    if (f->key >> 3 == tag) return f;
  }
  for (const field *f = start; f < from; f++) {
    if (f->key >> 3 == tag) return f;
  }
  return NULL;
}

static bool read_fields(gw_view body, enum gw_message_id id, uint8_t *to) {
  const message *m = &messages[id];
  const field *next = &fields[m->first];
  /* Nothing may be no bytes at NULL, which nothing can be added to. */
  const uint8_t *at = body.data, *end = body.len != 0 ? at + body.len : at;
  while (at != end) {
    uint32_t key;
    at = read_key(at, end, &key);
    if (at == NULL) return false;
    const field *f = find(m, key >> 3, next);
    if (f == NULL) {
      at = skip(at, end, key & 7);
    } else {
      if (f->key != key) return false;
      at = read_value(at, body, f, to + f->offset);
      /* Of a list there may be more. */
      next = f->kind == LIST ? f : f + 1;
    }
    if (at == NULL) return false;
  }
  return true;
}

int gw_decode(gw_view body, enum gw_message_id id, void *m) {
  memset(m, 0, messages[id].size);
  if (read_fields(body, id, m)) return 0;
  memset(m, 0, messages[id].size);
  return GW_ERR_PROTOCOL;
}

/* ---- lists --------------------------------------------------------------- */

/** How a list alone is written. */
static const field alone = {.key = KEY(1, LIST), .kind = LIST};

static int add_item(gw_out *out, gw_list *list, bool is_written, size_t start) {
  if (!is_written) {
    out->len = start;
    return GW_ERR_FULL;
  }
  list->num++;
  list->rest = (gw_view){out->data, out->len};
  list->tag = alone.key >> 3;
  return 0;
}

int gw_list_add(gw_out *out, gw_list *list, enum gw_message_id id,
                const void *m) {
  const field item = {.key = alone.key, .kind = (uint8_t)(NESTED + id)};
  size_t start = out->len;
  return add_item(out, list, write_nested(out, &item, m), start);
}

int gw_list_add_text(gw_out *out, gw_list *list, gw_view text) {
  size_t start = out->len;
  return add_item(out, list, write_view(out, &alone, text), start);
}

gw_list gw_list_of(gw_view items, size_t num) {
  return (gw_list){.num = num, .rest = items, .tag = alone.key >> 3};
}

size_t gw_list_bytes(gw_list list) {
  size_t sum = 0;
  gw_view item;
  while (list.num != 0 && gw_list_next(&list, &item))
    sum += NUMBER_MAX + item.len;
  return sum;
}

int gw_list_copy(gw_list list, gw_out *out, gw_list *copy) {
  size_t start = out->len;
  if (!write_list(out, &alone, list)) {
    out->len = start;
    return GW_ERR_FULL;
  }
  gw_view items = {out->data + start, out->len - start};
  *copy = gw_list_of(items, list.num);
  return 0;
}

bool gw_list_next(gw_list *list, gw_view *item) {
  if (!GW__HAS_LISTS || list->num == 0) return false;
  list->num--;
  if (list->items != NULL) {
    *item = *list->items++;
    return true;
  }
  const uint8_t *at = list->rest.data, *end = at + list->rest.len;
  uint32_t key;
  while ((at = read_key(at, end, &key)) != NULL) {
    bool is_item = key == ((uint32_t)list->tag << 3 | WIRE_BYTES);
    at = is_item ? read_view(at, end, item) : skip(at, end, key & 7);
    if (at == NULL) break;
    if (!is_item) continue;
    list->rest = (gw_view){at, (size_t)(end - at)};
    return true;
  }
  return false;
}
