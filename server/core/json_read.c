/* SPDX-License-Identifier: MIT */
/* json_read.c - one line of JSON to a binary frame. jansson parses, the
 * descriptors say what may stand where, and the body is written straight into
 * the caller's space, in the order of the field numbers. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"
#include "server/core/json_schema.h"
#include "server/core/mem.h"

/** Brackets inside brackets. The deepest message of the schema needs five; a
 * parser that recurses must not be led further by its input. */
#define DEPTH_MAX 16u

/** Digits from which an integer may not fit jansson's, which is signed. */
#define BIG_DIGITS 19u

/** Wire types of Protocol Buffers. */
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

/** Where in the line we are, for the sentence of a refusal. */
typedef struct place {
  const struct place *up;
  const char *key; /**< NULL: an item of a list, at index */
  size_t index;
} place;

typedef struct reading {
  gw_out *out;
  char *why; /**< may be NULL */
} reading;

/* ---- refusals -------------------------------------------------------------
 */

/** Append to a text of at most GW_MAX_REASON_BYTES, its end included. */
static size_t add(char *why, size_t len, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int num = vsnprintf(why + len, GW_MAX_REASON_BYTES - len, format, args);
  va_end(args);
  if (num < 0) return len;
  size_t end = len + (size_t)num;
  return end < GW_MAX_REASON_BYTES ? end : GW_MAX_REASON_BYTES - 1;
}

static size_t add_place(char *why, const place *at) {
  size_t len = at->up != NULL ? add_place(why, at->up) : 0;
  if (at->key == NULL) return add(why, len, "[%zu]", at->index);
  return add(why, len, "%s%s", len > 0 ? "." : "", at->key);
}

/** Refuse what stands at a place (NULL: the line) with a sentence about it. */
static int refuse(const reading *r, const place *at, int err,
                  const char *sentence) {
  if (r->why == NULL) return err;
  r->why[0] = '\0';
  size_t len = at != NULL ? add_place(r->why, at) : 0;
  len = add(r->why, len, "%s%s", len > 0 ? ": " : "", sentence);
  /* A cut must not leave half a character. */
  while (!gw_view_is_text((gw_view){(const uint8_t *)r->why, len}))
    len--;
  r->why[len] = '\0';
  return err;
}

static int refuse_value(const reading *r, const place *at,
                        const char *sentence) {
  return refuse(r, at, GW_ERR_PROTOCOL, sentence);
}

static int refuse_full(const reading *r) {
  return refuse(r, NULL, GW_ERR_FULL, "larger than the limit");
}

/* ---- wire format ----------------------------------------------------------
 */

/** Room for num bytes at the end of the output; NULL: full. */
static uint8_t *take(gw_out *out, size_t num) {
  if (out->cap - out->len < num) return NULL;
  uint8_t *at = out->data + out->len;
  out->len += num;
  return at;
}

static size_t varint_put(uint8_t to[10], uint64_t value) {
  size_t len = 0;
  for (; value >= 0x80; value >>= 7)
    to[len++] = (uint8_t)(value | 0x80u);
  to[len++] = (uint8_t)value;
  return len;
}

static int put_bytes(const reading *r, const void *bytes, size_t len) {
  uint8_t *to = take(r->out, len);
  if (to == NULL) return refuse_full(r);
  if (len > 0) memcpy(to, bytes, len);
  return 0;
}

static int put_varint(const reading *r, uint64_t value) {
  uint8_t bytes[10];
  return put_bytes(r, bytes, varint_put(bytes, value));
}

static int put_tag(const reading *r, const ProtobufCFieldDescriptor *field,
                   unsigned wire) {
  return put_varint(r, (uint64_t)field->id << 3 | wire);
}

/** Insert bytes in front of what was written since start. */
static int put_front(const reading *r, size_t start, const uint8_t *front,
                     size_t front_len) {
  gw_out *out = r->out;
  size_t len = out->len - start;
  if (take(out, front_len) == NULL) return refuse_full(r);
  memmove(out->data + start + front_len, out->data + start, len);
  memcpy(out->data + start, front, front_len);
  return 0;
}

/* ---- numbers --------------------------------------------------------------
 */

typedef struct integer {
  bool is_negative;
  uint64_t magnitude;
} integer;

static bool integer_from_text(const char *text, integer *n) {
  n->is_negative = *text == '-';
  if (*text == '-') text++;
  if (*text == '\0') return false;
  n->magnitude = 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    uint64_t digit = (uint64_t)(*text - '0');
    if (n->magnitude > (UINT64_MAX - digit) / 10) return false;
    n->magnitude = n->magnitude * 10 + digit;
  }
  return true;
}

