/* SPDX-License-Identifier: MIT */
/* subscription.c - seats, cursors and lists of subscriptions. */
#include "server/core/subscription.h"

#include "server/core/batch.h"
#include "server/core/channel.h"
#include "server/core/filter.h"
#include "server/core/idle.h"
#include "server/core/mail.h"
#include "server/core/news.h"
#include "server/core/presence.h"
#include "server/core/scope.h"
#include "server/core/session.h"

/** Up to this many are found by walking the lists: most connections have a
 * handful, and then an index would cost more than it spares. */
#define WALK_MAX 16u

struct gw_subs_index {
  gw_index by_alias;
  gw_index by_channel;
};

/* ---- finding ------------------------------------------------------------- */

static uint32_t alias_hash(uint32_t alias) {
  uint32_t hash = alias * UINT32_C(0x9E3779B1); /* 2^32 by the golden ratio */
  return hash ^ hash >> 16;
}

static uint32_t channel_hash(const gw_channel *ch) {
  return (uint32_t)ch->hash;
}

gw_sub *gws_subs_by_alias(const gw_subs *subs, uint32_t alias) {
  gw_sub *sub;
  if (subs->index != NULL) {
    gw_index_walk walk = {.hash = alias_hash(alias)};
    while ((sub = gw_index_next(&subs->index->by_alias, &walk)) != NULL) {
      if (sub->alias == alias) return sub;
    }
    return NULL;
  }
  DL_SEARCH_SCALAR(subs->quiet, sub, alias, alias);
  if (sub == NULL) DL_SEARCH_SCALAR(subs->drawing, sub, alias, alias);
  return sub;
}

gw_sub *gws_subs_by_channel(const gw_subs *subs, const gw_channel *ch) {
  gw_sub *sub;
  if (ch == NULL) return NULL;
  if (subs->index != NULL) {
    gw_index_walk walk = {.hash = channel_hash(ch)};
    while ((sub = gw_index_next(&subs->index->by_channel, &walk)) != NULL) {
      if (sub->channel == ch) return sub;
    }
    return NULL;
  }
  DL_SEARCH_SCALAR(subs->quiet, sub, channel, ch);
  if (sub == NULL) DL_SEARCH_SCALAR(subs->drawing, sub, channel, ch);
  return sub;
}

gw_sub *gws_subs_any(const gw_subs *subs) {
  return subs->quiet != NULL ? subs->quiet : subs->drawing;
}

/* ---- the index ----------------------------------------------------------- */

/* The index is a help that may be missing: without memory for it the lists are
 * walked. */
static void drop_index(gw_subs *subs) {
  if (subs->index == NULL) return;
  gw_index_deinit(&subs->index->by_alias);
  gw_index_deinit(&subs->index->by_channel);
  gw_mem_free(subs->index);
  subs->index = NULL;
}

/* Alias 0 is none: those that the server began would all lie in one place. */
static bool index_alias(struct gw_subs_index *ix, gw_sub *sub) {
  return sub->alias == 0 ||
         gw_index_add(&ix->by_alias, alias_hash(sub->alias), sub) == 0;
}

static void unindex_alias(struct gw_subs_index *ix, gw_sub *sub) {
  if (sub->alias != 0)
    gw_index_remove(&ix->by_alias, alias_hash(sub->alias), sub);
}

static bool index_one(struct gw_subs_index *ix, gw_sub *sub) {
  return index_alias(ix, sub) &&
         gw_index_add(&ix->by_channel, channel_hash(sub->channel), sub) == 0;
}

static bool index_list(struct gw_subs_index *ix, gw_sub *list) {
  for (gw_sub *sub = list; sub != NULL; sub = sub->next) {
    if (!index_one(ix, sub)) return false;
  }
  return true;
}

static void build_index(gw_subs *subs) {
  subs->index = gw_mem_zalloc(sizeof *subs->index);
  if (subs->index == NULL) return;
  if (!index_list(subs->index, subs->quiet) ||
      !index_list(subs->index, subs->drawing))
    drop_index(subs);
}

static void index_added(gw_subs *subs, gw_sub *sub) {
  if (subs->index != NULL) {
    if (!index_one(subs->index, sub)) drop_index(subs);
  } else if (subs->num > WALK_MAX) {
    build_index(subs);
  }
}

static void index_removed(gw_subs *subs, gw_sub *sub) {
  if (subs->index == NULL) return;
  unindex_alias(subs->index, sub);
  gw_index_remove(&subs->index->by_channel, channel_hash(sub->channel), sub);
  if (subs->num <= WALK_MAX / 2) drop_index(subs);
}

/* ---- beginning and end --------------------------------------------------- */

