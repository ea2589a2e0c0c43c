/* SPDX-License-Identifier: MIT */
/* schema_test.c - what payloads have to look like: JSON Schema, and messages of
 * a descriptor set. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>

#include "server/core/expression.h"
#include "server/core/json_text.h"
#include "server/core/schema.h"

/* ---- help ------------------------------------------------------------------ */

static gw_schema *schema_of(const char *text) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  gw_schema *s = gw_schema_from_json(gw_view_of(text), why);
  if (s == NULL) fail_msg("%s: %s", text, why);
  return s;
}

static void refuse_schema(const char *text, const char *want) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  assert_null(gw_schema_from_json(gw_view_of(text), why));
  assert_string_equal(why, want);
}

static uint32_t check(const gw_schema *s, const char *json, gws_problem *p) {
  *p = (gws_problem){.code = GW_CODE_OK};
  json_t *value = gws_json_parse(gw_view_of(json), "json", p);
  if (value == NULL) fail_msg("%s: %s", json, p->why);
  uint32_t code = gw_schema_check_json(s, value, p);
  json_decref(value);
  return code;
}

static void takes(const gw_schema *s, const char *json) {
  gws_problem p;
  if (check(s, json, &p) != GW_CODE_OK)
    fail_msg("%s: %s: %s", json, p.field, p.why);
}

static void refuses(const gw_schema *s, const char *json, const char *field,
                    const char *why) {
  gws_problem p;
  assert_int_equal(check(s, json, &p), GW_CODE_SCHEMA_MISMATCH);
  assert_string_equal(p.field, field);
  assert_string_equal(p.why, why);
}

/* ---- JSON ------------------------------------------------------------------ */

static void test_the_path_of_what_does_not_fit_is_told(void **state) {
  (void)state;
  gw_schema *s = schema_of(
      "{\"type\":\"object\",\"required\":[\"user\"],\"properties\":{\"user\":{"
      "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
      "\"name\":{\"type\":\"string\",\"minLength\":1},\"address\":{\"type\":"
      "\"array\",\"maxItems\":3,\"items\":{\"type\":\"object\",\"required\":["
      "\"city\"],\"properties\":{\"city\":{\"type\":\"string\"}}}}}}}}");
  takes(s, "{\"user\":{\"name\":\"ada\",\"address\":[{\"city\":\"x\"}]}}");
  takes(s, "{\"user\":{},\"more\":1}");
  refuses(s, "[]", "", "must be an object");
  refuses(s, "{}", "user", "is missing");
  refuses(s, "{\"user\":{\"name\":\"\"}}", "user.name", "is too short");
  refuses(s, "{\"user\":{\"x\":1}}", "user.x", "is not allowed");
  refuses(s,
          "{\"user\":{\"address\":[{\"city\":\"a\"},{\"city\":\"b\"},"
          "{\"city\":3}]}}",
          "user.address[2].city", "must be a string");
  refuses(s, "{\"user\":{\"address\":[{}]}}", "user.address[0].city",
          "is missing");
  refuses(s, "{\"user\":{\"address\":[{},{},{},{}]}}", "user.address",
          "has too many items");
  gw_schema_free(s);
}

static void test_numbers_texts_and_values(void **state) {
  (void)state;
  gw_schema *s = schema_of(
      "{\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"
      "\"x\":{\"exclusiveMinimum\":0,\"exclusiveMaximum\":1},"
      "\"t\":{\"maxLength\":3,\"pattern\":\"^[a-zü]+$\"},"
      "\"e\":{\"enum\":[\"a\",1,null,{\"b\":[true]}]},\"c\":{\"const\":7},"
      "\"o\":{\"type\":[\"string\",\"null\"]},\"never\":false,\"any\":true}}");
  takes(s, "{\"n\":1,\"x\":0.5,\"t\":\"grü\",\"e\":{\"b\":[true]},\"c\":7.0,"
           "\"o\":null,\"any\":[]}");
  takes(s, "{\"n\":9.0}");
  refuses(s, "{\"n\":0}", "n", "is too small");
  refuses(s, "{\"n\":10}", "n", "is too large");
  refuses(s, "{\"n\":1.5}", "n", "must be a whole number");
  refuses(s, "{\"x\":0}", "x", "is too small");
  refuses(s, "{\"x\":1}", "x", "is too large");
  refuses(s, "{\"t\":\"grün\"}", "t", "is too long");
  refuses(s, "{\"t\":\"A\"}", "t", "does not match the pattern");
  refuses(s, "{\"e\":2}", "e", "is not one of the values that it may have");
  refuses(s, "{\"c\":8}", "c", "is not the value that it has to have");
  refuses(s, "{\"o\":1}", "o", "is of another type than it may be");
  refuses(s, "{\"never\":null}", "never", "is not allowed");
  gw_schema_free(s);
}

