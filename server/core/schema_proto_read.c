/* SPDX-License-Identifier: MIT */
/* schema_proto_read.c - a FileDescriptorSet (google/protobuf/descriptor.proto), as
 * protoc -o writes it. Its messages are walked like any other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/mem.h"
#include "server/core/schema_proto.h"

/* Field numbers of descriptor.proto. */
enum {
  SET_FILE = 1,
  FILE_PACKAGE = 2,
  FILE_MESSAGE = 4,
  FILE_ENUM = 5,
  FILE_SYNTAX = 12,
  MESSAGE_NAME = 1,
  MESSAGE_FIELD = 2,
  MESSAGE_NESTED = 3,
  MESSAGE_ENUM = 4,
  ENUM_NAME = 1,
  FIELD_NAME = 1,
  FIELD_NUMBER = 3,
  FIELD_LABEL = 4,
  FIELD_TYPE = 5,
  FIELD_TYPE_NAME = 6
};

enum { LABEL_REQUIRED = 2, LABEL_REPEATED = 3 };

/** Messages inside messages of a schema. */
#define NESTED_MAX 32u

typedef struct reading {
  gw__proto_schema *s;
  char *why;
  bool is_proto3; /**< of the file that is read */
} reading;

/** Returns false. */
static bool refuse(const reading *r, const char *why, gw_view name) {
  (void)snprintf(r->why, GW_SCHEMA_WHY_MAX, "%s%s%.*s", why,
                 name.len != 0 ? ": " : "", (int)name.len,
                 name.len != 0 ? (const char *)name.data : "");
  return false;
}

static bool refuse_memory(const reading *r) {
  return refuse(r, "out of memory", (gw_view){NULL, 0});
}

/** The last text of a number in a message; empty. */
static gw_view text_in(gw_view body, uint32_t number) {
  gw_view found = {NULL, 0};
  gw__proto_value v;
  while (body.len != 0 && gw__proto_next(&body, &v)) {
    if (v.number == number && v.wire == GW__WIRE_BYTES) found = v.bytes;
  }
  return found;
}

/** The next message of a number. */
static bool next_in(gw_view *body, uint32_t number, gw_view *bytes) {
  gw__proto_value v;
  while (body->len != 0 && gw__proto_next(body, &v)) {
    if (v.number != number || v.wire != GW__WIRE_BYTES) continue;
    *bytes = v.bytes;
    return true;
  }
  return false;
}

/* ---- names ----------------------------------------------------------------- */

/** outer.name, kept. There is room: each full name is counted before. */
static gw_view join(gw__proto_schema *s, gw_view outer, gw_view name) {
  char *to = s->names + s->names_len;
  size_t len = 0;
  if (outer.len != 0) {
    memcpy(to, outer.data, outer.len);
    to[outer.len] = '.';
    len = outer.len + 1;
  }
  if (name.len != 0) memcpy(to + len, name.data, name.len);
  len += name.len;
  s->names_len += len;
  return (gw_view){(const uint8_t *)to, len};
}

/* ---- first pass: what there is, counted and named -------------------------- */

typedef struct counts {
  uint32_t messages;
  uint32_t enums;
  size_t names; /**< bytes */
} counts;

static bool count_message(const reading *r, gw_view body, size_t outer_len,
                          unsigned depth, counts *c) {
  gw_view rest = body, inner;
  size_t len = outer_len + 1 + text_in(body, MESSAGE_NAME).len;
  if (depth > NESTED_MAX)
    return refuse(r, "nested too deep", text_in(body, MESSAGE_NAME));
  c->messages++;
  c->names += len;
  while (next_in(&rest, MESSAGE_NESTED, &inner)) {
    if (!count_message(r, inner, len, depth + 1, c)) return false;
  }
  rest = body;
  while (next_in(&rest, MESSAGE_ENUM, &inner)) {
    c->enums++;
    c->names += len + 1 + text_in(inner, ENUM_NAME).len;
  }
  return true;
}

