/* SPDX-License-Identifier: MIT */
/* mailbox_test.c - order, wake-ups, and senders on several threads at once. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/net/mailbox.h"

/* The hub's mail is opaque; here it is a number and its sender. */
struct gw_mail {
  gw_mail *next;
  unsigned sender;
  unsigned number;
};

gw_mail **gw_mail_next(gw_mail *mail) {
  return &mail->next;
}

static gw_mail *mail_new(unsigned sender, unsigned number) {
  gw_mail *m = malloc(sizeof *m);
  assert_non_null(m);
  *m = (gw_mail){.sender = sender, .number = number};
  return m;
}

static void test_takes_batches_in_order_of_pushing(void **state) {
  (void)state;
  gw_mailbox box = {NULL};
  gw_mail_batch batch = {NULL, NULL};
  for (unsigned i = 0; i < 3; i++)
    gw_mail_batch_add(&batch, mail_new(1, i));
  assert_true(gw_mailbox_push(&box, &batch));
  assert_null(batch.newest);
  gw_mail_batch_add(&batch, mail_new(2, 3));
  assert_false(gw_mailbox_push(&box, &batch));
  gw_mail_batch_add(&batch, mail_new(1, 4));
  gw_mail_batch_add(&batch, mail_new(1, 5));
  assert_false(gw_mailbox_push(&box, &batch));

  unsigned expected = 0;
  for (gw_mail *m = gw_mailbox_take(&box), *next; m; m = next) {
    next = m->next;
    assert_int_equal(m->number, expected);
    expected++;
    free(m);
  }
  assert_int_equal(expected, 6);
}

static void test_empty_box_asks_for_a_wake_up_again(void **state) {
  (void)state;
  gw_mailbox box = {NULL};
  gw_mail_batch batch = {NULL, NULL};
  assert_null(gw_mailbox_take(&box));
  for (int i = 0; i < 2; i++) {
    gw_mail_batch_add(&batch, mail_new(1, 1));
    assert_true(gw_mailbox_push(&box, &batch));
    gw_mail *m = gw_mailbox_take(&box);
    assert_non_null(m);
    assert_null(m->next);
    free(m);
  }
}

/* ---- threads ------------------------------------------------------------ */

enum { NUM_SENDERS = 4, NUM_MAILS = 20000 };

/* The wake-up that uv_async_send is in the server. */
static struct {
  gw_mailbox box;
  _Atomic unsigned wakes;
} shared;

static void *send_all(void *arg) {
  unsigned sender = *(unsigned *)arg;
  for (unsigned n = 0; n < NUM_MAILS;) {
    gw_mail_batch batch = {NULL, NULL};
    for (unsigned i = 0; i <= n % 7 && n < NUM_MAILS; i++)
      gw_mail_batch_add(&batch, mail_new(sender, n++));
    if (gw_mailbox_push(&shared.box, &batch))
      atomic_fetch_add(&shared.wakes, 1);
  }
  return NULL;
}

static void test_each_sender_keeps_its_order_and_wakes(void **state) {
  (void)state;
  pthread_t threads[NUM_SENDERS];
  unsigned ids[NUM_SENDERS], next[NUM_SENDERS] = {0};
  for (unsigned i = 0; i < NUM_SENDERS; i++) {
    ids[i] = i;
    assert_int_equal(pthread_create(&threads[i], NULL, send_all, &ids[i]), 0);
  }
  /* A take happens only after a wake-up: a lost one hangs the test. */
  unsigned got = 0, wrong = 0;
  while (got < NUM_SENDERS * NUM_MAILS) {
    if (atomic_exchange(&shared.wakes, 0) == 0) {
      sched_yield();
      continue;
    }
    for (gw_mail *m = gw_mailbox_take(&shared.box), *after; m; m = after) {
      after = m->next;
      if (m->number != next[m->sender]++) wrong++;
      got++;
      free(m);
    }
  }
  for (unsigned i = 0; i < NUM_SENDERS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(wrong, 0);
  assert_null(gw_mailbox_take(&shared.box));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_takes_batches_in_order_of_pushing),
      cmocka_unit_test(test_empty_box_asks_for_a_wake_up_again),
      cmocka_unit_test(test_each_sender_keeps_its_order_and_wakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
