/* SPDX-License-Identifier: MIT */
/* meta.c - metadata of channels, from the owner to all who know the channel. */
#include "server/core/meta.h"

#include "server/core/mail.h"
#include "server/core/pack.h"
#include "server/core/session.h"

/* ---- to subscribers -------------------------------------------------------- */

/** The message that tells it; NULL when out of memory. */
static gw_buf *encode(gw_channel *ch) {
  gw_channel_meta msg = {.meta = gws_meta_of(ch)};
  gw_out *out = gws_hub_scratch(ch->hub, msg.meta.len + GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_CHANNEL_META, .channel = ch->number};
  if (out == NULL || gw_encode_channel_meta(out, &head, &msg) < 0) return NULL;
  return gws_may_pack(gw_buf_new((gw_view){out->data, out->len}, false),
                      &ch->ns->packing);
}

/** One who is slow, or for whom there is no memory, is told when it reads. */
static void tell(gw_sub *sub, gw_buf *b) {
  gw_session *s = sub->session;
  if (sub->feed == GWS_FEED_WAITING || s->state != GWS_SESSION_OPEN) return;
  sub->is_meta_due = b == NULL || s->out.bytes > s->hub->low_water;
  gws_sub_sort(sub); /* also one that was due an older one, and is not now */
  if (!sub->is_meta_due) gws_session_push(s, gws_sub_lane(sub), gw_buf_ref(b));
}

static void tell_all(gw_channel *ch) {
  gw_buf *b = ch->num_seats != 0 ? encode(ch) : NULL;
  for (uint32_t i = 0; i < ch->num_seats; i++)
    tell(ch->seats[i].sub, b);
  gw_buf_unref(b);
}

void gws_meta_draw(gw_sub *sub) {
  gw_session *s = sub->session;
  gw_buf *b = encode(sub->channel);
  sub->is_meta_due = false;
  gws_sub_sort(sub);
  if (b != NULL) {
    gws_session_push(s, gws_sub_lane(sub), b);
    return;
  }
  gws_hub_nomem(s->hub);
  gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
}

/* ---- to followers ---------------------------------------------------------- */

static void post(gw_channel *ch) {
  for (uint32_t i = 0; i < ch->num_followers;) {
    gw_mail *m = gws_mail_new(GWS_MAIL_META, 0);
    if (m == NULL) {
      gws_hub_nomem(ch->hub);
      gws_follow_reset(ch, i);
      continue;
    }
    m->handle = ch->followers[i].handle;
    if (ch->meta != NULL) m->buf = gw_buf_ref(ch->meta);
    gws_mail_post(ch->hub, ch->followers[i].worker, m);
    i++;
  }
}

int gws_meta_set(gw_channel *ch, gw_view json) {
  gw_buf *meta = NULL;
  if (gw_view_eq(json, gws_meta_of(ch))) return 0;
  if (json.len != 0) {
    meta = gw_buf_new(json, true);
    if (meta == NULL) return GW_ERR_NOMEM;
  }
  gw_buf_unref(ch->meta);
  ch->meta = meta;
  tell_all(ch);
  post(ch);
  return 0;
}

void gws_meta_take(gw_channel *ch, gw_buf *meta) {
  gw_view is = meta != NULL ? gw_buf_payload(meta) : (gw_view){NULL, 0};
  bool is_same = gw_view_eq(is, gws_meta_of(ch));
  gw_buf_unref(ch->meta);
  ch->meta = meta;
  if (!is_same) tell_all(ch);
}

void gws_meta_on_mail(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL && ch->state == GWS_CHANNEL_ATTACHED) {
    gws_meta_take(ch, m->buf);
    m->buf = NULL;
  }
  gw_mail_free(m);
}