static bool count_file(const reading *r, gw_view file, counts *c) {
  gw_view rest = file, inner;
  size_t len = text_in(file, FILE_PACKAGE).len;
  while (next_in(&rest, FILE_MESSAGE, &inner)) {
    if (!count_message(r, inner, len, 0, c)) return false;
  }
  rest = file;
  while (next_in(&rest, FILE_ENUM, &inner)) {
    c->enums++;
    c->names += len + 1 + text_in(inner, ENUM_NAME).len;
  }
  return true;
}

static void add_enum(const reading *r, gw_view body, gw_view outer) {
  gw__proto_schema *s = r->s;
  s->enums[s->num_enums++] =
      (gw__proto_enum){.name = join(s, outer, text_in(body, ENUM_NAME)),
                       .is_closed = !r->is_proto3,
                       .body = body};
}

static void add_message(const reading *r, gw_view body, gw_view outer) {
  gw__proto_schema *s = r->s;
  gw_view name = join(s, outer, text_in(body, MESSAGE_NAME));
  gw_view rest = body, inner;
  s->messages[s->num_messages++] =
      (gw__proto_message){.name = name, .body = body};
  while (next_in(&rest, MESSAGE_NESTED, &inner))
    add_message(r, inner, name);
  rest = body;
  while (next_in(&rest, MESSAGE_ENUM, &inner))
    add_enum(r, inner, name);
}

static void add_file(reading *r, gw_view file) {
  gw_view package = text_in(file, FILE_PACKAGE), rest = file, inner;
  r->is_proto3 = gw_view_eq(text_in(file, FILE_SYNTAX), gw_view_of("proto3"));
  while (next_in(&rest, FILE_MESSAGE, &inner))
    add_message(r, inner, package);
  rest = file;
  while (next_in(&rest, FILE_ENUM, &inner))
    add_enum(r, inner, package);
}

/** Whether bytes are fields, one after the other. */
static bool is_well_formed(gw_view body) {
  gw__proto_value v;
  while (body.len != 0) {
    if (!gw__proto_next(&body, &v)) return false;
  }
  return true;
}

static bool collect(reading *r, gw_view set) {
  gw__proto_schema *s = r->s;
  gw_view rest = set, file;
  counts c = {.messages = 0};
  if (!is_well_formed(set))
    return refuse(r, "no descriptor set: protoc -o makes one",
                  (gw_view){NULL, 0});
  while (next_in(&rest, SET_FILE, &file)) {
    if (!count_file(r, file, &c)) return false;
  }
  s->messages = gw_mem_zalloc((c.messages + 1u) * sizeof *s->messages);
  s->enums = gw_mem_zalloc((c.enums + 1u) * sizeof *s->enums);
  s->names = gw_mem_alloc(c.names + 1);
  if (s->messages == NULL || s->enums == NULL || s->names == NULL)
    return refuse_memory(r);
  rest = set;
  while (next_in(&rest, SET_FILE, &file))
    add_file(r, file);
  return true;
}

/* ---- second pass: fields --------------------------------------------------- */

static bool find_message(const gw__proto_schema *s, gw_view name,
                         uint32_t *at) {
  for (*at = 0; *at < s->num_messages; (*at)++) {
    if (gw_view_eq(s->messages[*at].name, name)) return true;
  }
  return false;
}

static bool find_enum(const gw__proto_schema *s, gw_view name, uint32_t *at) {
  for (*at = 0; *at < s->num_enums; (*at)++) {
    if (gw_view_eq(s->enums[*at].name, name)) return true;
  }
  return false;
}

/** Names of types are full, with a dot in front. */
static bool resolve(const reading *r, gw__proto_field *f) {
  gw_view name = f->type_name;
  if (name.len != 0 && name.data[0] == '.')
    name = (gw_view){name.data + 1, name.len - 1};
  if (f->type == GW__PROTO_GROUP)
    return refuse(r, "groups are not supported", f->name);
  if (f->type == GW__PROTO_MESSAGE && !find_message(r->s, name, &f->of))
    return refuse(r, "the set does not have (protoc --include_imports)", name);
  if (f->type == GW__PROTO_ENUM && !find_enum(r->s, name, &f->of))
    return refuse(r, "the set does not have (protoc --include_imports)", name);
  return true;
}

