/* SPDX-License-Identifier: MIT */
/* json_lines.c - gathers a line only when it is cut. */
#include "server/core/json_lines.h"

#include <string.h>

#include "server/core/mem.h"

#define PARTIAL_MIN 128u

void gw_json_lines_deinit(gw_json_lines *l) {
  gw_mem_free(l->partial);
  *l = (gw_json_lines){0};
}

static int gather(gw_json_lines *l, gw_view piece, uint32_t max_bytes) {
  if (piece.len > max_bytes - l->len) return GW_ERR_PEER_TOO_BIG;
  uint32_t need = l->len + (uint32_t)piece.len;
  if (need > l->cap) {
    uint32_t cap = l->cap < PARTIAL_MIN ? PARTIAL_MIN : l->cap * 2;
    if (cap < need) cap = need;
    uint8_t *partial = gw_mem_realloc(l->partial, cap);
    if (partial == NULL) return GW_ERR_NOMEM;
    l->partial = partial;
    l->cap = cap;
  }
  if (piece.len != 0) memcpy(l->partial + l->len, piece.data, piece.len);
  l->len = need;
  return 0;
}

static bool is_blank(gw_view line) {
  for (size_t i = 0; i < line.len; i++) {
    uint8_t c = line.data[i];
    if (c != ' ' && c != '\t' && c != '\r') return false;
  }
  return true;
}

static int end_line(gw_json_lines *l, gw_view piece, uint32_t max_bytes,
                    gw_on_line on_line, void *user) {
  if (piece.len > max_bytes) return GW_ERR_PEER_TOO_BIG;
  if (l->len == 0) return is_blank(piece) ? 0 : on_line(user, piece);
  int err = gather(l, piece, max_bytes);
  if (err < 0) return err;
  gw_view line = {l->partial, l->len};
  err = is_blank(line) ? 0 : on_line(user, line);
  gw_json_lines_deinit(l); /* an idle session holds no memory */
  return err;
}

int gw_json_lines_feed(gw_json_lines *l, gw_view in, bool end_of_message,
                       uint32_t max_bytes, gw_on_line on_line, void *user) {
  while (in.len != 0) {
    const uint8_t *end = memchr(in.data, '\n', in.len);
    if (end == NULL) break;
    gw_view piece = {in.data, (size_t)(end - in.data)};
    int err = end_line(l, piece, max_bytes, on_line, user);
    if (err < 0) return err;
    in.data += piece.len + 1;
    in.len -= piece.len + 1;
  }
  if (end_of_message) return end_line(l, in, max_bytes, on_line, user);
  return in.len == 0 ? 0 : gather(l, in, max_bytes);
}
