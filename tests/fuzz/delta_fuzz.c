/* SPDX-License-Identifier: MIT */
/* delta_fuzz.c - any bytes as a delta to any base, and a delta that was made of
 * any two. The first two bytes say how long the first part of an input is. */
#include <string.h>

#include "godwit/delta.h"
#include "tests/fuzz/support/require.h"
#include "tests/unit/support/exact.h"

#define MAX_BYTES (64u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_made(gw_view base, gw_view target) {
  static uint8_t bytes[2 * MAX_BYTES], back[MAX_BYTES];
  static gw_delta_table table;
  gw_out out = {bytes, 0, sizeof bytes}, again = {back, 0, target.len};
  REQUIRE(gw_delta_make(base, target, &table, &out) == 0);
  gw_view delta = exact(out.data, out.len);
  REQUIRE(gw_delta_target_len(delta) == (int64_t)target.len);
  REQUIRE(gw_delta_apply(base, delta, &again) == 0);
  REQUIRE(again.len == target.len);
  REQUIRE(target.len == 0 || memcmp(back, target.data, target.len) == 0);
  exact_free(delta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t made[MAX_BYTES];
  if (size < 2 || size > MAX_BYTES) return 0;
  size_t len = (size_t)data[0] << 8 | data[1];
  if (len > size - 2) len = size - 2;
  gw_view base = exact(data + 2, len);
  gw_view rest = exact(data + 2 + len, size - 2 - len);
  gw_out out = {made, 0, sizeof made};
  int err = gw_delta_apply(base, rest, &out);
  REQUIRE(err == 0 || out.len == 0);
  REQUIRE(err != 0 || (int64_t)out.len == gw_delta_target_len(rest));
  check_made(base, rest);
  check_made(rest, base);
  exact_free(base);
  exact_free(rest);
  return 0;
}
