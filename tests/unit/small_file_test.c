/* SPDX-License-Identifier: MIT */
/* small_file_test.c - files that are read whole, and what is said of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/observe/small_file.h"

static char path[64];

static int set_up(void **state) {
  (void)state;
  snprintf(path, sizeof path, "/tmp/godwit-small-file-%ld", (long)getpid());
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  unlink(path);
  return 0;
}

static void write_bytes(size_t num) {
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  for (size_t i = 0; i < num; i++)
    assert_int_not_equal(fputc((int)(i & 0xff), file), EOF);
  assert_int_equal(fclose(file), 0);
}

static void check_whole(size_t num, size_t max) {
  char why[GW_SMALL_FILE_WHY_MAX];
  size_t len;
  write_bytes(num);
  char *content = gw_small_file_read(path, max, &len, why);
  assert_non_null(content);
  assert_int_equal(len, num);
  for (size_t i = 0; i < num; i++)
    assert_int_equal((uint8_t)content[i], i & 0xff);
  assert_int_equal(content[num], '\0');
  free(content);
}

static void test_reads_whole(void **state) {
  (void)state;
  check_whole(0, 1024);
  check_whole(700, 1024);
  check_whole(1024, 1024);
  check_whole(9000, 64 * 1024);
}

static void check_refused(const char *name, size_t max, const char *wanted) {
  char why[GW_SMALL_FILE_WHY_MAX];
  size_t len;
  assert_null(gw_small_file_read(name, max, &len, why));
  assert_string_equal(why, wanted);
}

static void test_says_what_is_wrong(void **state) {
  (void)state;
  write_bytes(2049);
  check_refused(path, 2048, "is larger than 2 KiB");
  check_refused("/nowhere/at/all", 1024,
                "cannot be read: No such file or directory; give the path of a "
                "file that is there");
  check_refused("/tmp", 1024,
                "cannot be read: Is a directory; give a file, not a folder");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_whole),
      cmocka_unit_test(test_says_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
