/* SPDX-License-Identifier: MIT */
/* edge_fuzz.c - any bytes as what a request says: its path, and the headers that
 * the edge of the server reads by itself. The first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "server/auth/cookie.h"
#include "server/auth/origin.h"
#include "server/edge/conditional.h"
#include "server/edge/forwarded.h"
#include "server/edge/path.h"
#include "server/edge/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gw_routes routes;
static gw_networks trusted;

/** Made once; lives as long as the process. */
static void set_up(void) {
  static const gw_route_options options[] = {
      {.path = "/rooms/:id", .channels = "room:{id}"},
      {.path = "/rooms/:id/files/*", .channels = "{id}-{*}"},
      {.path = "/:a/:b/:c"},
      {.path = "/*", .space = "x{*}"}};
  char why[GW_ROUTE_WHY_MAX];
  gw_view bad;
  if (routes.num != 0) return;
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (gw_routes_add(&routes, &options[i], why) < 0) abort();
  if (gw_networks_init(&trusted, "10.0.0.0/8 ::/1", &bad) < 0) abort();
}

static void check_path(gw_view path) {
  char channel[64], url[64];
  gw_values values;
  const gw_route *r = gw_routes_find(&routes, path, &values);
  for (size_t i = 0; r != NULL && i < values.num; i++) {
    gw_view v = values.of[i];
    if (v.data < path.data || v.data + v.len > path.data + path.len ||
        v.len == 0 || memchr(v.data, '*', v.len) != NULL)
      abort();
  }
  for (size_t i = 0; r != NULL && i < r->num_templates; i++)
    if (gw_template_fill(r->templates[i], &r->pattern, &values, channel,
                         sizeof channel) > sizeof channel)
      abort();
  size_t len = gw_path_encode(path, url, sizeof url);
  if (len >= sizeof url || (len != 0 && strpbrk(url, "\r\n <\"") != NULL))
    abort();
  if (gw_path_is_plain(path) && memmem(path.data, path.len, "/.", 2) != NULL &&
      memcmp(path.data, "/.well-known", 12) != 0)
    abort();
}

static void check_range(gw_view header) {
  uint64_t first, last, size = header.len;
  if (gw_range_read(header, size, &first, &last) == GW_RANGE_PART &&
      (first > last || last >= size))
    abort();
}

static void check_peer(enum gw_forwarded_by by, gw_view header) {
  gw_peer peer = {.family = GW_PEER_IPV4, .bytes = {10}};
  char text[GW_PEER_TEXT_MAX];
  bool is_secure = false;
  gw_forwarded_read(by, header, &trusted, &peer, &is_secure);
  if (peer.family == GW_PEER_UNKNOWN || gw_peer_text(&peer, text)[0] == '\0')
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  gw_view rest = {data + 1, size - 1};
  set_up();
  switch (data[0]) {
  case 'p':
    check_path(rest);
    break;
  case 'r':
    check_range(rest);
    break;
  case 'x':
    check_peer(GW_FORWARDED_X_FOR, rest);
    break;
  case 'f':
    check_peer(GW_FORWARDED_RFC7239, rest);
    break;
  case 'o':
    (void)gw_origin_is_allowed("same localhost null https://*.a.org", rest,
                               gw_view_of("a.org"));
    break;
  default:
    (void)gw_accepts_coding(rest, "gzip");
    (void)gw_etag_matches(rest, "\"a\"");
    (void)gw_cookie_find(rest, "a");
  }
  return 0;
}
