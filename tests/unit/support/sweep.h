/* SPDX-License-Identifier: MIT */
/* sweep.h - a script for a node, of which each allocation fails in turn. One file
 * of a program includes it, as failing_mem.h says. */
#ifndef GODWIT_TEST_SWEEP_H
#define GODWIT_TEST_SWEEP_H

#include "tests/unit/support/failing_mem.h"
#include "tests/unit/support/hub_rig.h"

/** What a test brings. */
typedef struct sweep_script {
  hubs *node;
  void (*begin)(void); /**< start the node; num_allocs and fail_at are 0 then */
  void (*run)(void);   /**< nothing in it may rest on having memory */
  void (*check)(void); /**< with memory again: sets fail_at to 0 */
} sweep_script;

/** Run the script with the first len allocations failing, then the next, until
 * there are none. Returns the number of the first that was not reached. */
static inline unsigned long sweep(const sweep_script *s, unsigned long len) {
  for (unsigned long n = 1;; n += len) {
    s->begin();
    fail_at = n;
    fail_len = len;
    s->run();
    unsigned long used = num_allocs;
    s->check();
    hubs_stop(s->node);
    if (used < n) return n;
  }
}

/** A hub is made with each allocation failing, of which there are fewer than
 * max. */
static inline void sweep_hub_new(const gw_hub_options *options,
                                 unsigned long max) {
  static const gw_hub_port port = {.want_write = NULL};
  for (unsigned long n = 1;; n++) {
    num_allocs = 0;
    fail_at = n;
    fail_len = 1;
    gw_hub *h = gw_hub_new(options, &port, NULL);
    fail_at = 0;
    gw_hub_free(h);
    if (h != NULL) return;
    assert_true(n < max);
  }
}

static inline bool is_up(const peer *p) {
  return p != NULL && p->session != NULL && !p->is_closing;
}

#define SEND_IF_UP(p, M, head, msg)           \
  do {                                        \
    if (is_up(p)) PEER_SEND(p, M, head, msg); \
  } while (0)

#endif
