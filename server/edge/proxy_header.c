/* SPDX-License-Identifier: MIT */
/* proxy_header.c - reads headers as "The PROXY protocol" (HAProxy, 2020) has
 * them. */
#include "server/edge/proxy_header.h"

#include <netinet/in.h>
#include <string.h>

/* Section 2.1: with its CRLF. */
#define V1_MAX  107u
#define V1_SIGN "PROXY "

/* Section 2.2. */
#define V2_FIXED      16u
#define V2_LOCAL      0x20u
#define V2_PROXY      0x21u
#define V2_TCP4       0x11u
#define V2_TCP6       0x21u
#define V2_UNIX       0x31u
#define V2_TLV_HEAD   3u
#define V2_TLV_TLS    0x20u
#define V2_TLS_CLIENT 0x01u

static const uint8_t v2_sign[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* ---- version 1 ------------------------------------------------------------ */

/** The next word of a line and the one blank before it. */
static bool next_word(gw_view *line, gw_view *word) {
  if (line->len == 0 || line->data[0] != ' ') return false;
  gw_view rest = {line->data + 1, line->len - 1};
  const uint8_t *end = rest.len != 0 ? memchr(rest.data, ' ', rest.len) : NULL;
  *word =
      (gw_view){rest.data, end != NULL ? (size_t)(end - rest.data) : rest.len};
  *line = (gw_view){rest.data + word->len, rest.len - word->len};
  return word->len != 0;
}

static bool is_port(gw_view v) {
  uint32_t number = 0;
  if (v.len == 0 || v.len > 5 || (v.len > 1 && v.data[0] == '0')) return false;
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < '0' || v.data[i] > '9') return false;
    number = number * 10 + (uint32_t)(v.data[i] - '0');
  }
  return number <= UINT16_MAX;
}

/** An address of one family and no more: no port, no brackets. */
static bool read_address(gw_view word, enum gw_peer_family family, gw_peer *p) {
  bool is_v6 = memchr(word.data, ':', word.len) != NULL;
  if (is_v6 != (family == GW_PEER_IPV6) || word.data[0] == '[') return false;
  /* IPv4 within IPv6 is read as IPv4, which is fine here. */
  return gw_peer_read(p, word);
}

/** What is behind "PROXY" and in front of CRLF. */
static int read_line(gw_view line, gw_proxy_header *h) {
  gw_view family, from, to, from_port, to_port;
  gw_peer ignored;
  if (!next_word(&line, &family)) return GW_ERR_PROTOCOL;
  if (gw_view_eq(family, gw_view_of("UNKNOWN"))) {
    h->is_local = true;
    return 0;
  }
  bool is_v4 = gw_view_eq(family, gw_view_of("TCP4"));
  enum gw_peer_family wanted = is_v4 ? GW_PEER_IPV4 : GW_PEER_IPV6;
  if (!is_v4 && !gw_view_eq(family, gw_view_of("TCP6"))) return GW_ERR_PROTOCOL;
  bool is_good = next_word(&line, &from) && next_word(&line, &to) &&
                 next_word(&line, &from_port) && next_word(&line, &to_port) &&
                 line.len == 0 && read_address(from, wanted, &h->peer) &&
                 read_address(to, wanted, &ignored) && is_port(from_port) &&
                 is_port(to_port);
  return is_good ? 0 : GW_ERR_PROTOCOL;
}

static int read_v1(const uint8_t *data, size_t len, gw_proxy_header *h) {
  const size_t skip = sizeof V1_SIGN - 2; /* the blank belongs to the word */
  size_t most = len < V1_MAX ? len : V1_MAX;
  const uint8_t *end = memchr(data, '\n', most);
  if (end == NULL) return len < V1_MAX ? 0 : GW_ERR_PROTOCOL;
  size_t line = (size_t)(end - data);
  if (line <= skip || data[line - 1] != '\r') return GW_ERR_PROTOCOL;
  int err = read_line((gw_view){data + skip, line - 1 - skip}, h);
  return err < 0 ? err : (int)(line + 1);
}

/* ---- version 2 ------------------------------------------------------------ */

static size_t read_u16(const uint8_t *at) {
  return (size_t)at[0] << 8 | at[1];
}

/** The fields behind the addresses. */
static int read_tlvs(gw_view v, gw_proxy_header *h) {
  while (v.len != 0) {
    if (v.len < V2_TLV_HEAD) return GW_ERR_PROTOCOL;
    size_t size = read_u16(v.data + 1);
    if (size > v.len - V2_TLV_HEAD) return GW_ERR_PROTOCOL;
    if (v.data[0] == V2_TLV_TLS && size != 0)
      h->is_secure = (v.data[V2_TLV_HEAD] & V2_TLS_CLIENT) != 0;
    v.data += V2_TLV_HEAD + size;
    v.len -= V2_TLV_HEAD + size;
  }
  return 0;
}

/** Length of the addresses of a family; 0: none that says who it is. */
static size_t addresses_len(uint8_t family) {
  switch (family) {
  case V2_TCP4:
    return 12;
  case V2_TCP6:
    return 36;
  case V2_UNIX:
    return 216;
  default:
    return 0;
  }
}

static void take_peer(uint8_t family, const uint8_t *bytes, gw_peer *p) {
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  if (family == V2_TCP4) {
    memcpy(&v4.sin_addr, bytes, 4);
    *p = gw_peer_of((const struct sockaddr *)&v4);
  } else if (family == V2_TCP6) {
    memcpy(&v6.sin6_addr, bytes, 16);
    *p = gw_peer_of((const struct sockaddr *)&v6);
  } else {
    *p = (gw_peer){.family = GW_PEER_UNIX};
  }
}

static int read_v2(const uint8_t *data, size_t len, gw_proxy_header *h) {
  if (len < V2_FIXED) return 0;
  size_t size = read_u16(data + 14), addresses = addresses_len(data[13]);
  if (size > GW_PROXY_HEADER_MAX - V2_FIXED ||
      (data[12] != V2_LOCAL && data[12] != V2_PROXY))
    return GW_ERR_PROTOCOL;
  if (len < V2_FIXED + size) return 0;
  h->is_local = data[12] == V2_LOCAL || addresses == 0;
  if (h->is_local) return (int)(V2_FIXED + size);
  if (size < addresses) return GW_ERR_PROTOCOL;
  take_peer(data[13], data + V2_FIXED, &h->peer);
  gw_view rest = {data + V2_FIXED + addresses, size - addresses};
  int err = read_tlvs(rest, h);
  return err < 0 ? err : (int)(V2_FIXED + size);
}

/* ---- both ------------------------------------------------------------------ */

/** Whether data begins with a signature, as far as it goes. */
static bool begins(const uint8_t *data, size_t len, const void *sign,
                   size_t size) {
  return memcmp(data, sign, len < size ? len : size) == 0;
}

int gw_proxy_header_read(const uint8_t *data, size_t len, gw_proxy_header *h) {
  *h = (gw_proxy_header){.is_local = false};
  if (len == 0) return 0;
  if (begins(data, len, V1_SIGN, sizeof V1_SIGN - 1))
    return len < sizeof V1_SIGN - 1 ? 0 : read_v1(data, len, h);
  if (begins(data, len, v2_sign, sizeof v2_sign)) return read_v2(data, len, h);
  return GW_ERR_PROTOCOL;
}
