/* SPDX-License-Identifier: MIT */
/* peer.c - addresses to and from sockets and text. */
#include "server/edge/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static gw_peer of_v4(const void *bytes) {
  gw_peer p = {.family = GW_PEER_IPV4};
  memcpy(p.bytes, bytes, 4);
  return p;
}

static gw_peer of_v6(const void *bytes) {
  gw_peer p = {.family = GW_PEER_IPV6};
  if (memcmp(bytes, mapped, sizeof mapped) == 0)
    return of_v4((const uint8_t *)bytes + sizeof mapped);
  memcpy(p.bytes, bytes, 16);
  return p;
}

gw_peer gw_peer_of(const struct sockaddr *sa) {
  if (sa->sa_family == AF_INET)
    return of_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
  if (sa->sa_family == AF_INET6)
    return of_v6(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
  return (gw_peer){.family = sa->sa_family == AF_UNIX ? GW_PEER_UNIX
                                                      : GW_PEER_UNKNOWN};
}

gw_peer gw_peer_of_socket(int fd) {
  struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
  socklen_t len = sizeof sa;
  if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
    sa.ss_family = AF_UNSPEC;
  return gw_peer_of((struct sockaddr *)&sa);
}

/* ---- text --------------------------------------------------------------- */

static bool is_port(gw_view v) {
  uint32_t number = 0;
  if (v.len == 0 || v.len > 5) return false;
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < '0' || v.data[i] > '9') return false;
    number = number * 10 + (uint32_t)(v.data[i] - '0');
  }
  return number <= UINT16_MAX;
}

/** Take brackets and a port off; false when what is there is neither. */
static bool strip(gw_view *v) {
  const uint8_t *first = memchr(v->data, ':', v->len);
  if (v->data[0] == '[') {
    const uint8_t *end = memchr(v->data, ']', v->len);
    if (end == NULL) return false;
    gw_view rest = {end + 1, v->len - (size_t)(end + 1 - v->data)};
    *v = (gw_view){v->data + 1, (size_t)(end - v->data) - 1};
    if (rest.len == 0) return true;
    return rest.data[0] == ':' &&
           is_port((gw_view){rest.data + 1, rest.len - 1});
  }
  if (first == NULL) return true;
  size_t at = (size_t)(first - v->data);
  gw_view rest = {first + 1, v->len - at - 1};
  if (memchr(rest.data, ':', rest.len) != NULL) return true; /* IPv6, bare */
  v->len = at;
  return is_port(rest);
}

bool gw_peer_read(gw_peer *p, gw_view text) {
  char copy[GW_PEER_TEXT_MAX];
  uint8_t bytes[16];
  *p = (gw_peer){.family = GW_PEER_UNKNOWN};
  if (text.len == 0 || !strip(&text) || text.len >= sizeof copy ||
      memchr(text.data, '\0', text.len) != NULL)
    return false;
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  if (inet_pton(AF_INET, copy, bytes) == 1)
    *p = of_v4(bytes);
  else if (inet_pton(AF_INET6, copy, bytes) == 1)
    *p = of_v6(bytes);
  return p->family != GW_PEER_UNKNOWN;
}

const char *gw_peer_text(const gw_peer *p, char text[GW_PEER_TEXT_MAX]) {
  const char *words[] = {"unknown", "unix"};
  int family = p->family == GW_PEER_IPV4 ? AF_INET : AF_INET6;
  if (p->family <= GW_PEER_UNIX)
    strcpy(text, words[p->family]);
  else if (inet_ntop(family, p->bytes, text, GW_PEER_TEXT_MAX) == NULL)
    text[0] = '\0';
  return text;
}