static void test_patterns_are_those_of_the_web(void **state) {
  (void)state;
  gw_schema *s = schema_of(
      "{\"properties\":{\"d\":{\"pattern\":\"^\\\\d{3}$\"},"
      "\"w\":{\"pattern\":\"^(?!x)\\\\w+$\"},"
      "\"u\":{\"pattern\":\"^[\\\\u00e4-\\\\u00fc]\\\\u{1f600}?$\"},"
      "\"p\":{\"pattern\":\"^\\\\p{L}.$\"},\"z\":{\"pattern\":\"a\\u0000b\"},"
      "\"r\":{\"pattern\":\"^(a|b)-\\\\1$\"}}}");
  takes(s,
        "{\"d\":\"123\",\"w\":\"y_\",\"u\":\"ö😀\",\"p\":\"é😀\",\"r\":\"a-a\","
        "\"z\":\"xa\\u0000b\"}");
  refuses(s, "{\"d\":\"ddd\"}", "d", "does not match the pattern");
  refuses(s, "{\"d\":\"123\\n\"}", "d", "does not match the pattern");
  refuses(s, "{\"w\":\"xy\"}", "w", "does not match the pattern");
  refuses(s, "{\"u\":\"u\"}", "u", "does not match the pattern");
  refuses(s, "{\"p\":\"é\\r\"}", "p", "does not match the pattern");
  refuses(s, "{\"z\":\"ab\"}", "z", "does not match the pattern");
  refuses(s, "{\"r\":\"a-b\"}", "r", "does not match the pattern");
  gw_schema_free(s);
}

