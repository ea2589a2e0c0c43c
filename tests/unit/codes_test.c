/* SPDX-License-Identifier: MIT */
/* codes_test.c - the tables of codes, frame types, results and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "godwit/wire.h"

static void the_hundred_decides_the_class(void **state) {
  (void)state;
  static const struct {
    uint32_t from, to;
    enum gw_code_class class;
  } ranges[] = {
      {0, 0, GW_CLASS_OK},
      {1, 99, GW_CLASS_TERMINAL},
      {100, 199, GW_CLASS_RETRY},
      {200, 299, GW_CLASS_RETRY_AFTER},
      {300, 399, GW_CLASS_REAUTH},
      {400, 499, GW_CLASS_RESYNC},
      {500, 1999, GW_CLASS_TERMINAL},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    for (uint32_t code = ranges[i].from; code <= ranges[i].to; code++)
      assert_int_equal(ranges[i].class, gw_code_class(code));
  }
  assert_int_equal(GW_CLASS_TERMINAL, gw_code_class(UINT32_MAX));
}

static void codes_have_the_classes_that_they_are_used_for(void **state) {
  (void)state;
  assert_int_equal(GW_CLASS_RETRY, gw_code_class(GW_CODE_SLOW_READER));
  assert_int_equal(GW_CLASS_RETRY_AFTER, gw_code_class(GW_CODE_SHUTDOWN));
  assert_int_equal(GW_CLASS_REAUTH, gw_code_class(GW_CODE_TOKEN_EXPIRED));
  assert_int_equal(GW_CLASS_RESYNC, gw_code_class(GW_CODE_EPOCH_CHANGED));
  assert_int_equal(GW_CLASS_TERMINAL, gw_code_class(GW_CODE_PROTOCOL));
}

static void codes_have_names_and_sentences(void **state) {
  (void)state;
  assert_string_equal("OK", gw_code_name(GW_CODE_OK));
  assert_string_equal("SHUTDOWN", gw_code_name(GW_CODE_SHUTDOWN));
  assert_string_equal("UNSUBSCRIBED", gw_code_name(GW_CODE_UNSUBSCRIBED));
  assert_string_equal("The server is shutting down.",
                      gw_code_text(GW_CODE_SHUTDOWN));
  unsigned num = 0;
  for (uint32_t code = 0; code < 1000; code++) {
    if (strcmp(gw_code_name(code), "UNKNOWN") == 0) continue;
    const char *text = gw_code_text(code);
    assert_int_equal('.', text[strlen(text) - 1]);
    num++;
  }
  assert_true(num >= 42);
}

static void unknown_codes_have_a_name_too(void **state) {
  (void)state;
  assert_string_equal("UNKNOWN", gw_code_name(199));
  assert_string_equal("UNKNOWN", gw_code_name(UINT32_MAX));
  assert_true(strlen(gw_code_text(199)) > 0);
}

static void types_have_names(void **state) {
  (void)state;
  assert_string_equal("HELLO", gw_type_name(GW_FRAME_HELLO));
  assert_string_equal("PRESENCE_SNAPSHOT",
                      gw_type_name(GW_FRAME_PRESENCE_SNAPSHOT));
  assert_string_equal("CREDIT", gw_type_name(GW_FRAME_CREDIT));
  assert_string_equal("UNKNOWN", gw_type_name(127));
  assert_string_equal("UNKNOWN", gw_type_name(255));
}

static void types_from_128_are_ignorable(void **state) {
  (void)state;
  assert_false(gw_type_is_ignorable(GW_FRAME_PUBLISH));
  assert_false(gw_type_is_ignorable(127));
  assert_true(gw_type_is_ignorable(GW_FRAME_CREDIT));
  assert_true(gw_type_is_ignorable(255));
}

static void results_have_names_and_sentences(void **state) {
  (void)state;
  assert_string_equal("GW_OK", gw_err_name(GW_OK));
  assert_string_equal("GW_ERR_NOMEM", gw_err_name(GW_ERR_NOMEM));
  assert_string_equal("out of memory", gw_err_text(GW_ERR_NOMEM));
  assert_string_equal("no error", gw_err_text(GW_OK));
#define X(name, number, sentence)                  \
  assert_string_equal(#name, gw_err_name(number)); \
  assert_string_equal(sentence, gw_err_text(number));
  GW_ERR_LIST(X)
#undef X
  assert_string_equal("GW_ERR_UNKNOWN", gw_err_name(-1));
  assert_string_equal("an error that is not known", gw_err_text(12345));
}

static void faults_of_the_peer_are_fatal(void **state) {
  (void)state;
#define X(name, number, sentence) \
  assert_int_equal((number) <= -200 && (number) > -300, gw_err_is_fatal(name));
  GW_ERR_LIST(X)
#undef X
  assert_false(gw_err_is_fatal(GW_OK));
}

/* ---- limits -------------------------------------------------------------- */

static void limits_fit_into_each_other(void **state) {
  (void)state;
  assert_int_equal(17, GW_FRAME_HEAD_MAX);
  assert_true(GW_MAX_FRAME_BYTES <= GW_MAX_FRAME_BYTES_HARD);
  /* A frame of the hard limit and its prefix are counted in 32 bits. */
  assert_true(GW_MAX_FRAME_BYTES_HARD < UINT32_MAX - GW_FRAME_HEAD_MAX);
  /* Each of these has to go into one frame, with fields beside it. */
  const unsigned beside = 1024;
  assert_true(GW_MAX_TOKEN_BYTES + beside < GW_MAX_FRAME_BYTES);
  assert_true(GW_MAX_PRESENCE_BYTES + beside < GW_MAX_FRAME_BYTES);
  assert_true(GW_RECOVERY_CHUNK_BYTES + beside < GW_MAX_FRAME_BYTES);
  /* A queue has to take a chunk, or a recovery would never go on. */
  assert_true(GW_RECOVERY_CHUNK_BYTES + GW_MAX_FRAME_BYTES <
              GW_MAX_QUEUE_BYTES);
  assert_true(GW_MAX_REASON_BYTES <= 123);
  /* A key's window has a bit for each publication that may be on its way. */
  assert_true(GW_MAX_INFLIGHT <= 64);
  assert_true(GW_DEDUP_WINDOW_MS > GW_REQUEST_TIMEOUT_MAX_MS);
  assert_in_range(GW_PING_INTERVAL_MS, GW_PING_INTERVAL_MIN_MS,
                  GW_PING_INTERVAL_MAX_MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hundred_decides_the_class),
      cmocka_unit_test(codes_have_the_classes_that_they_are_used_for),
      cmocka_unit_test(codes_have_names_and_sentences),
      cmocka_unit_test(unknown_codes_have_a_name_too),
      cmocka_unit_test(types_have_names),
      cmocka_unit_test(types_from_128_are_ignorable),
      cmocka_unit_test(results_have_names_and_sentences),
      cmocka_unit_test(faults_of_the_peer_are_fatal),
      cmocka_unit_test(limits_fit_into_each_other),
  };
  return cmocka_run_group_tests_name("codes", tests, NULL, NULL);
}
