/* SPDX-License-Identifier: MIT */
/* mailbox.h - mail from many workers to one, without a lock. */
#ifndef GODWIT_SERVER_MAILBOX_H
#define GODWIT_SERVER_MAILBOX_H

#include <stdatomic.h>

#include "server/core/hub.h"

/*
 * A sender gathers its mail of one turn of its loop into a batch, newest first,
 * and puts the whole batch on top of the box with one compare-and-swap. The
 * owner takes everything with one exchange and turns the chain around:
 *
 *   top -> c2 -> c1 -> a3 -> a2 -> a1 -> b1        pushed: b1, then a*, then c*
 *   taken: b1, a1, a2, a3, c1, c2
 *
 * Links are written only before a push and after a take, so they are not
 * atomic.
 */
typedef struct gw_mailbox {
  _Atomic(gw_mail *) top;
} gw_mailbox;

/** Mail of one sender to one box. All zero is empty. */
typedef struct gw_mail_batch {
  gw_mail *newest;
  gw_mail *oldest;
} gw_mail_batch;

void gw_mail_batch_add(gw_mail_batch *batch, gw_mail *mail);

/**
 * Push a batch that is not empty; it is empty afterwards.
 *   returns  true when the box was empty: its owner has to be woken. Whoever
 *            finds it filled may rely on the wake-up of the one who did not.
 */
bool gw_mailbox_push(gw_mailbox *box, gw_mail_batch *batch);

/** Take all mail, oldest of each sender first, linked by gw_mail_next. Only the
 * owner may. */
gw_mail *gw_mailbox_take(gw_mailbox *box);

#endif
