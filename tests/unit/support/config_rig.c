/* SPDX-License-Identifier: MIT */
/* config_rig.c - loads configurations for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/config_rig.h"

int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->path, "/tmp/godwit-config-XXXXXX");
  int fd = mkstemp(f->path);
  if (fd < 0) return -1;
  close(fd);
  snprintf(f->flag, sizeof f->flag, "--config=%s", f->path);
  *state = f;
  return 0;
}

int tear_down(void **state) {
  fixture *f = *state;
  gw_config_deinit(&f->config);
  free(f->errors);
  unlink(f->path);
  free(f);
  return 0;
}

void write_file(const fixture *f, const char *text) {
  FILE *file = fopen(f->path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

int load(fixture *f, const char *text, const char *flags) {
  char *argv[16] = {f->flag};
  int argc = 1;
  char *copy = strdup(flags);
  for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
    argv[argc++] = word;
  }
  write_file(f, text);
  gw_config_deinit(&f->config);
  free(f->errors);
  FILE *errors = open_memstream(&f->errors, &f->errors_len);
  int err = gw_config_load(&f->config, argc, argv, errors);
  fclose(errors);
  free(copy);
  return err;
}

void load_good(fixture *f, const char *text, const char *flags) {
  if (load(f, text, flags) != 0) fail_msg("%s", f->errors);
  assert_string_equal("", f->errors);
}

void load_bad(fixture *f, const char *text, const char *flags,
              const char *want) {
  char expected[2048];
  assert_int_equal(GW_ERR_INVALID, load(f, text, flags));
  size_t len = 0;
  for (; *want != '\0'; want++) {
    len += (size_t)snprintf(expected + len, sizeof expected - len,
                            *want == '$' ? "%s" : "%.1s",
                            *want == '$' ? f->path : want);
  }
  snprintf(expected + len, sizeof expected - len, "\n");
  assert_string_equal(expected, f->errors);
}
