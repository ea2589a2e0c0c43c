/* SPDX-License-Identifier: MIT */
/* config_rig.h - a file and flags to load a configuration from, and the words that
 * mistakes are told in. Include after <cmocka.h>. */
#ifndef GODWIT_TEST_CONFIG_RIG_H
#define GODWIT_TEST_CONFIG_RIG_H

#include "server/config/load.h"

typedef struct fixture {
  char path[64];
  char flag[80]; /**< --config=path */
  gw_config config;
  char *errors;
  size_t errors_len;
} fixture;

int set_up(void **state);
int tear_down(void **state);

void write_file(const fixture *f, const char *text);
/** Load a file with flags (blanks between them) after it. */
int load(fixture *f, const char *text, const char *flags);
void load_good(fixture *f, const char *text, const char *flags);
/** The mistakes have to be told in these words; $ stands for the file. */
void load_bad(fixture *f, const char *text, const char *flags,
              const char *want);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
