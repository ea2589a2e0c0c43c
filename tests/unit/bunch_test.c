/* SPDX-License-Identifier: MIT */
/* bunch_test.c - many things of one key, found and removed in any order. */
#include "server/core/bunch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct thing {
  gw_link link;
  const char *key;
} thing;

#define NUM 300

static thing things[NUM];
static gw_index firsts;
static const char *const keys[] = {"a", "b", "c"};

static bool is_of(const gw_link *link, gw_view key) {
  return gw_view_eq(gw_view_of(((const thing *)(const void *)link)->key), key);
}

/** All keys meet in one place of the index. */
static void add(unsigned i) {
  things[i].key = keys[i % 3];
  assert_int_equal(gw_bunch_add(&firsts, 7, gw_view_of(things[i].key), is_of,
                                &things[i].link),
                   0);
}

static unsigned count(const char *key) {
  unsigned num = 0;
  for (gw_link *l = gw_bunch_find(&firsts, 7, gw_view_of(key), is_of);
       l != NULL; l = l->next) {
    assert_true(is_of(l, gw_view_of(key)));
    num++;
  }
  return num;
}

static void each_is_in_the_bunch_of_its_key(void **state) {
  (void)state;
  for (unsigned i = 0; i < NUM; i++)
    add(i);
  assert_int_equal(firsts.num, 3);
  for (unsigned k = 0; k < 3; k++)
    assert_int_equal(count(keys[k]), NUM / 3);
  assert_int_equal(count("d"), 0);
  /* Firsts, lasts and those between: 7 and 300 have no divisor in common. */
  for (unsigned n = 0; n < NUM; n++) {
    unsigned i = n * 7 % NUM;
    unsigned before = count(things[i].key);
    gw_bunch_remove(&firsts, 7, &things[i].link);
    assert_int_equal(count(things[i].key), before - 1);
  }
  assert_int_equal(firsts.num, 0);
  gw_index_deinit(&firsts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_in_the_bunch_of_its_key),
  };
  return cmocka_run_group_tests_name("bunch", tests, NULL, NULL);
}
