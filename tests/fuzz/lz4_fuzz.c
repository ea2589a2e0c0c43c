/* SPDX-License-Identifier: MIT */
/* lz4_fuzz.c - any bytes as a compressed body, held to liblz4 where that reads
 * them, and as what is compressed. */
#include <lz4.h>
#include <string.h>

#include "godwit/lz4.h"
#include "tests/fuzz/support/require.h"
#include "tests/unit/support/exact.h"

#define MAX_BYTES (64u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(gw_view body) {
  static char theirs[MAX_BYTES];
  gw_view block = body;
  int64_t len = gw_lz4_size(&block);
  if (len < 0 || len > MAX_BYTES) return;
  REQUIRE((uint64_t)len <= (body.len + 1) * GW_LZ4_RATIO_MAX);
  /* Of its size, so that the sanitizer sees a byte too much. */
  uint8_t *to = malloc((size_t)len + (len == 0));
  REQUIRE(to != NULL);
  int err = gw_lz4_unpack(block, to, (size_t)len);
  if (err == 0 && LZ4_decompress_safe((const char *)block.data, theirs,
                                      (int)block.len, (int)len) == (int)len)
    REQUIRE(memcmp(to, theirs, (size_t)len) == 0);
  free(to);
}

static void check_made(gw_view bytes) {
  static char packed[2 * MAX_BYTES];
  static uint8_t back[MAX_BYTES];
  int len = LZ4_compress_default((const char *)bytes.data, packed,
                                 (int)bytes.len, sizeof packed);
  REQUIRE(len > 0);
  gw_view block = exact(packed, (size_t)len);
  REQUIRE(gw_lz4_unpack(block, back, bytes.len) == 0);
  REQUIRE(memcmp(back, bytes.data, bytes.len) == 0);
  exact_free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > MAX_BYTES) return 0;
  gw_view bytes = exact(data, size);
  check_body(bytes);
  check_made(bytes);
  exact_free(bytes);
  return 0;
}
