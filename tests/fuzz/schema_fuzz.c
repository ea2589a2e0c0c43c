/* SPDX-License-Identifier: MIT */
/* schema_fuzz.c - the validators of payloads. The first byte chooses: a schema in
 * JSON and, behind a NUL, a value that it is tried on; a descriptor set and a
 * message; or a value, or a message, for a schema that is known to be good. */
#include <stdlib.h>
#include <string.h>

#include "server/core/json_text.h"
#include "server/core/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char known[] =
    "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":{\"$ref\":"
    "\"#\"},\"properties\":{\"a\":{\"type\":[\"string\",\"array\",\"number\"],"
    "\"minLength\":2,\"maxLength\":9,\"pattern\":\"^[a-f]*$\",\"minimum\":-5,"
    "\"exclusiveMaximum\":5,\"maxItems\":4,\"items\":{\"$ref\":\"#\"}},\"b\":{"
    "\"enum\":[1,\"x\",null]},\"c\":false}}";

static void must(bool holds) {
  if (!holds) abort();
}

/** A refusal says what and where, in text. */
static void look(uint32_t code, const gws_problem *p) {
  if (code == GW_CODE_OK) return;
  must(code == GW_CODE_SCHEMA_MISMATCH && p->code == code);
  must(p->why[0] != '\0' && gw_view_is_text(gw_view_of(p->why)));
  must(gw_view_is_text(gw_view_of(p->field)));
}

static void try_json(const gw_schema *s, gw_view text) {
  gws_problem p = {.code = GW_CODE_OK};
  json_t *value = gws_json_parse(text, "json", &p);
  if (value == NULL) {
    must(p.code != GW_CODE_OK);
    return;
  }
  p = (gws_problem){.code = GW_CODE_OK};
  look(gw_schema_check_json(s, value, &p), &p);
  p = (gws_problem){.code = GW_CODE_OK};
  (void)gws_json_check_nfc(value, &p);
  json_decref(value);
}

static void fuzz_json(gw_view schema, gw_view text) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  gw_schema *s = gw_schema_from_json(schema, why);
  must(s != NULL || why[0] != '\0');
  if (s != NULL) try_json(s, text);
  gw_schema_free(s);
}

static void fuzz_message(gw_view set, gw_view message) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  gws_problem p = {.code = GW_CODE_OK};
  gw_schema *s = gw_schema_from_descriptors(set, "a.M", why);
  must(s != NULL || why[0] != '\0');
  if (s != NULL) look(gw_schema_check_message(s, message, &p), &p);
  gw_schema_free(s);
}

/** The part in front of a byte, and the part behind it. */
static gw_view cut(gw_view *rest, uint8_t at) {
  const uint8_t *end =
      rest->len != 0 ? memchr(rest->data, at, rest->len) : NULL;
  gw_view front = *rest;
  if (end == NULL) {
    *rest = (gw_view){NULL, 0};
    return front;
  }
  front.len = (size_t)(end - front.data);
  *rest = (gw_view){end + 1, rest->len - front.len - 1};
  return front;
}

/** In front of a set is its length, in one byte. */
static gw_view cut_counted(gw_view *rest) {
  size_t len = rest->len != 0 ? rest->data[0] : 0;
  if (len + 1 > rest->len) return (gw_view){NULL, 0};
  gw_view front = {rest->data + 1, len};
  *rest = (gw_view){rest->data + 1 + len, rest->len - 1 - len};
  return front;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  gw_view rest = {data + 1, size - 1};
  if (data[0] % 3 == 0) {
    gw_view schema = cut(&rest, '\0');
    fuzz_json(schema, rest);
  } else if (data[0] % 3 == 1) {
    gw_view set = cut_counted(&rest);
    fuzz_message(set, rest);
  } else {
    fuzz_json(gw_view_of(known), rest);
  }
  return 0;
}