/** Neither an expression nor a text takes more than it may. */
static void test_patterns_are_bounded(void **state) {
  (void)state;
  char text[GW_EXPRESSION_MAX + 64], why[GW_SCHEMA_WHY_MAX];
  gw_schema *s = schema_of("{\"pattern\":\"^(a+)+$\"}");
  takes(s, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
  refuses(s, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"", "",
          "takes too long to match with the pattern");
  gw_schema_free(s);
  memset(text, 0, sizeof text);
  (void)snprintf(text, sizeof text, "{\"pattern\":\"%0*d\"}",
                 (int)GW_EXPRESSION_MAX + 1, 0);
  assert_null(gw_schema_from_json(gw_view_of(text), why));
  assert_string_equal(why,
                      "#/pattern: no expression: it is longer than 16 KiB");
  refuse_schema("{\"pattern\":\"a+++++++++b\"}",
                "#/pattern: no expression: quantifier does not follow a "
                "repeatable item, at character 4");
  assert_null(gw_schema_from_json(
      gw_view_of("{\"pattern\":\"(((a{999}){999}){999}){999}\"}"), why));
  assert_non_null(strstr(why, "too large"));
}

static void test_references_and_trees(void **state) {
  (void)state;
  gw_schema *s = schema_of(
      "{\"$ref\":\"#/$defs/tree\",\"$defs\":{\"tree\":{\"type\":\"object\","
      "\"properties\":{\"left\":{\"$ref\":\"#/$defs/tree\"},\"a/b~\":{\"$ref\":"
      "\"#/$defs/x~1y~0z\"}}},\"x/y~z\":{\"type\":\"number\"}}}");
  takes(s, "{\"left\":{\"left\":{\"a/b~\":1}}}");
  refuses(s, "{\"left\":{\"left\":{\"a/b~\":\"\"}}}", "left.left.a/b~",
          "must be a number");
  gw_schema_free(s);
  s = schema_of("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":"
                "\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}}}");
  refuses(s, "1", "", "cannot be checked: references in a circle");
  gw_schema_free(s);
}

static void test_what_would_not_hold_is_no_schema(void **state) {
  (void)state;
  refuse_schema("{\"properties\":{\"a\":{\"oneOf\":[]}}}",
                "#/properties/a/oneOf: this keyword is not supported");
  refuse_schema("{\"type\":\"text\"}",
                "#/type: must be a type or some of them");
  refuse_schema("{\"minLength\":-1}",
                "#/minLength: must be a whole number from 0 on");
  refuse_schema("{\"pattern\":\"a(b\"}",
                "#/pattern: no expression: missing closing parenthesis, at "
                "character 4");
  refuse_schema("{\"$ref\":\"other.json\"}",
                "#/$ref: must be # or #/..., within this file");
  refuse_schema("{\"$ref\":\"#/nowhere\"}", "#/$ref: #/nowhere is not there");
  refuse_schema("[]", "#: must be a schema: an object, true or false");
  char why[GW_SCHEMA_WHY_MAX] = "";
  assert_null(gw_schema_from_json(gw_view_of("{\"a\":"), why));
  assert_non_null(strstr(why, "not JSON: line 1, column"));
}

static void test_deep_values_are_refused_before_they_are_parsed(void **state) {
  char deep[600];
  gws_problem p = {.code = GW_CODE_OK};
  (void)state;
  memset(deep, '[', sizeof deep);
  assert_null(
      gws_json_parse((gw_view){(uint8_t *)deep, sizeof deep}, "json", &p));
  assert_int_equal(p.code, GW_CODE_TOO_BIG);
  /* Brackets in a string are none. */
  deep[0] = '"';
  deep[sizeof deep - 1] = '"';
  json_t *value =
      gws_json_parse((gw_view){(uint8_t *)deep, sizeof deep}, "json", &p);
  assert_non_null(value);
  json_decref(value);
}

static void test_normalisation_form_c(void **state) {
  gws_problem p = {.code = GW_CODE_OK};
  (void)state;
  assert_true(gws_text_is_nfc(gw_view_of("gr\xC3\xBCn")));
  assert_false(gws_text_is_nfc(gw_view_of("gru\xCC\x88n")));
  json_t *value =
      gws_json_parse(gw_view_of("{\"a\":[\"x\",\"u\xCC\x88\"]}"), "json", &p);
  p.field[0] = '\0';
  assert_int_equal(gws_json_check_nfc(value, &p), GW_CODE_BAD_TEXT);
  assert_string_equal(p.field, "a[1]");
  json_decref(value);
}

/* ---- Protocol Buffers ------------------------------------------------------ */

/*
 * What protoc -o makes of
 *
 *   syntax = "proto2"; package shop;
 *   enum Kind { NONE = 0; GOOD = 5; }
 *   message Item { required string name = 1; optional int32 num = 2; }
 *   message Order {
 *     repeated Item items = 1; optional Kind kind = 2;
 *     repeated uint32 codes = 3 [packed = true]; optional double price = 4;
 *   }
 */
static uint8_t set_space[512];

static size_t put(uint8_t *to, uint8_t tag, const char *body, size_t len) {
  to[0] = tag;
  to[1] = (uint8_t)len;
  assert_true(len < 128);
  memcpy(to + 2, body, len);
  return len + 2;
}

static size_t put_field(uint8_t *to, const char *name, const char *rest,
                        size_t rest_len) {
  uint8_t body[128];
  size_t len = put(body, 0x0A, name, strlen(name));
  memcpy(body + len, rest, rest_len);
  return put(to, 0x12, (char *)body, len + rest_len);
}

static gw_view make_set(void) {
  uint8_t item[128], order[160], kind[64], file[400];
  size_t n = put(item, 0x0A, "Item", 4);
  n += put_field(item + n, "name", "\x18\x01\x20\x02\x28\x09", 6);
  n += put_field(item + n, "num", "\x18\x02\x20\x01\x28\x05", 6);
  size_t m = put(order, 0x0A, "Order", 5);
  m += put_field(order + m, "items",
                 "\x18\x01\x20\x03\x28\x0B\x32\x0A.shop.Item", 18);
  m += put_field(order + m, "kind",
                 "\x18\x02\x20\x01\x28\x0E\x32\x0A.shop.Kind", 18);
  m += put_field(order + m, "codes", "\x18\x03\x20\x03\x28\x0D", 6);
  m += put_field(order + m, "price", "\x18\x04\x20\x01\x28\x01", 6);
  size_t k = put(kind, 0x0A, "Kind", 4);
  k += put(kind + k, 0x12, "\x0A\x04NONE\x10\x00", 8);
  k += put(kind + k, 0x12, "\x0A\x04GOOD\x10\x05", 8);
  size_t f = put(file, 0x12, "shop", 4);
  f += put(file + f, 0x22, (char *)item, n);
  f += put(file + f, 0x22, (char *)order, m);
  f += put(file + f, 0x2A, (char *)kind, k);
  set_space[0] = 0x0A;
  set_space[1] = (uint8_t)(f % 128 + 128);
  set_space[2] = (uint8_t)(f / 128);
  memcpy(set_space + 3, file, f);
  return (gw_view){set_space, f + 3};
}

static gw_schema *orders(void) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  gw_schema *s = gw_schema_from_descriptors(make_set(), "shop.Order", why);
  if (s == NULL) fail_msg("%s", why);
  return s;
}

