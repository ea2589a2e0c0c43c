/* SPDX-License-Identifier: MIT */
/* sample.h - members of a presence that are drawn at random, each with the same
 * chance, while others come and go. */
#ifndef GODWIT_SERVER_SAMPLE_H
#define GODWIT_SERVER_SAMPLE_H

#include "server/core/presence.h"

/*
 * A reservoir (Vitter 1985): the n-th member that enters takes the place of a
 * drawn one with the chance max / n. The place of one that leaves is filled by
 * any other, which leaves the chances even.
 */
typedef struct gw_sample {
  uint32_t max;
  uint32_t num;
  gw_member *drawn[];
} gw_sample;

gw_sample *gws_sample_new(uint32_t max); /**< NULL: no memory */
void gws_sample_free(gw_sample *s);      /**< NULL is fine */

/** A member was told to enter; so many are told with it. */
void gws_sample_enter(gw_sample *s, gw_hub *h, gw_member *m, uint32_t clients);
/** It left. One that is not drawn is fine. */
void gws_sample_leave(gw_sample *s, gw_member *m);
/** Fill places that are free, from all members that are told. */
void gws_sample_fill(gw_sample *s, const gw_presence *p);

#endif
