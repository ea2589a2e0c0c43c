/* SPDX-License-Identifier: MIT */
/* delta.c - publications that come as changes to the one before, made whole. */
#include "godwit/delta.h"

#include "client/internal.h"

/*
 * Of a subscription that takes deltas the payload of the last publication is
 * kept, whole, as long as the next may be told by changes to it. A delta names
 * the offset of its base, and carries a checksum of what it makes: when either
 * is not right, nothing is handed on, and the subscription begins anew from its
 * position, by whole publications.
 */

const uint64_t gw__delta_feature = GW_FEATURE_DELTA;

static void drop(gw_client *c, gw__base *b) {
  gw__drop(c, &b->payload);
  b->offset = 0;
}

void gw__delta_begin(gw_client *c, gw__sub *s, bool is_on) {
  drop(c, &s->base);
  s->base.is_on = is_on;
}

static void hold(gw_client *c, gw__base *b, const gw_publication *m,
                 gw_view payload) {
  drop(c, b);
  b->payload = payload;
  b->offset = m->offset;
}

static int keep_whole(gw_client *c, gw__base *b, const gw_publication *m) {
  gw_view payload;
  b->is_json = m->json.len != 0;
  int err = gw__copy(c, b->is_json ? m->json : m->data, &payload);
  if (err == 0) hold(c, b, m, payload);
  return err;
}

static int make_whole(gw_client *c, gw__base *b, gw_publication *m) {
  int64_t len = gw_delta_target_len(m->delta);
  if (b->offset == 0 || m->delta_base != b->offset || len <= 0 ||
      len > c->max_frame_bytes)
    return GW_ERR_PROTOCOL;
  gw_out out = {gw__alloc(c, (size_t)len), 0, (size_t)len};
  if (out.data == NULL) return GW_ERR_NOMEM;
  int err = gw_delta_apply(b->payload, m->delta, &out);
  if (err < 0) {
    gw__free(c, out.data);
    return err;
  }
  hold(c, b, m, (gw_view){out.data, out.len});
  *(b->is_json ? &m->json : &m->data) = b->payload;
  return 0;
}

int gw__delta_take(gw_client *c, gw__sub *s, gw_publication *m) {
  if (m->delta.len != 0) {
    int err = make_whole(c, &s->base, m);
    if (err == GW_ERR_PROTOCOL) c->num_bad_deltas++;
    return err;
  }
  return s->base.is_on ? keep_whole(c, &s->base, m) : 0;
}
