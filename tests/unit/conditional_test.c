/* SPDX-License-Identifier: MIT */
/* conditional_test.c - codings, entity tags and ranges of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/edge/conditional.h"
#include "support/exact.h"

static void test_codings(void **state) {
  (void)state;
  static const struct {
    const char *header;
    bool takes_gzip;
  } cases[] = {
      {"gzip", true},
      {"br, gzip", true},
      {"GZIP;q=0.5", true},
      {"gzip;q=1", true},
      {"gzip;q=0", false},
      {"gzip; q=0.000", false},
      {"gzip;q=0.001", true},
      {"br", false},
      {"", false},
      {"xgzip", false},
      {"gzipx", false},
      {"*", false},
      {"identity;q=0", false},
      {"deflate,gzip;q=1.0,*;q=0.5", true},
      {",,,gzip", true},
      {";gzip", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_view header = exact_text(cases[i].header);
    if (gw_accepts_coding(header, "gzip") != cases[i].takes_gzip)
      fail_msg("'%s'", cases[i].header);
    exact_free(header);
  }
}

static void test_tags(void **state) {
  (void)state;
  static const struct {
    const char *header;
    bool matches;
  } cases[] = {{"\"a\"", true},
               {"W/\"a\"", true},
               {"\"b\", \"a\"", true},
               {"\"b\",W/\"a\"", true},
               {"*", true},
               {" * ", true},
               {"\"b\"", false},
               {"a", false},
               {"", false},
               {"\"a", false},
               {"W/", false},
               {"\"A\"", false},
               {"\"b\" , \"c\" ,", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_view header = exact_text(cases[i].header);
    if (gw_etag_matches(header, "\"a\"") != cases[i].matches)
      fail_msg("'%s'", cases[i].header);
    exact_free(header);
  }
}

static void test_ranges_of_100_bytes(void **state) {
  (void)state;
  static const struct {
    const char *header;
    enum gw_range what;
    uint64_t first, last;
  } cases[] = {
      {"bytes=0-0", GW_RANGE_PART, 0, 0},
      {"bytes=0-99", GW_RANGE_PART, 0, 99},
      {"bytes=10-", GW_RANGE_PART, 10, 99},
      {"bytes=10-1000", GW_RANGE_PART, 10, 99},
      {"bytes=-1", GW_RANGE_PART, 99, 99},
      {"bytes=-1000", GW_RANGE_PART, 0, 99},
      {"Bytes = 5-6", GW_RANGE_PART, 5, 6},
      {"bytes=100-", GW_RANGE_BAD, 0, 0},
      {"bytes=-0", GW_RANGE_BAD, 0, 0},
      {"bytes=5-4", GW_RANGE_NONE, 0, 0},
      {"bytes=0-1,5-6", GW_RANGE_NONE, 0, 0},
      {"bytes=a-b", GW_RANGE_NONE, 0, 0},
      {"bytes=-", GW_RANGE_NONE, 0, 0},
      {"bytes=1", GW_RANGE_NONE, 0, 0},
      {"bytes=", GW_RANGE_NONE, 0, 0},
      {"lines=0-1", GW_RANGE_NONE, 0, 0},
      {"", GW_RANGE_NONE, 0, 0},
      {"bytes=0-99999999999999999999", GW_RANGE_NONE, 0, 0},
      {"bytes=99999999999999999999-", GW_RANGE_NONE, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint64_t first = 0, last = 0;
    gw_view header = exact_text(cases[i].header);
    enum gw_range what = gw_range_read(header, 100, &first, &last);
    if (what != cases[i].what ||
        (what == GW_RANGE_PART &&
         (first != cases[i].first || last != cases[i].last)))
      fail_msg("'%s': %d", cases[i].header, what);
    exact_free(header);
  }
}

static void test_no_part_of_nothing(void **state) {
  (void)state;
  uint64_t first, last;
  assert_int_equal(gw_range_read(gw_view_of("bytes=0-"), 0, &first, &last),
                   GW_RANGE_BAD);
  assert_int_equal(gw_range_read(gw_view_of("bytes=-5"), 0, &first, &last),
                   GW_RANGE_BAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_codings),
      cmocka_unit_test(test_tags),
      cmocka_unit_test(test_ranges_of_100_bytes),
      cmocka_unit_test(test_no_part_of_nothing),
  };
  return cmocka_run_group_tests_name("conditional", tests, NULL, NULL);
}
