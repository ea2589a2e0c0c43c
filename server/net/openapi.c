/* SPDX-License-Identifier: MIT */
/* openapi.c - the document that gen_openapi.py makes of the schema, and nothing
 * else: tools that read sources need minutes for its bytes. */
#include "server/net/openapi.h"

gw_view gw_openapi(void) {
  static const uint8_t text[] = {
#include "openapi.inc"
  };
  return (gw_view){text, sizeof text};
}
