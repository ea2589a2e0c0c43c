/* SPDX-License-Identifier: MIT */
/* networks.c - reads networks and compares prefixes. */
#include "server/edge/networks.h"

#include <stdlib.h>
#include <string.h>

#define BETWEEN ", \t"

static uint8_t max_bits(const gw_peer *p) {
  if (p->family == GW_PEER_UNIX) return 0;
  return p->family == GW_PEER_IPV4 ? 32 : 128;
}

/** The digits behind a slash; false when they are no length of a prefix. */
static bool read_bits(gw_view v, uint8_t max, uint8_t *bits) {
  unsigned number = 0;
  if (v.len == 0 || v.len > 3) return false;
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < '0' || v.data[i] > '9') return false;
    number = number * 10 + (unsigned)(v.data[i] - '0');
  }
  *bits = (uint8_t)number;
  return number <= max;
}

static bool has_prefix(const uint8_t *a, const uint8_t *b, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a, b, whole) != 0) return false;
  if (rest == 0) return true;
  uint8_t mask = (uint8_t)(0xff00 >> rest);
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

static bool read_network(gw_network *n, gw_view word) {
  const uint8_t *slash = memchr(word.data, '/', word.len);
  gw_view address = word;
  if (gw_view_eq(word, gw_view_of("unix"))) {
    *n = (gw_network){.peer = {.family = GW_PEER_UNIX}};
    return true;
  }
  if (slash != NULL) address.len = (size_t)(slash - word.data);
  /* An address alone: neither brackets nor a port. */
  if (address.len == 0 || address.data[0] == '[' ||
      !gw_peer_read(&n->peer, address))
    return false;
  /* IPv4 written as IPv6 has several colons. */
  const uint8_t *colon = memchr(address.data, ':', address.len);
  bool has_port = n->peer.family == GW_PEER_IPV4 && colon != NULL &&
                  memrchr(address.data, ':', address.len) == colon;
  n->bits = max_bits(&n->peer);
  if (slash == NULL) return !has_port;
  gw_view digits = {slash + 1, word.len - address.len - 1};
  return !has_port && read_bits(digits, n->bits, &n->bits);
}

int gw_networks_init(gw_networks *n, const char *list, gw_view *bad) {
  *n = (gw_networks){.num = 0};
  *bad = (gw_view){NULL, 0};
  for (const char *p = list + strspn(list, BETWEEN); *p != '\0';) {
    gw_view word = {(const uint8_t *)p, strcspn(p, BETWEEN)};
    gw_network *items = realloc(n->items, (n->num + 1) * sizeof *items);
    if (items != NULL) n->items = items;
    bool is_good = items != NULL && n->num < GW_NETWORKS_MAX &&
                   read_network(&items[n->num], word);
    if (!is_good) {
      gw_networks_deinit(n);
      *bad = word;
      return items != NULL ? GW_ERR_INVALID : GW_ERR_NOMEM;
    }
    n->num++;
    p += word.len;
    p += strspn(p, BETWEEN);
  }
  return 0;
}

void gw_networks_deinit(gw_networks *n) {
  free(n->items);
  *n = (gw_networks){.num = 0};
}

bool gw_networks_has(const gw_networks *n, const gw_peer *p) {
  if (p->family == GW_PEER_UNKNOWN) return false;
  for (size_t i = 0; i < n->num; i++) {
    const gw_network *one = &n->items[i];
    if (one->peer.family == p->family &&
        has_prefix(one->peer.bytes, p->bytes, one->bits))
      return true;
  }
  return false;
}