gw_sub *gws_sub_new(gw_session *s, gw_channel *ch, uint32_t alias) {
  gw_sub *sub = gw_mem_zalloc(sizeof *sub);
  if (sub == NULL) return NULL;
  *sub = (gw_sub){.session = s,
                  .channel = ch,
                  .alias = alias,
                  .lane = (uint8_t)gws_channel_lane(ch)};
  sub->catchup = gw_mem_zalloc(sizeof *sub->catchup);
  if (sub->catchup == NULL || gws_channel_sit(ch, sub) < 0) {
    gw_mem_free(sub->catchup);
    gw_mem_free(sub);
    return NULL;
  }
  DL_APPEND(s->subs.quiet, sub);
  s->subs.num++;
  index_added(&s->subs, sub);
  gw_stat_add(&s->hub->stats.subscriptions, 1);
  return sub;
}

void gws_sub_set_alias(gw_sub *sub, uint32_t alias) {
  gw_subs *subs = &sub->session->subs;
  if (sub->alias == alias) return;
  if (subs->index != NULL) unindex_alias(subs->index, sub);
  sub->alias = alias;
  if (subs->index != NULL && !index_alias(subs->index, sub)) drop_index(subs);
}

/* ---- what only some have -------------------------------------------------- */

static void drop_more(gw_sub *sub) {
  if (sub->more == NULL) return;
  gws_filter_unref(sub->session->hub, sub->more->filter);
  gw_mem_free(sub->more);
  sub->more = NULL;
}

int gws_sub_set_more(gw_sub *sub, gw_filter *filter, gw_view meta, bool delta) {
  if (sub->more != NULL) drop_more(sub);
  if (filter == NULL && meta.len == 0 && !delta) return 0;
  gw_sub_more *more = gw_mem_zalloc(sizeof *more + meta.len);
  if (more == NULL) {
    gws_filter_unref(sub->session->hub, filter);
    return GW_ERR_NOMEM;
  }
  more->filter = filter;
  more->delta = delta;
  more->meta_len = (uint32_t)meta.len;
  if (meta.len != 0) memcpy(more->meta, meta.data, meta.len);
  sub->more = more;
  return 0;
}

gw_view gws_sub_meta(const gw_sub *sub) {
  if (sub->more == NULL) return (gw_view){NULL, 0};
  return (gw_view){sub->more->meta, sub->more->meta_len};
}

const gw_filter *gws_sub_filter(const gw_sub *sub) {
  return sub->more != NULL ? sub->more->filter : NULL;
}

bool gws_sub_takes_delta(const gw_sub *sub) {
  return sub->more != NULL && sub->more->delta;
}

bool gws_sub_is_choosy(const gw_sub *sub) {
  return sub->more != NULL && (sub->more->filter != NULL || sub->more->delta);
}

uint64_t gws_sub_told(const gw_sub *sub) {
  return gws_sub_is_choosy(sub) ? sub->more->told : sub->channel->top;
}

/* ---- the end ---------------------------------------------------------------- */

static void drop_roster(gw_catchup *c) {
  gws_snapshot_unref(c->snapshot);
  for (uint32_t i = c->first_held; i < c->num_held; i++)
    gw_buf_unref(c->held[i]);
  gw_mem_free(c->held);
  c->snapshot = NULL;
  c->held = NULL;
  c->part = c->first_held = c->num_held = c->cap_held = 0;
}

static void drop_catchup(gw_sub *sub) {
  if (sub->catchup == NULL) return;
  drop_roster(sub->catchup);
  gw_mem_free(sub->catchup);
  sub->catchup = NULL;
}

static void say_farewell(gw_sub *sub, enum gws_farewell why) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  if (!sub->is_member) return;
  sub->is_member = false;
  if (ch->state == GWS_CHANNEL_OWNED) {
    if (why == GWS_FAREWELL_LEFT)
      gws_presence_leave(ch, s->client, s->connection);
    else
      gws_presence_lost(ch, s->client, s->connection);
    return;
  }
  gw_mail *m = sub->farewell;
  sub->farewell = NULL;
  m->kind = why == GWS_FAREWELL_LEFT ? GWS_MAIL_PRESENCE_LEAVE
                                     : GWS_MAIL_PRESENCE_LOST;
  gws_mail_post(s->hub, ch->owner, m);
}

void gws_sub_free(gw_sub *sub, enum gws_farewell why) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  gws_batch_flush(ch);
  say_farewell(sub, why);
  if (sub->is_noted) gws_news(ch, GW_CHANNEL_UNSUBSCRIBED, s);
  if (sub->is_orphan) gws_scope_forget(sub);
  if (sub->is_drawing)
    DL_DELETE(s->subs.drawing, sub);
  else
    DL_DELETE(s->subs.quiet, sub);
  s->subs.num--;
  index_removed(&s->subs, sub);
  gws_channel_stand(ch, sub);
  gw_stat_sub(&s->hub->stats.subscriptions, 1);
  drop_catchup(sub);
  gws_lease_free(sub);
  drop_more(sub);
  gws_idle_end(sub);
  gw_mail_free(sub->farewell);
  gw_mem_free(sub);
  if (s->hub->has_state) gws_scope_left(s, ch);
  gws_channel_touch(ch);
}

