/* SPDX-License-Identifier: MIT */
/* compression.c - who is near, or does not want it, is sent messages as they are:
 * compressing spares bytes and costs both ends some work. */
#include "server/middleware/compression.h"

#include <stdlib.h>
#include <strings.h>

#include "server/edge/networks.h"
#include "server/edge/paths.h"

struct gw_compression {
  gw_compression_options options;
  gw_networks except;
};

int gw_compression_new(gw_compression **link,
                       const gw_compression_options *options) {
  gw_view bad;
  gw_compression *l = *link = calloc(1, sizeof *l);
  if (l == NULL) return GW_ERR_NOMEM;
  l->options = *options;
  int err = gw_networks_init(&l->except, options->except, &bad);
  if (err == 0) return 0;
  gw_compression_free(l);
  *link = NULL;
  return err;
}

void gw_compression_free(gw_compression *l) {
  if (l == NULL) return;
  gw_networks_deinit(&l->except);
  free(l);
}

static bool is_near(const gw_compression *l, const gw_connection *c) {
  gw_peer peer;
  return gw_peer_read(&peer, gw_connection_peer(c)) &&
         gw_networks_has(&l->except, &peer);
}

static bool is_no(gw_view value) {
  static const char *const words[] = {"0", "no", "off"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    gw_view word = gw_view_of(words[i]);
    if (value.len == word.len &&
        strncasecmp((const char *)value.data, words[i], word.len) == 0)
      return true;
  }
  return false;
}

/** Whether its request has nothing against it. */
static bool is_asked(const gw_compression *l, const gw_request *r) {
  const gw_compression_options *o = &l->options;
  if (*o->paths != '\0' && !gw_paths_match(o->paths, gw_request_path(r)))
    return false;
  return *o->header == '\0' ||
         !is_no(gw_request_get(r, GW_REQUEST_HEADER, o->header));
}

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *frame,
                     gw_refusal *refusal) {
  const gw_compression *l = user;
  (void)refusal;
  if (frame->type != GW_FRAME_HELLO) return true;
  /* Of a Hello there is always a request, unless memory ran out. */
  const gw_request *r = gw_connection_request(c);
  if (is_near(l, c) || r == NULL || !is_asked(l, r))
    gw_connection_stay_plain(c);
  return true;
}

const gw_middleware gw_compression_link = {
    .size = sizeof(gw_middleware), .name = "compression", .on_frame = on_frame};
