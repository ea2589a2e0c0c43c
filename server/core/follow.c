/* SPDX-License-Identifier: MIT */
/* follow.c - how a worker gets, keeps and gives up its copy of a channel that
 * another one owns. The exchange is drawn in mail.h. */
#include "proto/guard.h"
#include "server/core/batch.h"
#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/meta.h"
#include "server/core/presence.h"
#include "server/core/session.h"

/** Without memory to ask, it is tried again after this long. */
#define ASK_AGAIN_MS 100u

/* ---- at the follower ----------------------------------------------------- */

/** Mail that names the channel. */
static gw_mail *new_mail(const gw_channel *ch, enum gws_mail_kind kind) {
  gw_mail *m = gws_mail_new(kind, ch->name_len);
  if (m == NULL) {
    gws_hub_nomem(ch->hub);
    return NULL;
  }
  m->name = gws_mail_keep(m, gws_channel_name(ch));
  m->hash = ch->hash;
  m->handle = ch->handle;
  return m;
}

void gws_follow_attach(gw_channel *ch) {
  gw_mail *m = new_mail(ch, GWS_MAIL_ATTACH);
  ch->state = GWS_CHANNEL_ATTACHING;
  ch->is_asked = m != NULL;
  ch->asked_ms = ch->hub->now_ms;
  if (m != NULL) gws_mail_post(ch->hub, ch->owner, m);
}

bool gws_follow_detach(gw_channel *ch) {
  gw_mail *m = new_mail(ch, GWS_MAIL_DETACH);
  if (m != NULL) gws_mail_post(ch->hub, ch->owner, m);
  return m != NULL;
}

uint64_t gws_follow_late_ms(const gw_channel *ch) {
  return ch->asked_ms + (ch->is_asked ? GW_REQUEST_TIMEOUT_MS : ASK_AGAIN_MS);
}

/** Tell all who wait for the channel that they cannot have it now. */
static void refuse_waiting(gw_channel *ch, uint32_t code) {
  for (uint32_t i = ch->num_seats; i-- > ch->num_live + ch->num_choosy;) {
    gw_sub *sub = ch->seats[i].sub;
    if (sub->feed != GWS_FEED_WAITING) continue;
    gws_sub_refuse(sub, code, NULL);
    gws_sub_free(sub, GWS_FAREWELL_LEFT);
  }
}

void gws_follow_on_late(gw_channel *ch) {
  if (!ch->is_asked) {
    gws_follow_attach(ch);
    return;
  }
  ch->asked_ms = ch->hub->now_ms;
  refuse_waiting(ch, GW_CODE_OVERLOADED);
}

/** The channel's stream has become another one: those who hold a position in
 * the old one subscribe anew. */
static void end_all_answered(gw_channel *ch, uint32_t code) {
  gws_batch_flush(ch); /* now, as it moves seats */
  for (uint32_t i = ch->num_seats; i-- > 0;) {
    gw_sub *sub = ch->seats[i].sub;
    if (sub->feed != GWS_FEED_WAITING)
      gws_sub_end(sub, code, NULL, GWS_FAREWELL_LOST);
  }
}

bool gws_follow_stop_live(gw_channel *ch) {
  gws_batch_flush(ch);
  while (ch->num_live + ch->num_choosy != 0) {
    gw_sub *sub = ch->seats[ch->num_live + ch->num_choosy - 1].sub;
    if (gws_sub_need_catchup(sub) < 0) return false;
    sub->catchup->cursor = gws_sub_told(sub);
    gws_sub_set_feed(sub, GWS_FEED_LAGGING);
  }
  return true;
}

void gws_follow_sort(gw_channel *ch) {
  for (uint32_t i = 0; i < ch->num_seats; i++)
    gws_sub_sort(ch->seats[i].sub);
}

static void restart(gw_channel *ch) {
  /* The live ones go on from a cursor when the state is there again. */
  if (!gws_follow_stop_live(ch)) {
    gws_hub_nomem(ch->hub);
    end_all_answered(ch, GW_CODE_INTERNAL);
  }
  gws_follow_attach(ch);
  gws_follow_sort(ch);
  gws_channel_touch(ch);
}

