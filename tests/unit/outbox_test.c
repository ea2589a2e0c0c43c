/* SPDX-License-Identifier: MIT */
/* outbox_test.c - order and limits of publications that wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/outbox.h"

static const gw_alloc *const libc = &gw_alloc_libc;

static gw__outbox outbox(void) {
  return (gw__outbox){.max_count = 4, .max_bytes = 100};
}

static int add(gw__outbox *o, uint64_t key, const char *channel, uint32_t len) {
  gw__entry *e = gw__outbox_alloc(libc, len);
  e->key = key;
  e->m.key = key;
  e->m.channel = gw_view_of(channel);
  e->turn = gw__outbox_turn(o, e->m.channel);
  int err = gw__outbox_add(o, libc, e);
  if (err < 0) libc->realloc_fn(NULL, e, 0);
  return err;
}

static gw__entry *at(gw__outbox *o, uint64_t key) {
  gw__entry *e = gw__outbox_by_key(o, key);
  assert_non_null(e);
  return e;
}

static void keeps_count_and_bytes(void **state) {
  (void)state;
  gw__outbox o = outbox();
  assert_int_equal(add(&o, 1, "a", 60), 0);
  assert_int_equal(add(&o, 2, "a", 41), GW_ERR_FULL);
  assert_false(gw__outbox_has_room(&o, UINT32_MAX - 20));
  assert_int_equal(add(&o, 2, "a", 40), 0);
  assert_int_equal(add(&o, 3, "b", 0), 0);
  assert_int_equal(add(&o, 4, "b", 0), 0);
  assert_int_equal(add(&o, 5, "b", 0), GW_ERR_FULL);
  assert_int_equal(o.count, 4);
  assert_int_equal(o.bytes, 100);
  gw__outbox_remove(&o, libc, at(&o, 2));
  assert_int_equal(o.bytes, 60);
  assert_int_equal(add(&o, 5, "b", 40), 0);
  gw__outbox_deinit(&o, libc);
  assert_int_equal(o.count, 0);
  assert_null(o.lanes);
}

static void holds_the_order_of_keys(void **state) {
  (void)state;
  gw__outbox o = outbox();
  assert_int_equal(add(&o, 5, "a", 1), 0);
  assert_int_equal(add(&o, 2, "a", 1), 0);
  assert_int_equal(add(&o, 3, "b", 1), 0);
  assert_int_equal(add(&o, 3, "c", 1), GW_ERR_EXISTS);
  assert_int_equal(add(&o, 5, "c", 1), GW_ERR_EXISTS);
  assert_int_equal(add(&o, 9, "c", 1), 0);
  uint64_t want[] = {2, 3, 5, 9};
  const gw__entry *e = o.first;
  for (size_t i = 0; i < 4; i++, e = e->next)
    assert_int_equal(e->key, want[i]);
  assert_null(e);
  assert_int_equal(o.last->key, 9);
  gw__outbox_deinit(&o, libc);
}

static void lanes_know_what_is_in_flight(void **state) {
  (void)state;
  gw__outbox o = outbox();
  for (uint64_t key = 1; key <= 3; key++)
    assert_int_equal(add(&o, key, "a", 1), 0);
  assert_int_equal(add(&o, 4, "b", 1), 0);
  gw__lane *a = at(&o, 1)->lane;
  assert_ptr_equal(a, at(&o, 3)->lane);
  assert_ptr_not_equal(a, at(&o, 4)->lane);
  for (uint64_t key = 1; key <= 4; key++)
    gw__outbox_sent(at(&o, key), (uint32_t)(10 + key), 7);
  assert_int_equal(a->in_flight, 3);
  assert_int_equal(a->last->key, 3);
  assert_int_equal(gw__outbox_by_request(&o, 12)->key, 2);
  assert_null(gw__outbox_by_request(&o, 0));

  gw__outbox_remove(&o, libc, at(&o, 3));
  assert_int_equal(a->in_flight, 2);
  assert_int_equal(a->last->key, 2);
  gw__outbox_rewind(&o, at(&o, 2));
  assert_int_equal(a->in_flight, 1);
  assert_int_equal(a->last->key, 1);
  assert_true(at(&o, 4)->sent);
  assert_true(at(&o, 2)->ever_sent);
  assert_null(gw__outbox_by_request(&o, 12));
  gw__outbox_rewind_all(&o);
  assert_null(a->last);
  assert_false(at(&o, 4)->sent);
  gw__outbox_deinit(&o, libc);
}

static void nothing_follows_one_without_a_key(void **state) {
  (void)state;
  gw__outbox o = outbox();
  assert_int_equal(add(&o, 1, "a", 1), 0);
  assert_int_equal(add(&o, 2, "a", 1), 0);
  at(&o, 2)->at_most_once = true;
  gw__outbox_sent(at(&o, 1), 1, 0);
  gw__outbox_sent(at(&o, 2), 2, 0);
  assert_int_equal(at(&o, 1)->lane->last->key, 1);
  assert_int_equal(at(&o, 1)->lane->in_flight, 2);
  gw__outbox_remove(&o, libc, at(&o, 1));
  assert_null(at(&o, 2)->lane->last);
  assert_int_equal(at(&o, 2)->lane->in_flight, 1);
  gw__outbox_deinit(&o, libc);
}

static void nothing_runs_far_ahead_of_one_in_doubt(void **state) {
  (void)state;
  gw__outbox o = {.max_count = 1000, .max_bytes = 1000};
  for (uint64_t key = 1; key <= 200; key++)
    assert_int_equal(add(&o, key, "a", 1), 0);
  for (int acked = 0; acked < 3; acked++) {
    gw__outbox_begin(&o);
    for (gw__entry *e = o.first; e != NULL; e = e->next) {
      if (gw__outbox_may_send(e)) gw__outbox_sent(e, (uint32_t)e->key, 0);
    }
    assert_false(at(&o, GW_MAX_INFLIGHT + 1)->sent);
    /* All but the first are acknowledged, by their echoes. */
    while (o.first->next->sent)
      gw__outbox_remove(&o, libc, o.first->next);
  }
  gw__outbox_remove(&o, libc, o.first);
  gw__outbox_begin(&o);
  assert_true(gw__outbox_may_send(o.first));
  gw__outbox_deinit(&o, libc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_count_and_bytes),
      cmocka_unit_test(holds_the_order_of_keys),
      cmocka_unit_test(lanes_know_what_is_in_flight),
      cmocka_unit_test(nothing_follows_one_without_a_key),
      cmocka_unit_test(nothing_runs_far_ahead_of_one_in_doubt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
