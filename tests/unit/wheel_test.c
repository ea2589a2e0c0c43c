/* SPDX-License-Identifier: MIT */
/* wheel_test.c - timers fire in time, in order, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/wheel.h"

#define MAX 2000

struct alarm {
  gw_timer timer;
  uint64_t due;
  uint64_t fired; /* 0: not yet */
  struct alarm *sets;
  uint64_t sets_after;
};

static gw_wheel wheel;
static uint64_t now, last;
static unsigned num_fired;

static void fire(void *user, gw_timer *t) {
  struct alarm *a = (struct alarm *)(void *)t;
  assert_ptr_equal(user, &wheel);
  assert_int_equal(a->fired, 0);
  assert_true(wheel.now >= last); /* in the order of time */
  assert_true(wheel.now >= a->due);
  assert_false(gw_timer_is_set(t));
  last = wheel.now;
  a->fired = wheel.now;
  num_fired++;
  if (a->sets == NULL) return;
  a->sets->fired = 0;
  a->sets->due = wheel.now + a->sets_after;
  gw_wheel_set(&wheel, &a->sets->timer, a->sets->due);
}

static int setup(void **state) {
  (void)state;
  now = 123456789;
  last = 0;
  num_fired = 0;
  gw_wheel_init(&wheel, now);
  return 0;
}

static void set(struct alarm *a, uint64_t delay) {
  *a = (struct alarm){.due = now + delay};
  gw_wheel_set(&wheel, &a->timer, a->due);
}

static void pass(uint64_t ms) {
  now += ms;
  gw_wheel_advance(&wheel, now, fire, &wheel);
}

static void test_fires_at_its_time(void **state) {
  (void)state;
  static const uint64_t delays[] = {1,    2,      63,     64,       65,
                                    4095, 4096,   4097,   262143,   262144,
                                    5000, 300000, 999999, 16777216, 50000000};
  for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
    struct alarm a;
    set(&a, delays[i]);
    assert_true(gw_wheel_deadline(&wheel) <= a.due);
    pass(delays[i] - 1);
    assert_int_equal(a.fired, 0);
    pass(1);
    assert_int_equal(a.fired, now);
    assert_true(gw_wheel_deadline(&wheel) == UINT64_MAX);
  }
}

static void test_never_sooner_than_a_millisecond(void **state) {
  (void)state;
  struct alarm a;
  set(&a, 0);
  pass(0);
  assert_int_equal(a.fired, 0);
  pass(1);
  assert_int_equal(a.fired, now);
}

static void test_cancelled_is_not_fired(void **state) {
  (void)state;
  struct alarm a, b, c;
  set(&a, 50);
  set(&b, 50);
  set(&c, 5000);
  gw_wheel_cancel(&wheel, &a.timer);
  gw_wheel_cancel(&wheel, &a.timer);
  gw_wheel_cancel(&wheel, &c.timer);
  assert_int_equal(gw_wheel_deadline(&wheel), b.due);
  gw_wheel_cancel(&wheel, &b.timer);
  assert_true(gw_wheel_deadline(&wheel) == UINT64_MAX);
  pass(10000);
  assert_int_equal(num_fired, 0);
}

static void test_set_anew(void **state) {
  (void)state;
  struct alarm a;
  set(&a, 50);
  a.due = now + 500;
  gw_wheel_set(&wheel, &a.timer, a.due);
  pass(499);
  assert_int_equal(a.fired, 0);
  pass(1);
  assert_int_equal(num_fired, 1);
}

static void test_one_that_sets_another(void **state) {
  (void)state;
  struct alarm a, b;
  set(&a, 10);
  b = (struct alarm){.due = 0};
  a.sets = &b;
  a.sets_after = 64;
  b.sets = &a;
  b.sets_after = 1;
  pass(10 + 64);
  assert_int_equal(num_fired, 2);
  pass(1);
  assert_int_equal(num_fired, 3);
  pass(65 * 100);
  assert_int_equal(num_fired, 203);
}

/** One that would never end if it could set itself for now. */
static void test_one_that_sets_itself(void **state) {
  (void)state;
  struct alarm a;
  set(&a, 1);
  a.sets = &a;
  a.sets_after = 0;
  pass(100);
  assert_int_equal(num_fired, 100);
}

static void test_many_at_random(void **state) {
  (void)state;
  static struct alarm alarms[MAX];
  uint64_t seed = 7;
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < MAX; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      set(&alarms[i], (seed >> 33) % (UINT64_C(1) << (round + 4)));
    }
    for (int i = 0; i < MAX; i += 3)
      gw_wheel_cancel(&wheel, &alarms[i].timer);
    while (gw_wheel_deadline(&wheel) != UINT64_MAX) {
      uint64_t due = gw_wheel_deadline(&wheel);
      assert_true(due > now);
      pass(due - now);
    }
    for (int i = 0; i < MAX; i++) {
      if (i % 3 == 0)
        assert_int_equal(alarms[i].fired, 0);
      else
        assert_true(alarms[i].fired == alarms[i].due ||
                    alarms[i].fired == alarms[i].due + 1);
    }
  }
}

static void test_a_jump_of_the_clock(void **state) {
  (void)state;
  struct alarm a, b, c;
  set(&a, 10);
  set(&b, 100000);
  set(&c, 90000000);
  pass(1000000);
  assert_int_equal(num_fired, 2);
  assert_true(a.fired < b.fired);
  pass(100000000);
  assert_int_equal(num_fired, 3);
}

static void test_a_delay_too_long_is_cut(void **state) {
  (void)state;
  struct alarm a;
  a = (struct alarm){.due = 0};
  gw_wheel_set(&wheel, &a.timer, UINT64_MAX);
  pass(GW_WHEEL_MAX_MS);
  assert_int_equal(num_fired, 1);
}

#define T(test) cmocka_unit_test_setup(test, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_fires_at_its_time),       T(test_never_sooner_than_a_millisecond),
      T(test_cancelled_is_not_fired),  T(test_set_anew),
      T(test_one_that_sets_another),   T(test_one_that_sets_itself),
      T(test_many_at_random),          T(test_a_jump_of_the_clock),
      T(test_a_delay_too_long_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