static bool read_field(const reading *r, gw__proto_message *m, gw_view body) {
  gw__proto_field *f = &m->fields[m->num_fields];
  gw__proto_value v;
  uint64_t label = 0;
  f->name = text_in(body, FIELD_NAME);
  f->type_name = text_in(body, FIELD_TYPE_NAME);
  for (gw_view rest = body; rest.len != 0 && gw__proto_next(&rest, &v);) {
    if (v.wire != GW__WIRE_VARINT) continue;
    if (v.number == FIELD_NUMBER) f->number = (uint32_t)v.varint;
    if (v.number == FIELD_LABEL) label = v.varint;
    if (v.number == FIELD_TYPE) f->type = (uint8_t)v.varint;
  }
  f->is_repeated = label == LABEL_REPEATED;
  if (f->type == 0 || f->type > GW__PROTO_SINT64 || f->number == 0)
    return refuse(r, "a field that cannot be", f->name);
  m->num_fields++;
  return resolve(r, f);
}

static int by_number(const void *a, const void *b) {
  uint32_t x = ((const gw__proto_field *)a)->number;
  uint32_t y = ((const gw__proto_field *)b)->number;
  return x < y ? -1 : x > y;
}

static bool is_required(gw_view body) {
  gw__proto_value v;
  bool is = false;
  while (body.len != 0 && gw__proto_next(&body, &v)) {
    if (v.number == FIELD_LABEL && v.wire == GW__WIRE_VARINT)
      is = v.varint == LABEL_REQUIRED;
  }
  return is;
}

static bool require(const reading *r, gw__proto_message *m, uint8_t num) {
  if (num > GW__REQUIRED_MAX)
    return refuse(r, "more than 64 required fields", m->name);
  m->fields[m->num_fields - 1].required = num;
  m->required |= UINT64_C(1) << (num - 1);
  return true;
}

static bool read_fields(const reading *r, gw__proto_message *m) {
  gw_view rest = m->body, body;
  uint32_t num = 0;
  uint8_t num_required = 0;
  while (next_in(&rest, MESSAGE_FIELD, &body))
    num++;
  m->fields = gw_mem_zalloc((num + 1u) * sizeof *m->fields);
  if (m->fields == NULL) return refuse_memory(r);
  rest = m->body;
  while (next_in(&rest, MESSAGE_FIELD, &body)) {
    if (!read_field(r, m, body)) return false;
    if (is_required(body) && !require(r, m, ++num_required)) return false;
  }
  qsort(m->fields, m->num_fields, sizeof *m->fields, by_number);
  return true;
}

/* ---- the whole -------------------------------------------------------------- */

static bool read_set(reading *r, gw_view set, const char *message) {
  gw__proto_schema *s = r->s;
  if (!collect(r, set)) return false;
  for (uint32_t i = 0; i < s->num_messages; i++) {
    if (!read_fields(r, &s->messages[i])) return false;
  }
  if (find_message(s, gw_view_of(message), &s->root)) return true;
  return refuse(r, "the set has no message", gw_view_of(message));
}

void gw__proto_schema_free(gw__proto_schema *s) {
  if (s == NULL) return;
  for (uint32_t i = 0; i < s->num_messages; i++)
    gw_mem_free(s->messages[i].fields);
  gw_mem_free(s->messages);
  gw_mem_free(s->enums);
  gw_mem_free(s->names);
  gw_mem_free(s->set);
  gw_mem_free(s);
}

gw__proto_schema *gw__proto_schema_new(gw_view set, const char *message,
                                       char *why) {
  gw__proto_schema *s = gw_mem_zalloc(sizeof *s);
  reading r = {.s = s, .why = why};
  if (s != NULL) s->set = gw_mem_alloc(set.len + 1);
  if (s == NULL || s->set == NULL) {
    (void)refuse_memory(&r);
    gw__proto_schema_free(s);
    return NULL;
  }
  if (set.len != 0) memcpy(s->set, set.data, set.len);
  if (read_set(&r, (gw_view){s->set, set.len}, message)) return s;
  gw__proto_schema_free(s);
  return NULL;
}
