/* SPDX-License-Identifier: MIT */
/* receipts.c - counts what each worker has taken over, and lets answers go. */
#include "server/core/receipts.h"

#include "server/core/api_method.h"
#include "server/core/mail.h"
#include "server/core/mem.h"

bool gws_receipts_init(gw_hub *h) {
  h->receipts.num_by =
      gw_mem_zalloc(h->num_workers * sizeof *h->receipts.num_by);
  return h->receipts.num_by != NULL;
}

void gws_receipts_deinit(gw_hub *h) {
  for (gw_mail *m = h->receipts.answers, *next; m != NULL; m = next) {
    next = m->next;
    gw_mail_free(m);
  }
  gw_mem_free(h->receipts.num_by);
  h->receipts = (gws_receipts){.num_changes = 0};
}

/** How many changes all workers have. Mail keeps its order, so they are the
 * first. */
static uint64_t num_everywhere(const gw_hub *h) {
  uint64_t num = h->receipts.num_changes;
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (w != h->worker && h->receipts.num_by[w] < num)
      num = h->receipts.num_by[w];
  }
  return num;
}

static void let_go(gw_hub *h, gw_mail *answer) {
  if (answer->origin.worker != h->worker) {
    gws_mail_post(h, answer->origin.worker, answer);
    return;
  }
  answer->from = h->worker;
  h->forwarded[h->worker]++; /* as it is when another one answers */
  gws_api_on_done(h, answer);
}

static void look(gw_hub *h) {
  gws_receipts *r = &h->receipts;
  uint64_t num = num_everywhere(h);
  while (r->answers != NULL && r->answers->hash <= num) {
    gw_mail *answer = r->answers;
    r->answers = answer->next;
    let_go(h, answer);
  }
}

void gws_receipts_expect(gw_hub *h) {
  h->receipts.num_changes++;
}

void gws_receipts_excuse(gw_hub *h, uint32_t worker) {
  h->receipts.num_by[worker]++;
}

void gws_receipts_hold(gw_hub *h, gw_mail *answer) {
  gw_mail **at = &h->receipts.answers;
  while (*at != NULL)
    at = &(*at)->next;
  answer->hash = h->receipts.num_changes; /* there is no channel to name */
  answer->next = NULL;
  *at = answer;
  look(h);
}

void gws_receipts_give(gw_hub *h, gw_mail *m) {
  gws_mail_drop(m);
  m->kind = GWS_MAIL_RECEIPT;
  gws_mail_post(h, m->from, m);
}

void gws_receipts_on_mail(gw_hub *h, gw_mail *m) {
  h->receipts.num_by[m->from]++;
  gw_mail_free(m);
  look(h);
}
