/* SPDX-License-Identifier: MIT */
/* resume.c - the token that spares the server questions when the client is back. */
#include "client/internal.h"

const uint64_t gw__resume_feature = GW_FEATURE_RESUME;

gw_view gw__resume_token(const gw_client *c) {
  return c->resume;
}

/** Without memory for it all goes its usual way. */
void gw__resume_keep(gw_client *c, gw_view token) {
  gw_view copy;
  gw__drop(c, &c->resume);
  if (gw__copy(c, token, &copy) == 0) c->resume = copy;
}