void gws_follow_break(gw_channel *ch) {
  gws_hub_log(ch->hub, GWS_LOG_ERROR, "follow.break", "channel=%u", ch->number);
  /* The owner takes the new attachment for the old one. */
  restart(ch);
}

void gws_follow_on_reset(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  gw_mail_free(m);
  if (ch == NULL || ch->state == GWS_CHANNEL_OWNED) return;
  restart(ch);
}

static bool load_history(gw_channel *ch, const gw_channel_state *st) {
  gw_history *h = &ch->history;
  gw_history_max max = gws_channel_max(ch);
  gw_history_clear(h);
  for (uint32_t i = 0; i < st->num_records; i++) {
    gw_record r = st->records[i];
    gw_buf_ref(r.buf);
    bool is_map = h->mode == GW_HISTORY_MAP;
    int err = is_map ? gw_history_load(h, r) : gw_history_push(h, r, &max);
    if (err == 0) continue;
    gws_hub_nomem(ch->hub);
    if (is_map) return false; /* of a stream, less is kept */
  }
  h->trimmed_by = st->trimmed_by;
  h->floor = st->floor;
  return true;
}

/** Take the owner's state over. False when out of memory. */
static bool load(gw_channel *ch, gw_channel_state *st) {
  if (ch->number != 0 && (ch->epoch != st->epoch || ch->number != st->number))
    end_all_answered(ch, GW_CODE_EPOCH_CHANGED);
  if (gws_channel_set_number(ch, st->number) < 0) return false;
  if (gws_presence_load(ch, &st->presence, st->members) < 0) return false;
  ch->epoch = st->epoch;
  if (!load_history(ch, st)) return false;
  ch->top = st->top;
  gws_meta_take(ch, st->meta);
  st->meta = NULL;
  return true;
}

/** Whether a subscriber may come from a worker that has publications which are
 * still on their way here from this one. */
static bool is_behind(const gw_sub *sub, uint32_t worker) {
  const gw_channel *ch = sub->channel;
  const gw_catchup *c = sub->catchup;
  if (!c->recover || worker == ch->hub->worker) return false;
  if (gws_channel_is_pattern(ch)) return GW_GUARD(PATTERN_BEHIND);
  return GW_GUARD(FOLLOWER_BEHIND) && worker == ch->owner &&
         ch->state == GWS_CHANNEL_ATTACHED && c->epoch == ch->epoch &&
         c->offset > ch->top;
}

/** False when out of memory. */
static bool ask_to_sync(gw_sub *sub, uint32_t worker) {
  gw_mail *m = new_mail(sub->channel, GWS_MAIL_SYNC);
  if (m == NULL) return false;
  m->origin = (gw_origin){.session = sub->session->handle,
                          .request = sub->catchup->request};
  sub->catchup->num_behind++;
  gws_mail_post(sub->channel->hub, worker, m);
  return true;
}

void gws_follow_begin(gw_sub *sub) {
  uint32_t num = sub->channel->hub->num_workers;
  sub->catchup->num_behind = 0;
  for (uint32_t w = 0; w < num; w++) {
    if (!is_behind(sub, w) || ask_to_sync(sub, w)) continue;
    gws_session_end(sub->session, GW_CODE_INTERNAL, "out of memory");
    return;
  }
  if (sub->catchup->num_behind == 0) gws_recovery_begin(sub);
}

static void serve_one(gw_sub *sub) {
  if (sub->feed == GWS_FEED_WAITING) {
    gws_follow_begin(sub);
    return;
  }
  if (sub->roster == GWS_ROSTER_LIVE || sub->roster == GWS_ROSTER_SENDING)
    gws_sub_set_roster(sub, GWS_ROSTER_STALE);
  gws_sub_sort(sub);
}

void gws_follow_serve(gw_channel *ch) {
  ch->state = GWS_CHANNEL_ATTACHED;
  for (uint32_t i = ch->num_seats; i > 0;) {
    gw_sub *sub = ch->seats[i - 1].sub;
    serve_one(sub);
    /* One that became live has changed places with one not served yet. */
    if (sub->seat == i - 1) i--;
  }
  gws_channel_touch(ch);
}

