/* SPDX-License-Identifier: MIT */
/* schema_proto.c - whether bytes are what a message of Protocol Buffers says. */
#include "server/core/schema_proto.h"

#include <string.h>

/** Messages inside messages; protobuf's own parsers stop there. */
#define DEPTH_MAX 100u

/* ---- bytes ----------------------------------------------------------------- */

bool gw__proto_varint(gw_view *rest, uint64_t *value) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < 10 && i < rest->len; i++) {
    uint8_t byte = rest->data[i];
    if (i == 9 && byte > 1) return false;
    sum |= (uint64_t)(byte & 0x7Fu) << (7 * i);
    if (byte >= 0x80) continue;
    *rest = (gw_view){rest->data + i + 1, rest->len - i - 1};
    *value = sum;
    return true;
  }
  return false;
}

static bool take(gw_view *rest, uint64_t len, gw_view *bytes) {
  if (len > rest->len) return false;
  *bytes = (gw_view){rest->data, (size_t)len};
  *rest = (gw_view){rest->data + len, rest->len - (size_t)len};
  return true;
}

bool gw__proto_next(gw_view *rest, gw__proto_value *value) {
  uint64_t key, len;
  if (!gw__proto_varint(rest, &key) || key >> 3 == 0 || key > UINT32_MAX)
    return false;
  value->number = (uint32_t)(key >> 3);
  value->wire = key & 7;
  switch (value->wire) {
  case GW__WIRE_VARINT:
    return gw__proto_varint(rest, &value->varint);
  case GW__WIRE_64:
    return take(rest, 8, &value->bytes);
  case GW__WIRE_32:
    return take(rest, 4, &value->bytes);
  case GW__WIRE_BYTES:
    return gw__proto_varint(rest, &len) && take(rest, len, &value->bytes);
  default:
    return false;
  }
}

/* ---- numbers --------------------------------------------------------------- */

static unsigned wire_of(uint8_t type) {
  switch (type) {
  case GW__PROTO_DOUBLE:
  case GW__PROTO_FIXED64:
  case GW__PROTO_SFIXED64:
    return GW__WIRE_64;
  case GW__PROTO_FLOAT:
  case GW__PROTO_FIXED32:
  case GW__PROTO_SFIXED32:
    return GW__WIRE_32;
  case GW__PROTO_STRING:
  case GW__PROTO_BYTES:
  case GW__PROTO_MESSAGE:
    return GW__WIRE_BYTES;
  default:
    return GW__WIRE_VARINT;
  }
}

static bool has_value(const gw__proto_enum *e, int64_t wanted) {
  gw_view rest = e->body;
  gw__proto_value v, inner;
  while (rest.len != 0 && gw__proto_next(&rest, &v)) {
    if (v.number != 2 || v.wire != GW__WIRE_BYTES) continue; /* value */
    int64_t number = 0;
    while (v.bytes.len != 0 && gw__proto_next(&v.bytes, &inner)) {
      if (inner.number == 2 && inner.wire == GW__WIRE_VARINT)
        number = (int32_t)(uint32_t)inner.varint;
    }
    if (number == wanted) return true;
  }
  return false;
}

static uint32_t check_varint(const gw__proto_schema *s,
                             const gw__proto_field *f, uint64_t number,
                             gws_problem *p) {
  int64_t with_sign = (int64_t)number;
  bool fits_int32 = with_sign >= INT32_MIN && with_sign <= INT32_MAX;
  switch (f->type) {
  case GW__PROTO_INT32:
    if (!fits_int32) return gw__schema_refuse(p, "is no 32-bit number");
    return GW_CODE_OK;
  case GW__PROTO_UINT32:
  case GW__PROTO_SINT32:
    if (number > UINT32_MAX) return gw__schema_refuse(p, "is no 32-bit number");
    return GW_CODE_OK;
  case GW__PROTO_BOOL:
    if (number > 1) return gw__schema_refuse(p, "must be true or false");
    return GW_CODE_OK;
  case GW__PROTO_ENUM:
    if (!fits_int32 ||
        (s->enums[f->of].is_closed && !has_value(&s->enums[f->of], with_sign)))
      return gw__schema_refuse(p, "is not one of the values that it may have");
    return GW_CODE_OK;
  default:
    return GW_CODE_OK;
  }
}

