/* SPDX-License-Identifier: MIT */
/* receipts.h - what every worker has to know before somebody is told that it is
 * so: changes of groups, tokens that were taken back. */
#ifndef GODWIT_SERVER_RECEIPTS_H
#define GODWIT_SERVER_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gw_hub gw_hub;
typedef struct gw_mail gw_mail;

/*
 *   worker that makes a change                       every other worker
 *      |  GROUP, REVOKE                                  |
 *      |------------------------------------------------>|  takes it over
 *      |  RECEIPT (the same block of memory)             |
 *      |<------------------------------------------------|
 *      |  when all have come: the answer
 *
 * So whoever was answered finds the change, wherever it goes next. Without, the
 * answer could overtake the news, and a user who was just let into a group would be
 * refused by a worker that has more to do than others.
 */
typedef struct gws_receipts {
  uint64_t num_changes; /**< that were mailed to all others */
  uint64_t *num_by; /**< receipts by worker; a worker's own are not counted */
  gw_mail *answers; /**< that wait, the oldest first */
} gws_receipts;

/** false: no memory. */
bool gws_receipts_init(gw_hub *h);
void gws_receipts_deinit(gw_hub *h);

/** A change was mailed to all others, but for those who are told of it in another
 * way; see gws_receipts_excuse. Not where there are none. */
void gws_receipts_expect(gw_hub *h);
/** One that could not be mailed to a worker is not waited for there. */
void gws_receipts_excuse(gw_hub *h, uint32_t worker);

/** Hold an answer to a question, which is API_DONE with the origin, until every
 * worker has all changes that were made up to now. */
void gws_receipts_hold(gw_hub *h, gw_mail *answer);

/** At the other workers: what came was taken over. */
void gws_receipts_give(gw_hub *h, gw_mail *m);
void gws_receipts_on_mail(gw_hub *h, gw_mail *m);

#endif