/** 1e2 and 5.0 are integers, 0.5 is none. */
static bool integer_from_real(double real, integer *n) {
  n->is_negative = real < 0;
  if (n->is_negative) real = -real;
  if (!(real < 18446744073709551616.0)) return false; /* 2^64 */
  n->magnitude = (uint64_t)real;
  return (double)n->magnitude >= real && (double)n->magnitude <= real;
}

static bool integer_from(const json_t *value, integer *n) {
  switch (json_typeof(value)) {
  case JSON_INTEGER: {
    json_int_t i = json_integer_value(value);
    n->is_negative = i < 0;
    n->magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    return true;
  }
  case JSON_REAL:
    return integer_from_real(json_real_value(value), n);
  case JSON_STRING:
    return integer_from_text(json_string_value(value), n);
  default:
    return false;
  }
}

static int get_unsigned(const reading *r, const place *at, const json_t *value,
                        uint64_t max, uint64_t *number) {
  integer n;
  char sentence[64];
  bool is_good = integer_from(value, &n) && n.magnitude <= max &&
                 (!n.is_negative || n.magnitude == 0);
  if (!is_good) {
    (void)snprintf(sentence, sizeof sentence,
                   "must be an integer from 0 to %" PRIu64, max);
    return refuse_value(r, at, sentence);
  }
  *number = n.magnitude;
  return 0;
}

static int get_enum(const reading *r, const place *at, const json_t *value,
                    const ProtobufCEnumDescriptor *type, int32_t *number) {
  if (json_is_string(value)) {
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value_by_name(type,
                                                     json_string_value(value));
    if (known == NULL) return refuse_value(r, at, "not a name of this enum");
    *number = known->value;
    return 0;
  }
  /* Numbers that are not known here are kept: they may be known elsewhere. */
  integer n;
  if (!integer_from(value, &n) ||
      n.magnitude > (uint64_t)INT32_MAX + n.is_negative) {
    return refuse_value(r, at, "must be a name or a number of 32 bits");
  }
  int64_t wide = (int64_t)n.magnitude;
  *number = (int32_t)(n.is_negative ? -wide : wide);
  return 0;
}

/* ---- base64 ---------------------------------------------------------------
 */

/** RFC 4648, alphabets of sections 4 and 5; -1 for a character of neither. */
static int base64_bits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

/** Length without the padding, which may be missing; SIZE_MAX when wrong. */
static size_t base64_digits(const char *text, size_t len) {
  size_t num = len;
  while (num > 0 && text[num - 1] == '=')
    num--;
  bool is_padded = num < len;
  if (num % 4 == 1 || (is_padded && (len % 4 != 0 || len - num > 2))) {
    return SIZE_MAX;
  }
  return num;
}

static bool base64_decode(const char *text, size_t digits, uint8_t *to) {
  uint32_t bits = 0;
  for (size_t i = 0; i < digits; i++) {
    int six = base64_bits(text[i]);
    if (six < 0) return false;
    bits = bits << 6 | (uint32_t)six;
    /* Digit 1, 2 and 3 of each four complete a byte. */
    size_t left = 6 - 2 * (i % 4);
    if (i % 4 != 0) *to++ = (uint8_t)(bits >> left);
  }
  return true;
}

static int put_base64(const reading *r, const place *at, const json_t *value) {
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  size_t digits = base64_digits(text, len);
  if (digits == SIZE_MAX) return refuse_value(r, at, "not base64");
  size_t decoded = digits * 3 / 4;
  int err = put_varint(r, decoded);
  if (err != 0) return err;
  uint8_t *to = take(r->out, decoded);
  if (to == NULL) return refuse_full(r);
  if (!base64_decode(text, digits, to)) {
    return refuse_value(r, at, "not base64");
  }
  return 0;
}

/* ---- fields ---------------------------------------------------------------
 */

static int put_message(const reading *r, const place *at,
                       const ProtobufCMessageDescriptor *type,
                       const json_t *object);

static int put_number(const reading *r, const place *at,
                      const ProtobufCFieldDescriptor *field,
                      const json_t *value) {
  uint64_t number = 0;
  uint64_t max =
      field->type == PROTOBUF_C_TYPE_UINT32 ? UINT32_MAX : UINT64_MAX;
  int err = get_unsigned(r, at, value, max, &number);
  if (err != 0 || number == 0) return err;
  if (field->type != PROTOBUF_C_TYPE_FIXED64) {
    err = put_tag(r, field, WIRE_VARINT);
    return err != 0 ? err : put_varint(r, number);
  }
  uint8_t bytes[8];
  for (unsigned i = 0; i < 8; i++)
    bytes[i] = (uint8_t)(number >> 8 * i);
  err = put_tag(r, field, WIRE_FIXED64);
  return err != 0 ? err : put_bytes(r, bytes, sizeof bytes);
}

