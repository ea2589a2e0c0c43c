/* SPDX-License-Identifier: MIT */
/* proxy_header_fuzz.c - any bytes as the beginning of a proxy's connection: what
 * was read of the whole has to be read of its parts, too. */
#include <stdlib.h>
#include <string.h>

#include "server/edge/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const gw_proxy_header *a, const gw_proxy_header *b) {
  return a->is_local == b->is_local && a->is_secure == b->is_secure &&
         a->peer.family == b->peer.family &&
         memcmp(a->peer.bytes, b->peer.bytes, sizeof a->peer.bytes) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_proxy_header h, part;
  char text[GW_PEER_TEXT_MAX];
  int used = gw_proxy_header_read(data, size, &h);
  if (used > (int)size || used > (int)GW_PROXY_HEADER_MAX) abort();
  if (used > 0 && !h.is_local && h.peer.family == GW_PEER_UNKNOWN) abort();
  if (gw_peer_text(&h.peer, text)[0] == '\0') abort();
  /* Of its beginnings: nothing yet, or the same; none is refused that is good
   * as a whole, and none is good that is refused later. */
  size_t most = size < GW_PROXY_HEADER_MAX ? size : GW_PROXY_HEADER_MAX;
  for (size_t len = 0; len < most; len++) {
    int early = gw_proxy_header_read(data, len, &part);
    if (used >= 0 && early < 0) abort();
    if (early > 0 && (early != used || !is_same(&part, &h))) abort();
    if (used > 0 && len < (size_t)used && early != 0) abort();
  }
  return 0;
}
