/* SPDX-License-Identifier: MIT */
/* delta.c - stands in for delta.c where a client is built without deltas: it does
 * not ask for them, and so gets none. */
#include "client/internal.h"

const uint64_t gw__delta_feature = 0;

void gw__delta_begin(gw_client *c, gw__sub *s, bool is_on) {
  (void)c, (void)s, (void)is_on;
}

int gw__delta_take(gw_client *c, gw__sub *s, gw_publication *m) {
  (void)c, (void)s, (void)m;
  return 0;
}