static int put_bool(const reading *r, const place *at,
                    const ProtobufCFieldDescriptor *field,
                    const json_t *value) {
  if (!json_is_boolean(value)) {
    return refuse_value(r, at, "must be true or false");
  }
  if (json_is_false(value)) return 0;
  int err = put_tag(r, field, WIRE_VARINT);
  return err != 0 ? err : put_varint(r, 1);
}

static int put_enum(const reading *r, const place *at,
                    const ProtobufCFieldDescriptor *field,
                    const json_t *value) {
  int32_t number = 0;
  int err = get_enum(r, at, value, field->descriptor, &number);
  if (err != 0 || number == 0) return err;
  err = put_tag(r, field, WIRE_VARINT);
  /* A negative number is sign-extended to 64 bits. */
  return err != 0 ? err : put_varint(r, (uint64_t)(int64_t)number);
}

static int put_text(const reading *r, const place *at,
                    const ProtobufCFieldDescriptor *field,
                    const json_t *value) {
  if (!json_is_string(value)) return refuse_value(r, at, "must be a string");
  size_t len = json_string_length(value);
  if (len == 0 && field->label != PROTOBUF_C_LABEL_REPEATED) return 0;
  int err = put_tag(r, field, WIRE_BYTES);
  if (err != 0) return err;
  if (field->type == PROTOBUF_C_TYPE_BYTES) return put_base64(r, at, value);
  err = put_varint(r, len);
  return err != 0 ? err : put_bytes(r, json_string_value(value), len);
}

/** The body of a message Json: any value, as its text. */
static int put_any(const reading *r, const place *at,
                   const ProtobufCFieldDescriptor *field, const json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  if (text == NULL) return refuse(r, at, GW_ERR_NOMEM, "out of memory");
  size_t len = strlen(text);
  int err = put_tag(r, field, WIRE_BYTES);
  if (err == 0) err = put_varint(r, len);
  if (err == 0) err = put_bytes(r, text, len);
  free(text);
  return err;
}

/** A message in a message: its length is known when it is written. */
static int put_nested(const reading *r, const place *at,
                      const ProtobufCFieldDescriptor *field,
                      const json_t *value) {
  int err = put_tag(r, field, WIRE_BYTES);
  if (err != 0) return err;
  size_t start = r->out->len;
  const ProtobufCMessageDescriptor *type = field->descriptor;
  err = gw__json_is_any(type) ? put_any(r, at, &type->fields[0], value)
                              : put_message(r, at, type, value);
  if (err != 0) return err;
  uint8_t len[10];
  return put_front(r, start, len, varint_put(len, r->out->len - start));
}

static int put_value(const reading *r, const place *at,
                     const ProtobufCFieldDescriptor *field,
                     const json_t *value) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    return put_number(r, at, field, value);
  case PROTOBUF_C_TYPE_BOOL:
    return put_bool(r, at, field, value);
  case PROTOBUF_C_TYPE_ENUM:
    return put_enum(r, at, field, value);
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
    return put_text(r, at, field, value);
  case PROTOBUF_C_TYPE_MESSAGE:
    return put_nested(r, at, field, value);
  default:
    assert(!"the schema has no other types; a test holds it to that");
    return GW_ERR_INVALID;
  }
}

static int put_list(const reading *r, const place *at,
                    const ProtobufCFieldDescriptor *field, const json_t *list) {
  if (!json_is_array(list)) return refuse_value(r, at, "must be an array");
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    place here = {at, NULL, i};
    int err = put_value(r, &here, field, item);
    if (err != 0) return err;
  }
  return 0;
}

/** Sort an object's values by their fields; null stands for the default. */
static int sort_values(const reading *r, const place *at,
                       const ProtobufCMessageDescriptor *type,
                       const json_t *object,
                       json_t *values[GW__JSON_FIELDS_MAX]) {
  const char *key;
  json_t *value;
  assert(type->n_fields <= GW__JSON_FIELDS_MAX);
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    place here = {at, key, 0};
    int i = gw__json_field_named(type, key);
    if (i < 0) return refuse_value(r, &here, "there is no such field");
    if (json_is_null(value)) continue;
    if (values[i] != NULL) {
      return refuse_value(r, &here, "given twice, under both of its names");
    }
    values[i] = value;
  }
  return 0;
}

