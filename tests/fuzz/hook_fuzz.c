/* SPDX-License-Identifier: MIT */
/* hook_fuzz.c - any bytes as the reply of a backend, to each hook that asks. */
#include <stdlib.h>

#include "server/hooks/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What a reply says has to lie within it: a byte of each view is looked at. */
static unsigned look_at(gw_view v) {
  unsigned sum = 0;
  for (size_t i = 0; i < v.len; i++)
    sum += v.data[i];
  return sum;
}

static void check(const gw_hook_reply *r) {
  const gw_verdict *v = &r->verdict;
  volatile unsigned sum = look_at(v->message) + look_at(v->user) +
                          look_at(v->info) + look_at(v->data) +
                          look_at(v->json) + look_at(r->result.data) +
                          look_at(r->result.json);
  for (size_t i = 0; i < v->num_channels; i++)
    sum += look_at(v->channels[i]);
  if (v->code >= 1000 || v->message.len > GW_MAX_REASON_BYTES ||
      v->user.len > GW_MAX_USER_BYTES)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const enum gw_config_hook hooks[] = {GW_HOOK_CONNECT, GW_HOOK_REFRESH,
                                              GW_HOOK_SUBSCRIBE,
                                              GW_HOOK_PUBLISH, GW_HOOK_RPC};
  char why[GW_MAX_REASON_BYTES + 1];
  for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
    gw_hook_reply r;
    if (gw_hook_reply_read(&r, hooks[i], (gw_view){data, size}, why) < 0)
      continue;
    check(&r);
    gw_hook_reply_deinit(&r);
  }
  return 0;
}