#define BYTES(text) ((gw_view){(const uint8_t *)(text), sizeof(text) - 1})

static void fits(const gw_schema *s, gw_view message) {
  gws_problem p = {.code = GW_CODE_OK};
  if (gw_schema_check_message(s, message, &p) != GW_CODE_OK)
    fail_msg("%s: %s", p.field, p.why);
}

static void misfits(const gw_schema *s, gw_view message, const char *field,
                    const char *why) {
  gws_problem p = {.code = GW_CODE_OK};
  assert_int_equal(gw_schema_check_message(s, message, &p),
                   GW_CODE_SCHEMA_MISMATCH);
  assert_string_equal(p.field, field);
  assert_string_equal(p.why, why);
}

static void test_messages_are_walked(void **state) {
  (void)state;
  gw_schema *s = orders();
  fits(s, BYTES(""));
  fits(s, BYTES("\x0A\x05\x0A\x03"
                "abc"
                "\x10\x05\x1A\x02\x01\x02\x18\x07"));
  fits(s, BYTES("\x21"
                "12345678"
                "\x7A\x01?")); /* unknown is well formed */
  misfits(s, BYTES("\x0A\x02\x0A\x00\x0A\x02\x10\x01"), "items[1].name",
          "is missing");
  misfits(s, BYTES("\x0A\x03\x0A\x01\xFF"), "items[0].name",
          "is not text in UTF-8");
  misfits(s, BYTES("\x10\x04"), "kind",
          "is not one of the values that it may have");
  misfits(s, BYTES("\x1A\x01\x80"), "codes[0]", "is cut");
  misfits(s, BYTES("\x18\xFF\xFF\xFF\xFF\xFF\x01"), "codes[0]",
          "is no 32-bit number");
  misfits(s, BYTES("\x20\x01"), "price", "is of another type");
  misfits(s, BYTES("\x0A\x7F"), "", "is no message of Protocol Buffers");
  gw_schema_free(s);
}

static void test_a_set_says_what_it_lacks(void **state) {
  char why[GW_SCHEMA_WHY_MAX] = "";
  (void)state;
  assert_null(gw_schema_from_descriptors(make_set(), "shop.Cart", why));
  assert_string_equal(why, "the set has no message: shop.Cart");
  assert_null(gw_schema_from_descriptors(BYTES("{\"a\":1}"), "a.B", why));
  assert_string_equal(why, "no descriptor set: protoc -o makes one");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_path_of_what_does_not_fit_is_told),
      cmocka_unit_test(test_numbers_texts_and_values),
      cmocka_unit_test(test_patterns_are_those_of_the_web),
      cmocka_unit_test(test_patterns_are_bounded),
      cmocka_unit_test(test_references_and_trees),
      cmocka_unit_test(test_what_would_not_hold_is_no_schema),
      cmocka_unit_test(test_deep_values_are_refused_before_they_are_parsed),
      cmocka_unit_test(test_normalisation_form_c),
      cmocka_unit_test(test_messages_are_walked),
      cmocka_unit_test(test_a_set_says_what_it_lacks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