void gws_follow_on_state(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL && ch->state == GWS_CHANNEL_ATTACHING) {
    if (load(ch, m->state)) {
      gws_follow_serve(ch);
    } else {
      gws_hub_nomem(h);
      refuse_waiting(ch, GW_CODE_INTERNAL);
      gws_follow_attach(ch);
      gws_channel_touch(ch);
    }
  }
  gw_mail_free(m);
}

void gws_follow_end(gw_channel *ch, uint32_t code) {
  refuse_waiting(ch, code);
  end_all_answered(ch, code);
  gws_channel_free(ch);
}

void gws_follow_on_refused(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL && ch->state == GWS_CHANNEL_ATTACHING)
    gws_follow_end(ch, m->code);
  gw_mail_free(m);
}

/** Now its position is known here, or nowhere; and of a pattern, what it may have
 * had from the worker before has gone by. */
void gws_follow_on_synced(gw_hub *h, gw_mail *m) {
  gw_session *s = gws_session_get(h, m->origin.session);
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  gw_sub *sub = s != NULL ? gws_subs_by_channel(&s->subs, ch) : NULL;
  bool waits = sub != NULL && gws_channel_is_ready(ch) &&
               sub->feed == GWS_FEED_WAITING &&
               sub->catchup->request == m->origin.request;
  gw_mail_free(m);
  if (waits && --sub->catchup->num_behind == 0) gws_recovery_begin(sub);
}

void gws_follow_on_roster(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL && ch->state == GWS_CHANNEL_ATTACHED &&
      gws_presence_apply(ch, &m->u.news, m->roster, m->buf) < 0) {
    gws_hub_nomem(h);
    restart(ch);
  }
  gw_mail_free(m);
}

/* ---- at the owner -------------------------------------------------------- */

static gw_follower *find_follower(const gw_channel *ch, uint32_t worker) {
  for (uint32_t i = 0; i < ch->num_followers; i++) {
    if (ch->followers[i].worker == worker) return &ch->followers[i];
  }
  return NULL;
}

static void remove_follower(gw_channel *ch, gw_follower *f) {
  gw_mail_free(f->reset);
  *f = ch->followers[--ch->num_followers];
  ch->used_ms = ch->hub->now_ms;
}

void gws_follow_reset(gw_channel *ch, uint32_t i) {
  gw_follower *f = &ch->followers[i];
  gw_mail *m = f->reset;
  f->reset = NULL;
  gws_mail_post(ch->hub, f->worker, m);
  remove_follower(ch, f);
}

void gws_follow_send_ended(gw_channel *ch) {
  while (ch->num_followers != 0) {
    gw_follower *f = &ch->followers[0];
    f->reset->kind = GWS_MAIL_ENDED;
    gws_follow_reset(ch, 0);
  }
}

void gws_follow_on_ended(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  gw_mail_free(m);
  if (ch == NULL || ch->state == GWS_CHANNEL_OWNED) return;
  if (ch->state == GWS_CHANNEL_ATTACHED) {
    gws_follow_end(ch, GW_CODE_CHANNEL_ENDED);
    return;
  }
  /* It has asked again, for another reason, and will be given the new one. */
  end_all_answered(ch, GW_CODE_CHANNEL_ENDED);
}

void gws_follow_deinit(gw_channel *ch) {
  while (ch->num_followers != 0)
    remove_follower(ch, &ch->followers[0]);
  gw_mem_free(ch->followers);
  ch->followers = NULL;
}

static bool add_follower(gw_channel *ch, uint32_t worker, uint64_t handle) {
  gw_follower *list =
      gw_mem_realloc(ch->followers, (ch->num_followers + 1u) * sizeof *list);
  if (list == NULL) return false;
  ch->followers = list;
  gw_mail *reset = gws_mail_new(GWS_MAIL_RESET, 0);
  if (reset == NULL) return false;
  reset->handle = handle;
  list[ch->num_followers++] = (gw_follower){worker, handle, reset};
  return true;
}

