/* SPDX-License-Identifier: MIT */
/* text.c - safe output, and ids, positions and times as text. */
#include "server/cli/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- safe text ------------------------------------------------------------- */

/** Take a character from valid UTF-8. */
static uint32_t take(gw_view *v) {
  static const uint8_t first_bits[] = {0x7F, 0x1F, 0x0F, 0x07};
  uint8_t first = *v->data;
  size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  uint32_t c = first & first_bits[more];
  for (size_t i = 1; i <= more; i++)
    c = c << 6 | (v->data[i] & 0x3Fu);
  v->data += more + 1;
  v->len -= more + 1;
  return c;
}

/** C0, DEL, C1, line and paragraph ends, marks and overrides of direction, the
 * byte order mark: all within four hexadecimal digits. */
static bool is_dangerous(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C ||
         (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static void put_bytes(FILE *to, gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    bool is_plain = v.data[i] >= 0x20 && v.data[i] < 0x7F;
    fprintf(to, is_plain ? "%c" : "\\x%02x", v.data[i]);
  }
}

/** What stands for a character that must not be shown as it is. */
typedef void (*put_fn)(FILE *to, uint32_t c);

static void put_escape(FILE *to, uint32_t c) {
  if (c == '\n') {
    fputs("\\n", to);
  } else if (c == '\t') {
    fputs("\\t", to);
  } else {
    fprintf(to, "\\u%04x", c);
  }
}

/* In valid JSON these stand between values only. */
static void put_json_escape(FILE *to, uint32_t c) {
  bool is_space = c == '\n' || c == '\r' || c == '\t';
  fprintf(to, is_space ? " " : "\\u%04x", c);
}

static void put_safe(FILE *to, gw_view v, put_fn put) {
  if (!gw_view_is_text(v)) {
    put_bytes(to, v);
    return;
  }
  while (v.len > 0) {
    const uint8_t *at = v.data;
    uint32_t c = take(&v);
    if (is_dangerous(c)) {
      put(to, c);
    } else {
      fwrite(at, 1, (size_t)(v.data - at), to);
    }
  }
}

void gw_text_put(FILE *to, gw_view text) {
  put_safe(to, text, put_escape);
}

static bool is_json_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void gw_text_put_json(FILE *to, gw_view json) {
  while (json.len > 0 && is_json_space(json.data[0])) {
    json.data++;
    json.len--;
  }
  while (json.len > 0 && is_json_space(json.data[json.len - 1]))
    json.len--;
  put_safe(to, json, put_json_escape);
}

void gw_text_put_string(FILE *to, gw_view text) {
  json_t *string =
      json_stringn(text.len > 0 ? (const char *)text.data : "", text.len);
  char *dump = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
  if (dump != NULL) {
    gw_text_put_json(to, gw_view_of(dump));
  } else {
    fputs("\"\"", to); /* no text: the server lets none pass */
  }
  free(dump);
  json_decref(string);
}

/* ---- payloads -------------------------------------------------------------- */

gw_payload gw_text_payload(gw_view data, gw_view json) {
  if (json.len > 0) return (gw_payload){GW_PAYLOAD_JSON, json};
  return (gw_payload){GW_PAYLOAD_BYTES, data};
}

bool gw_text_is_json(gw_view text) {
  json_error_t error;
  /* Only whether: numbers of any size, and U+0000 in its escaped form. */
  size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
  if (text.len == 0) return false;
  json_t *value = json_loadb((const char *)text.data, text.len, flags, &error);
  json_decref(value);
  return value != NULL;
}

static void put_base64(FILE *to, gw_view v) {
  size_t size =
      sodium_base64_encoded_len(v.len, sodium_base64_VARIANT_ORIGINAL);
  char *text = malloc(size);
  if (text == NULL) return;
  fputs(sodium_bin2base64(text, size, v.data, v.len,
                          sodium_base64_VARIANT_ORIGINAL),
        to);
  free(text);
}

void gw_text_put_payload(FILE *to, gw_payload payload) {
  if (payload.type == GW_PAYLOAD_JSON) {
    gw_text_put_json(to, payload.bytes);
  } else if (gw_view_is_text(payload.bytes)) {
    gw_text_put(to, payload.bytes);
  } else {
    fputs("base64 ", to);
    put_base64(to, payload.bytes);
  }
}

void gw_text_put_payload_member(FILE *to, gw_payload payload) {
  if (payload.bytes.len == 0) return;
  if (payload.type != GW_PAYLOAD_JSON) {
    fputs(",\"data\":\"", to);
    put_base64(to, payload.bytes);
    fputs("\"", to);
    return;
  }
  fputs(",\"json\":", to);
  if (gw_text_is_json(payload.bytes)) {
    gw_text_put_json(to, payload.bytes);
  } else {
    gw_text_put_string(to, payload.bytes);
  }
}

/* ---- ids, positions, times -------------------------------------------------- */

const char *gw_text_id(uint64_t id, char space[GW_TEXT_ID_MAX]) {
  (void)snprintf(space, GW_TEXT_ID_MAX, "%016" PRIx64, id);
  return space;
}

const char *gw_text_position(gw_position p, char space[GW_TEXT_POSITION_MAX]) {
  (void)snprintf(space, GW_TEXT_POSITION_MAX, "%016" PRIx64 ":%" PRIu64,
                 p.epoch, p.offset);
  return space;
}

/** Digits of a base, no sign or blank, that fit in 64 bits and end at end. */
static bool read_digits(const char *text, const char *end, int base,
                        uint64_t *number) {
  static const char digits[] = "0123456789abcdefABCDEF";
  size_t len = (size_t)(end - text);
  size_t num_digits = base == 10 ? 10 : sizeof digits - 1;
  *number = 0;
  for (size_t i = 0; i < len; i++) {
    const char *digit = memchr(digits, text[i], num_digits);
    if (digit == NULL) return false;
    uint64_t value = (uint64_t)(digit - digits);
    if (value > 15) value -= 6; /* A to F */
    uint64_t factor = (uint64_t)base;
    if (*number > (UINT64_MAX - value) / factor) return false;
    *number = *number * factor + value;
  }
  return len > 0;
}

bool gw_text_read_id(const char *text, uint64_t *id) {
  return read_digits(text, text + strlen(text), 16, id) && *id != 0;
}

bool gw_text_read_position(const char *text, gw_position *p) {
  const char *colon = strchr(text, ':');
  return colon != NULL && read_digits(text, colon, 16, &p->epoch) &&
         p->epoch != 0 &&
         read_digits(colon + 1, text + strlen(text), 10, &p->offset);
}

/** The last millisecond of the year 9999: what is later is no time. */
#define TIME_MAX_MS 253402300799999u

const char *gw_text_clock(uint64_t time_ms, char space[GW_TEXT_TIME_MAX]) {
  time_t seconds = (time_t)(time_ms / 1000);
  struct tm parts;
  if (time_ms > TIME_MAX_MS || localtime_r(&seconds, &parts) == NULL ||
      strftime(space, GW_TEXT_TIME_MAX, "%H:%M:%S", &parts) == 0) {
    (void)snprintf(space, GW_TEXT_TIME_MAX, "--:--:--");
  }
  return space;
}

const char *gw_text_iso(uint64_t time_ms, char space[GW_TEXT_TIME_MAX]) {
  time_t seconds = (time_t)(time_ms / 1000);
  struct tm parts;
  char date[GW_TEXT_TIME_MAX - 5];
  if (time_ms > TIME_MAX_MS || gmtime_r(&seconds, &parts) == NULL ||
      strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
    space[0] = '\0';
    return space;
  }
  (void)snprintf(space, GW_TEXT_TIME_MAX, "%s.%03uZ", date,
                 (unsigned)(time_ms % 1000));
  return space;
}
