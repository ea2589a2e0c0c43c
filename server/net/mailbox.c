/* SPDX-License-Identifier: MIT */
/* mailbox.c - a stack of batches that is swapped out and turned around. */
#include "server/net/mailbox.h"

void gw_mail_batch_add(gw_mail_batch *batch, gw_mail *mail) {
  *gw_mail_next(mail) = batch->newest;
  batch->newest = mail;
  if (!batch->oldest) batch->oldest = mail;
}

bool gw_mailbox_push(gw_mailbox *box, gw_mail_batch *batch) {
  gw_mail *top = atomic_load_explicit(&box->top, memory_order_relaxed);
  do {
    *gw_mail_next(batch->oldest) = top;
  } while (!atomic_compare_exchange_weak_explicit(
      &box->top, &top, batch->newest, memory_order_release,
      memory_order_relaxed));
  *batch = (gw_mail_batch){NULL, NULL};
  return top == NULL;
}

gw_mail *gw_mailbox_take(gw_mailbox *box) {
  gw_mail *mail =
      atomic_exchange_explicit(&box->top, NULL, memory_order_acquire);
  gw_mail *taken = NULL;
  while (mail) {
    gw_mail **next = gw_mail_next(mail);
    gw_mail *older = *next;
    *next = taken;
    taken = mail;
    mail = older;
  }
  return taken;
}
