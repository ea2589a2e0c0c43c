/* SPDX-License-Identifier: MIT */
/* unpack.c - stands in for unpack.c where a client is built without compression:
 * it does not ask for it, and what is compressed all the same is refused. */
#include "client/internal.h"

const uint32_t gw__codec = GW_CODEC_NONE;

int gw__take_frame(void *client, const gw_frame *frame) {
  return gw__frame(client, frame);
}