void gws_sub_refuse(const gw_sub *sub, uint32_t code, const char *reason) {
  uint32_t request = sub->catchup->request;
  if (request != 0) gws_reply_error(sub->session, request, code, reason);
}

void gws_sub_end(gw_sub *sub, uint32_t code, const char *reason,
                 enum gws_farewell why) {
  gw_session *s = sub->session;
  gws_batch_flush(
      sub->channel); /* what came before the end is sent before it */
  s->has_ended = true;
  if (sub->feed == GWS_FEED_WAITING) {
    gws_sub_refuse(sub, code, reason);
  } else {
    gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
    gw_head head = {.type = GW_FRAME_UNSUBSCRIBED,
                    .channel = sub->channel->number};
    gw_unsubscribed msg = {.code = code};
    if (reason != NULL) msg.reason = gw_view_of(reason);
    gws_session_send(s, gws_sub_lane(sub), out,
                     gw_encode_unsubscribed(out, &head, &msg));
  }
  gws_sub_free(sub, why);
}

/* ---- feeds --------------------------------------------------------------- */

int gws_sub_need_catchup(gw_sub *sub) {
  if (sub->catchup == NULL) sub->catchup = gw_mem_zalloc(sizeof *sub->catchup);
  return sub->catchup != NULL ? 0 : GW_ERR_NOMEM;
}

/** Whether there is something to draw from it. */
static bool wants_draw(const gw_sub *sub) {
  if (sub->feed == GWS_FEED_WAITING || !gws_channel_is_ready(sub->channel))
    return false;
  return sub->feed != GWS_FEED_LIVE || sub->roster == GWS_ROSTER_STALE ||
         sub->roster == GWS_ROSTER_SENDING || sub->is_meta_due;
}

/** Among those to draw from: behind those of its lane and of the lanes before. */
static void add_drawing(gw_sub *sub) {
  gw_subs *subs = &sub->session->subs;
  gw_sub *behind = NULL;
  gw_sub *at = subs->drawing != NULL ? subs->drawing->prev : NULL;
  while (at != NULL && at->lane > sub->lane) {
    behind = at;
    at = at != subs->drawing ? at->prev : NULL;
  }
  /* Of a list that has any, the first knows the last. */
  /* NOLINTBEGIN(clang-analyzer-core.NullDereference) */
  if (behind != NULL)
    DL_PREPEND_ELEM(subs->drawing, behind, sub);
  else
    DL_APPEND(subs->drawing, sub);
  /* NOLINTEND(clang-analyzer-core.NullDereference) */
}

void gws_sub_draw_last(gw_sub *sub) {
  DL_DELETE(sub->session->subs.drawing, sub);
  add_drawing(sub);
}

void gws_sub_sort(gw_sub *sub) {
  gw_session *s = sub->session;
  bool drawing = wants_draw(sub);
  if (drawing == sub->is_drawing) return;
  sub->is_drawing = drawing;
  if (drawing) {
    DL_DELETE(s->subs.quiet, sub);
    add_drawing(sub);
    if (s->state == GWS_SESSION_OPEN) gws_session_signal(s);
  } else {
    DL_DELETE(s->subs.drawing, sub);
    DL_APPEND(s->subs.quiet, sub);
  }
}

static void settle(gw_sub *sub) {
  if (sub->feed == GWS_FEED_LIVE && sub->roster != GWS_ROSTER_SENDING)
    drop_catchup(sub);
  gws_sub_sort(sub);
}

void gws_sub_set_feed(gw_sub *sub, enum gws_feed feed) {
  gws_batch_flush(sub->channel); /* which may make it fall behind */
  bool is_choosy = gws_sub_is_choosy(sub);
  enum gws_rank rank = GWS_RANK_APART;
  if (feed == GWS_FEED_LIVE) rank = is_choosy ? GWS_RANK_CHOOSY : GWS_RANK_LIVE;
  gws_channel_rank(sub->channel, sub, rank);
  if (is_choosy) {
    sub->more->told = sub->channel->top;
    sub->more->held = 0;
  }
  sub->feed = (uint8_t)feed;
  settle(sub);
}

void gws_sub_set_roster(gw_sub *sub, enum gws_roster_feed roster) {
  if (sub->roster == GWS_ROSTER_SENDING && roster != GWS_ROSTER_SENDING)
    drop_roster(sub->catchup);
  sub->roster = (uint8_t)roster;
  settle(sub);
}