static int put_message(const reading *r, const place *at,
                       const ProtobufCMessageDescriptor *type,
                       const json_t *object) {
  json_t *values[GW__JSON_FIELDS_MAX] = {0};
  if (!json_is_object(object)) return refuse_value(r, at, "must be an object");
  int err = sort_values(r, at, type, object, values);
  for (unsigned i = 0; err == 0 && i < type->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    if (values[i] == NULL) continue;
    place here = {at, field->name, 0};
    err = field->label == PROTOBUF_C_LABEL_REPEATED
              ? put_list(r, &here, field, values[i])
              : put_value(r, &here, field, values[i]);
  }
  return err;
}

/* ---- frames ---------------------------------------------------------------
 */

/** What the keys of a line say. */
typedef struct line {
  gw_head head;
  const gw__json_type *type;
  const json_t *message;
} line;

static int get_flag(const reading *r, const place *at, const json_t *value,
                    uint8_t flag, gw_head *head) {
  if (!json_is_boolean(value)) {
    return refuse_value(r, at, "must be true or false");
  }
  if (json_is_true(value)) head->flags = (uint8_t)(head->flags | flag);
  return 0;
}

static int get_id(const reading *r, const place *at, const json_t *value,
                  uint32_t *id) {
  uint64_t number = 0;
  int err = get_unsigned(r, at, value, UINT32_MAX, &number);
  *id = (uint32_t)number;
  return err;
}

static int get_message(const reading *r, const place *at, const json_t *value,
                       line *l) {
  const gw__json_type *type = gw__json_type_named(at->key);
  if (type == NULL) {
    return refuse(r, at, GW_ERR_UNKNOWN_TYPE, "there is no such message");
  }
  if (l->type != NULL) {
    return refuse_value(r, at, "a frame holds one message, this is another");
  }
  l->type = type;
  l->message = value;
  l->head.type = type->number;
  return 0;
}

static int get_member(const reading *r, const place *at, const json_t *value,
                      line *l) {
  const char *key = at->key;
  if (json_is_null(value)) return 0;
  if (strcmp(key, "id") == 0) return get_id(r, at, value, &l->head.request);
  if (strcmp(key, "channel") == 0) {
    return get_id(r, at, value, &l->head.channel);
  }
  if (strcmp(key, "alias") == 0) {
    return get_flag(r, at, value, GW_FLAG_ALIAS, &l->head);
  }
  if (strcmp(key, "more") == 0) {
    return get_flag(r, at, value, GW_FLAG_MORE, &l->head);
  }
  if (strcmp(key, "own") == 0) {
    return get_flag(r, at, value, GW_FLAG_OWN, &l->head);
  }
  return get_message(r, at, value, l);
}

static int put_frame(const reading *r, const json_t *object) {
  line l = {0};
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    place at = {NULL, key, 0};
    int err = get_member(r, &at, value, &l);
    if (err != 0) return err;
  }
  if (l.type == NULL) return refuse_value(r, NULL, "the line has no message");

  size_t start = r->out->len;
  place at = {NULL, l.type->name, 0};
  int err = put_message(r, &at, l.type->message, l.message);
  if (err != 0) return err;

  /* The head needs the body's length, and its own, so it comes last. */
  uint8_t fields[2 + 2 * 10] = {l.head.type, l.head.flags};
  size_t len = 2;
  len += varint_put(fields + len, l.head.request);
  len += varint_put(fields + len, l.head.channel);
  uint8_t prefix[10];
  size_t prefix_len = varint_put(prefix, len + r->out->len - start);
  err = put_front(r, start, fields, len);
  return err != 0 ? err : put_front(r, start, prefix, prefix_len);
}

/* ---- text -----------------------------------------------------------------
 */

/** The place after a string that begins at i. */
static size_t skip_string(gw_view v, size_t i) {
  for (i++; i < v.len && v.data[i] != '"'; i++) {
    if (v.data[i] == '\\') i++;
  }
  return i + 1;
}