/** Numbers one after the other. */
static uint32_t check_packed(const gw__proto_schema *s,
                             const gw__proto_field *f, gw_view bytes,
                             gws_problem *p) {
  unsigned wire = wire_of(f->type);
  size_t size = wire == GW__WIRE_64 ? 8 : 4;
  uint64_t number;
  if (wire != GW__WIRE_VARINT)
    return bytes.len % size == 0 ? GW_CODE_OK : gw__schema_refuse(p, "is cut");
  while (bytes.len != 0) {
    if (!gw__proto_varint(&bytes, &number))
      return gw__schema_refuse(p, "is cut");
    uint32_t code = check_varint(s, f, number, p);
    if (code != GW_CODE_OK) return code;
  }
  return GW_CODE_OK;
}

/* ---- messages -------------------------------------------------------------- */

static uint32_t check_message(const gw__proto_schema *s,
                              const gw__proto_message *m, gw_view bytes,
                              unsigned depth, gws_problem *p);

static const gw__proto_field *find_field(const gw__proto_message *m,
                                         uint32_t number) {
  uint32_t low = 0, high = m->num_fields;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (m->fields[middle].number == number) return &m->fields[middle];
    if (m->fields[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

/** Which of its kind a field is, that begins at `at` of a message. */
static size_t index_of(gw_view whole, const uint8_t *at, uint32_t number) {
  size_t num = 0;
  gw__proto_value v;
  while (whole.data < at && gw__proto_next(&whole, &v))
    num += v.number == number;
  return num != 0 ? num - 1 : 0;
}

static uint32_t check_value(const gw__proto_schema *s, const gw__proto_field *f,
                            const gw__proto_value *v, unsigned depth,
                            gws_problem *p) {
  unsigned wire = wire_of(f->type);
  bool is_packed =
      f->is_repeated && wire != GW__WIRE_BYTES && v->wire == GW__WIRE_BYTES;
  if (is_packed) return check_packed(s, f, v->bytes, p);
  if (v->wire != wire) return gw__schema_refuse(p, "is of another type");
  if (wire == GW__WIRE_VARINT) return check_varint(s, f, v->varint, p);
  if (f->type == GW__PROTO_MESSAGE)
    return check_message(s, &s->messages[f->of], v->bytes, depth + 1, p);
  bool is_bad_text = f->type == GW__PROTO_STRING && v->bytes.len != 0 &&
                     !gw_view_is_text(v->bytes);
  return is_bad_text ? gw__schema_refuse(p, "is not text in UTF-8")
                     : GW_CODE_OK;
}

/** The path is put together on the way back: the failure is known already. */
static void note_path(gws_problem *p, const gw__proto_field *f, gw_view whole,
                      const uint8_t *at) {
  gws_problem outer = {.code = p->code};
  gws_problem_enter(&outer, f->name);
  if (f->is_repeated)
    gws_problem_enter_index(&outer, index_of(whole, at, f->number));
  if (p->field[0] != '\0') gws_problem_enter(&outer, gw_view_of(p->field));
  memcpy(p->field, outer.field, sizeof p->field);
}

static uint32_t check_required(const gw__proto_message *m, uint64_t seen,
                               gws_problem *p) {
  if ((m->required & ~seen) == 0) return GW_CODE_OK;
  for (uint32_t i = 0; i < m->num_fields; i++) {
    const gw__proto_field *f = &m->fields[i];
    bool is_missing =
        f->required != 0 && (seen & UINT64_C(1) << (f->required - 1)) == 0;
    if (!is_missing) continue;
    gws_problem_enter(p, f->name);
    break;
  }
  return gw__schema_refuse(p, "is missing");
}

static uint32_t check_message(const gw__proto_schema *s,
                              const gw__proto_message *m, gw_view bytes,
                              unsigned depth, gws_problem *p) {
  gw_view rest = bytes;
  gw__proto_value v;
  uint64_t seen = 0;
  if (depth > DEPTH_MAX) return gw__schema_refuse(p, "is nested too deep");
  while (rest.len != 0) {
    if (!gw__proto_next(&rest, &v))
      return gw__schema_refuse(p, "is no message of Protocol Buffers");
    const gw__proto_field *f = find_field(m, v.number);
    if (f == NULL) continue;
    uint32_t code = check_value(s, f, &v, depth, p);
    if (code != GW_CODE_OK) {
      note_path(p, f, bytes, rest.data);
      return code;
    }
    if (f->required != 0) seen |= UINT64_C(1) << (f->required - 1);
  }
  return check_required(m, seen, p);
}

uint32_t gw__proto_schema_check(const gw__proto_schema *s, gw_view message,
                                gws_problem *p) {
  return check_message(s, &s->messages[s->root], message, 0, p);
}
