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

/* Above NESTED: NESTED plus the number of the message. */
enum kind { U32, U64, F64, BOOL, VIEW, LIST, NESTED };

typedef struct field {
  uint8_t tag;
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
  {tag, kind, CHECKED(TYPE_##kind, struct_, name)},
#define N(struct_, tag, name, nested) \
  {tag, NESTED + GW_MESSAGE_##nested, CHECKED(gw_##nested, struct_, name)},
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

/* ---- wire types ---------------------------------------------------------- */

/* protobuf.dev/programming-guides/encoding; groups are not read. */
enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static enum wire wire_of(unsigned kind) {
  return kind >= VIEW ? WIRE_BYTES : kind == F64 ? WIRE_64 : WIRE_VARINT;
}

/* ---- writing ------------------------------------------------------------- */

/** A number of up to 64 bits and a tag before it. */
#define NUMBER_MAX 12u

static uint8_t *put_varint(uint8_t *at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = (uint8_t)(value | 0x80u);
    value >>= 7;
  }
  *at++ = (uint8_t)value;
  return at;
}

static uint8_t *put_tag(uint8_t *at, const field *f) {
  return put_varint(at, (uint32_t)f->tag << 3 | wire_of(f->kind));
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
  uint8_t *at = put_tag(start, f);
  if (f->kind == F64) {
    for (unsigned i = 0; i < 8; i++)
      *at++ = (uint8_t)(value >> (8 * i));
  } else {
    at = put_varint(at, value);
  }
  if (!has_room) return append(out, bytes, (size_t)(at - bytes));
  out->len += (size_t)(at - start);
  return true;
}

static bool write_view(gw_out *out, const field *f, gw_view v) {
  uint8_t bytes[NUMBER_MAX];
  uint8_t *at = put_varint(put_tag(bytes, f), v.len);
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
  size_t front = (size_t)(put_varint(put_tag(bytes, f), len) - bytes);
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

static bool read_long_varint(gw_view *in, uint64_t *value) {
  const uint8_t *at = in->data, *end = at + in->len;
  uint64_t sum = 0;
  for (unsigned shift = 0; at < end; shift += 7) {
    uint8_t byte = *at++;
    if (shift == 63 && byte > 1) return false;
    sum |= (uint64_t)(byte & 0x7Fu) << shift;
    if (byte < 0x80) {
      *in = (gw_view){at, (size_t)(end - at)};
      *value = sum;
      return true;
    }
  }
  return false;
}

/** Take a varint from the front; false when it is cut, or over 64 bits. */
static bool read_varint(gw_view *in, uint64_t *value) {
  if (in->len == 0 || *in->data >= 0x80) return read_long_varint(in, value);
  *value = *in->data++;
  in->len--;
  return true;
}

/** Take len bytes from the front. */
static bool read_bytes(gw_view *in, uint64_t len, gw_view *bytes) {
  if (len > in->len) return false;
  *bytes = (gw_view){in->data, (size_t)len};
  in->data += len;
  in->len -= (size_t)len;
  return true;
}

static bool read_view(gw_view *in, gw_view *bytes) {
  uint64_t len;
  return read_varint(in, &len) && read_bytes(in, len, bytes);
}

static bool read_fixed64(gw_view *in, uint64_t *value) {
  gw_view b;
  if (!read_bytes(in, 8, &b)) return false;
  *value = (uint64_t)b.data[0] | (uint64_t)b.data[1] << 8 |
           (uint64_t)b.data[2] << 16 | (uint64_t)b.data[3] << 24 |
           (uint64_t)b.data[4] << 32 | (uint64_t)b.data[5] << 40 |
           (uint64_t)b.data[6] << 48 | (uint64_t)b.data[7] << 56;
  return true;
}

/** Take what stands before a value. */
static bool read_tag(gw_view *in, uint32_t *tag, unsigned *wire) {
  uint64_t key;
  if (!read_varint(in, &key) || key > UINT32_MAX) return false;
  *tag = (uint32_t)key >> 3;
  *wire = key & 7;
  return *tag != 0;
}

/** Take a value that nobody here knows. */
static bool skip(gw_view *in, unsigned wire) {
  uint64_t number;
  gw_view bytes;
  switch (wire) {
  case WIRE_VARINT:
    return read_varint(in, &number);
  case WIRE_64:
    return read_bytes(in, 8, &bytes);
  case WIRE_BYTES:
    return read_view(in, &bytes);
  case WIRE_32:
    return read_bytes(in, 4, &bytes);
  default:
    return false;
  }
}

static bool read_fields(gw_view in, enum gw_message_id id, uint8_t *to);

static bool read_u32(gw_view *in, uint32_t *to) {
  uint64_t number;
  if (!read_varint(in, &number) || number > UINT32_MAX) return false;
  *to = (uint32_t)number;
  return true;
}

static bool read_bool(gw_view *in, bool *to) {
  uint64_t number;
  if (!read_varint(in, &number)) return false;
  *to = number != 0;
  return true;
}

/** The items stay in the body, among its other fields, for gw_list_next. */
static bool read_item(gw_view *in, const field *f, gw_view body, gw_list *to) {
  gw_view item;
  to->rest = body;
  to->tag = f->tag;
  to->num++;
  return read_view(in, &item);
}

static bool read_nested(gw_view *in, const field *f, uint8_t *to) {
  gw_view bytes;
  return read_view(in, &bytes) &&
         read_fields(bytes, (enum gw_message_id)(f->kind - NESTED), to);
}

static bool read_value(gw_view *in, const field *f, gw_view body, void *to) {
  switch (f->kind) {
  case U32:
    return read_u32(in, to);
  case U64:
    return read_varint(in, to);
  case F64:
    return read_fixed64(in, to);
  case BOOL:
    return read_bool(in, to);
  case VIEW:
    return read_view(in, to);
  case LIST:
    return read_item(in, f, body, to);
  default:
    return read_nested(in, f, to);
  }
}

/** The field of a tag, looked for from a place on: fields mostly come in the
 * order of the table. NULL: of a later version. */
static const field *find(const message *m, uint32_t tag, const field *from) {
  const field *start = &fields[m->first], *end = start + m->num;
  for (const field *f = from; f < end; f++) {
    if (f->tag == tag) return f;
  }
  for (const field *f = start; f < from; f++) {
    if (f->tag == tag) return f;
  }
  return NULL;
}

static bool read_fields(gw_view in, enum gw_message_id id, uint8_t *to) {
  const message *m = &messages[id];
  const field *next = &fields[m->first];
  gw_view body = in;
  uint32_t tag;
  unsigned wire;
  while (in.len != 0) {
    if (!read_tag(&in, &tag, &wire)) return false;
    const field *f = find(m, tag, next);
    if (f == NULL) {
      if (!skip(&in, wire)) return false;
      continue;
    }
    if (wire != wire_of(f->kind)) return false;
    if (!read_value(&in, f, body, to + f->offset)) return false;
    /* Of a list there may be more. */
    next = f->kind == LIST ? f : f + 1;
  }
  return true;
}

/** The largest struct of all. */
typedef union any {
#define M(name, first, num) gw_##name name;
  GW__MESSAGE_TABLE(M)
#undef M
} any;

int gw_decode(gw_view body, enum gw_message_id id, void *m) {
  any read;
  memset(&read, 0, messages[id].size);
  if (!read_fields(body, id, (uint8_t *)&read)) return GW_ERR_PROTOCOL;
  memcpy(m, &read, messages[id].size);
  return 0;
}

/* ---- lists --------------------------------------------------------------- */

/** How a list alone is written. */
static const field alone = {.tag = 1, .kind = LIST};

static int add_item(gw_out *out, gw_list *list, bool is_written, size_t start) {
  if (!is_written) {
    out->len = start;
    return GW_ERR_FULL;
  }
  list->num++;
  list->rest = (gw_view){out->data, out->len};
  list->tag = alone.tag;
  return 0;
}

int gw_list_add(gw_out *out, gw_list *list, enum gw_message_id id,
                const void *m) {
  const field item = {.tag = alone.tag, .kind = (uint8_t)(NESTED + id)};
  size_t start = out->len;
  return add_item(out, list, write_nested(out, &item, m), start);
}

int gw_list_add_text(gw_out *out, gw_list *list, gw_view text) {
  size_t start = out->len;
  return add_item(out, list, write_view(out, &alone, text), start);
}

gw_list gw_list_of(gw_view items, size_t num) {
  return (gw_list){.num = num, .rest = items, .tag = alone.tag};
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
  uint32_t tag;
  unsigned wire;
  if (!GW__HAS_LISTS || list->num == 0) return false;
  list->num--;
  if (list->items != NULL) {
    *item = *list->items++;
    return true;
  }
  while (read_tag(&list->rest, &tag, &wire)) {
    if (tag == list->tag && wire == WIRE_BYTES)
      return read_view(&list->rest, item);
    if (!skip(&list->rest, wire)) break;
  }
  return false;
}