static bool is_too_deep(gw_view v) {
  unsigned depth = 0;
  for (size_t i = 0; i < v.len;) {
    uint8_t c = v.data[i];
    if (c == '"') {
      i = skip_string(v, i);
      continue;
    }
    if ((c == '{' || c == '[') && ++depth > DEPTH_MAX) return true;
    if ((c == '}' || c == ']') && depth > 0) depth--;
    i++;
  }
  return false;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

/** Whether it goes on a number that is no plain integer. */
static bool goes_on(uint8_t c) {
  return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' ||
         c == 'E';
}

/** Length of the number at i; is_big for an integer of many digits. */
static size_t number_len(gw_view v, size_t i, bool *is_big) {
  size_t start = v.data[i] == '-' ? i + 1 : i;
  size_t end = start;
  while (end < v.len && is_digit(v.data[end]))
    end++;
  size_t digits = end - start;
  *is_big = digits >= BIG_DIGITS && v.data[start] != '0';
  while (end < v.len && goes_on(v.data[end])) {
    *is_big = false;
    end++;
  }
  return end - i;
}

/** A copy of the text with its big integers in quotes, where 64-bit integers
 * are good as well: jansson's integers stop at 2^63. */
static char *quote_big(gw_view v, size_t *len) {
  char *copy = malloc(v.len + v.len / BIG_DIGITS * 2 + 1);
  if (copy == NULL) return NULL;
  *len = 0;
  for (size_t i = 0; i < v.len;) {
    bool is_big = false;
    size_t num = 1;
    uint8_t c = v.data[i];
    if (c == '"') {
      num = skip_string(v, i) - i;
      if (num > v.len - i) num = v.len - i;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      num = number_len(v, i, &is_big);
    }
    if (is_big) copy[(*len)++] = '"';
    memcpy(copy + *len, v.data + i, num);
    *len += num;
    if (is_big) copy[(*len)++] = '"';
    i += num;
  }
  return copy;
}

/**
 * jansson 2.14 ends the process when the buffer of a text cannot grow (an assertion
 * of lex_scan_string). So memory for the longest text is looked for before: twice
 * what the buffer may have, as it doubles, and the text itself.
 */
static bool has_room(size_t len) {
  void *room = gw_mem_alloc(5 * len + 4096);
  gw_mem_free(room);
  return room != NULL;
}

static json_t *parse(gw_view text, json_error_t *error) {
  json_t *root = json_loadb((const char *)text.data, text.len,
                            JSON_REJECT_DUPLICATES, error);
  if (root != NULL || json_error_code(error) != json_error_numeric_overflow) {
    return root;
  }
  size_t len;
  char *quoted = quote_big(text, &len);
  if (quoted == NULL) return NULL;
  root = json_loadb(quoted, len, JSON_REJECT_DUPLICATES, error);
  free(quoted);
  return root;
}

static int refuse_parse(const reading *r, const json_error_t *error) {
  char sentence[JSON_ERROR_TEXT_LENGTH + 16];
  (void)snprintf(sentence, sizeof sentence, "not JSON: %s", error->text);
  enum json_error_code code = json_error_code(error);
  if (code == json_error_out_of_memory) {
    return refuse(r, NULL, GW_ERR_NOMEM, "out of memory");
  }
  /* Half a surrogate pair has no code of its own. */
  bool is_text = code == json_error_null_character ||
                 code == json_error_null_byte_in_key ||
                 strncmp(error->text, "invalid Unicode", 15) == 0;
  if (is_text) {
    return refuse(r, NULL, GW_ERR_TEXT, "a text with U+0000 or half a pair");
  }
  return refuse_value(r, NULL, sentence);
}

typedef int (*put_root)(const reading *r, const void *arg, const json_t *root);

static int put_frame_root(const reading *r, const void *arg,
                          const json_t *root) {
  (void)arg;
  return json_is_object(root)
             ? put_frame(r, root)
             : refuse_value(r, NULL, "a line must be an object");
}

static int put_message_root(const reading *r, const void *arg,
                            const json_t *root) {
  return put_message(r, NULL, arg, root);
}

static int read_text(gw_view text, gw_out *out, char *why, put_root put,
                     const void *arg) {
  reading r = {out, why};
  if (!gw_view_is_text(text)) {
    return refuse(&r, NULL, GW_ERR_TEXT, "not valid UTF-8, or holds a NUL");
  }
  if (is_too_deep(text)) {
    return refuse(&r, NULL, GW_ERR_PEER_TOO_BIG, "nested too deep");
  }
  if (!has_room(text.len)) {
    return refuse(&r, NULL, GW_ERR_NOMEM, "out of memory");
  }
  json_error_t error;
  json_t *root = parse(text, &error);
  if (root == NULL) return refuse_parse(&r, &error);
  size_t start = out->len;
  int err = put(&r, arg, root);
  if (err != 0) out->len = start;
  json_decref(root);
  return err;
}

int gw_json_to_frame(gw_view text, gw_out *out, char *why) {
  return read_text(text, out, why, put_frame_root, NULL);
}

int gw_json_to_message(const ProtobufCMessageDescriptor *type, gw_view text,
                       gw_out *out, char *why) {
  return read_text(text, out, why, put_message_root, type);
}