static void copy_records(const gw_history *h, gw_channel_state *st) {
  for (uint32_t i = 0; i < h->len; i++) {
    gw_record r = *gw_history_at(h, i);
    if (r.buf == NULL) continue;
    gw_buf_ref(r.buf);
    st->records[st->num_records++] = r;
  }
}

/** What is told of the presence. */
static gw_presence_news news_of(const gw_channel *ch, bool is_whole) {
  return (gw_presence_news){.version = gws_presence_version(ch),
                            .numbers = gws_presence_numbers(ch),
                            .mode = gws_presence_mode(ch),
                            .is_whole = is_whole};
}

static gw_channel_state *copy_state(gw_channel *ch) {
  gw_history_trim(&ch->history, ch->hub->now_ms);
  uint32_t num = ch->history.len - ch->history.num_holes;
  gw_channel_state *st = gw_mem_alloc(sizeof *st + num * sizeof st->records[0]);
  if (st == NULL) return NULL;
  *st = (gw_channel_state){.epoch = ch->epoch,
                           .top = ch->top,
                           .number = ch->number,
                           .trimmed_by = ch->history.trimmed_by,
                           .floor = ch->history.floor,
                           .meta = ch->meta,
                           .presence = news_of(ch, true),
                           .members = gws_presence_roster(ch)};
  if (st->members == NULL) {
    gw_mem_free(st);
    return NULL;
  }
  if (st->meta != NULL) gw_buf_ref(st->meta);
  copy_records(&ch->history, st);
  return st;
}

/** The code to refuse with. */
static uint32_t attach(gw_hub *h, gw_mail *m) {
  uint32_t code = GW_CODE_OK;
  gw_channel *ch = gws_channel_get(h, m->name, m->hash, &code);
  if (ch == NULL) return code;
  gw_follower *old = find_follower(ch, m->from);
  if (old != NULL) remove_follower(ch, old);
  m->state = copy_state(ch);
  if (m->state == NULL || !add_follower(ch, m->from, m->handle)) {
    gws_hub_nomem(h);
    return GW_CODE_INTERNAL;
  }
  return GW_CODE_OK;
}

void gws_follow_on_attach(gw_hub *h, gw_mail *m) {
  m->code = attach(h, m);
  m->kind = GWS_MAIL_STATE;
  if (m->code != GW_CODE_OK) {
    gws_mail_drop(m);
    m->kind = GWS_MAIL_REFUSED;
  }
  gws_mail_post(h, m->from, m);
}

void gws_follow_on_detach(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gws_channel_find(h, m->name, m->hash);
  gw_follower *f = ch == NULL ? NULL : find_follower(ch, m->from);
  if (f != NULL && f->handle == m->handle) {
    remove_follower(ch, f);
    gws_channel_touch(ch);
  }
  gw_mail_free(m);
}

/** The way back is that of the publications. */
void gws_follow_on_sync(gw_hub *h, gw_mail *m) {
  m->kind = GWS_MAIL_SYNCED;
  gws_mail_post(h, m->from, m);
}

static gw_mail *new_roster_mail(gw_roster *members, gw_buf *diff) {
  gw_mail *m = members != NULL ? gws_mail_new(GWS_MAIL_ROSTER, 0) : NULL;
  if (m == NULL) return NULL;
  if (diff != NULL) m->buf = gw_buf_ref(diff);
  m->roster = gws_roster_ref(members);
  return m;
}

void gws_follow_send_roster(gw_channel *ch, gw_roster *members, gw_buf *diff) {
  for (uint32_t i = 0; i < ch->num_followers;) {
    const gw_follower *f = &ch->followers[i];
    gw_mail *m = new_roster_mail(members, diff);
    if (m == NULL) {
      gws_hub_nomem(ch->hub);
      gws_follow_reset(ch, i);
      continue;
    }
    m->handle = f->handle;
    m->u.news = news_of(ch, diff == NULL);
    gws_mail_post(ch->hub, f->worker, m);
    i++;
  }
}
