/* SPDX-License-Identifier: MIT */
/* json_differential_test.c - the transcoder against python3-protobuf.
 *
 * tests/json/differential.py makes random messages and drives this same program
 * as a filter: it reads lines `J hex-of-a-JSON-line` and `B hex-of-a-message`
 * and answers each with the other encoding in hex, or `-` and why it refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"

#define LINE_MAX_BYTES (256 * 1024)

static void answer(gw_view bytes) {
  static char hex[2 * LINE_MAX_BYTES + 1];
  puts(sodium_bin2hex(hex, sizeof hex, bytes.data, bytes.len));
}

static void read_line(gw_view line) {
  static uint8_t space[LINE_MAX_BYTES];
  char why[GW_MAX_REASON_BYTES];
  gw_out out = {space, 0, sizeof space};
  int err = gw_json_to_frame(line, &out, why);
  if (err == 0) {
    answer((gw_view){space, out.len});
  } else {
    printf("- %s %s\n", gw_err_name(err), why);
  }
}

static void write_line(gw_view message) {
  gw_buf *text = gw_json_from_message(message);
  if (text != NULL) {
    answer(gw_buf_payload(text));
  } else {
    puts("- refused");
  }
  gw_buf_unref(text);
}

static int transcode(void) {
  static char line[2 * LINE_MAX_BYTES];
  static uint8_t bytes[LINE_MAX_BYTES];
  while (fgets(line, sizeof line, stdin) != NULL) {
    size_t len;
    size_t hex_len = strcspn(line + 2, "\n");
    if (sodium_hex2bin(bytes, sizeof bytes, line + 2, hex_len, NULL, &len,
                       NULL) != 0) {
      return 1;
    }
    if (line[0] == 'J') {
      read_line((gw_view){bytes, len});
    } else {
      write_line((gw_view){bytes, len});
    }
  }
  return 0;
}

static const char *program;

static void test_agrees_with_python_protobuf(void **state) {
  (void)state;
  char command[1024];
  const char *python = getenv("PYTHON");
  snprintf(command, sizeof command, "'%s' tests/json/differential.py '%s'",
           python != NULL ? python : "/usr/bin/python3", program);
  assert_int_equal(0, system(command));
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "transcode") == 0) return transcode();
  program = argv[0];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_agrees_with_python_protobuf)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
