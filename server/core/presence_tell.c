/* SPDX-License-Identifier: MIT */
/* presence_tell.c - from what is to what was told: diffs, numbers, and the modes
 * between which a presence moves with its size. */
#include <string.h>

#include "server/core/channel.h"
#include "server/core/fanout.h"
#include "server/core/mail.h"
#include "server/core/notice.h"
#include "server/core/pack.h"
#include "server/core/presence.h"
#include "server/core/sample.h"

/* ---- modes --------------------------------------------------------------- */

/** Whether each member is told. */
static bool is_list(uint32_t mode) {
  return mode == GW_PRESENCE_MODE_FULL || mode == GW_PRESENCE_MODE_IDS;
}

uint32_t gws_presence_interval_ms(const gw_presence *p) {
  const gw_namespace *ns = p->channel->ns;
  return is_list(p->mode) ? ns->presence_coalesce_ms : ns->presence_counts_ms;
}

/** The mode for as many as there are. It is left again only when a fifth fewer
 * are, so that one who comes and goes does not turn everything over. */
static uint32_t wanted_mode(const gw_presence *p) {
  const gw_namespace *ns = p->channel->ns;
  uint32_t limit = ns->presence_full_limit;
  if (limit == 0 || !is_list(ns->presence_mode)) return ns->presence_mode;
  uint32_t most = is_list(p->mode) ? limit : limit - limit / 5;
  return p->num_now > most ? ns->presence_large : ns->presence_mode;
}

/* ---- what is new --------------------------------------------------------- */

static bool same_bytes(const gw_buf *a, const gw_buf *b) {
  return gw_view_eq(gw_buf_payload(a), gw_buf_payload(b));
}

/** One client that changes its user leaves and enters. */
static bool does_leave(const gw_member *m) {
  return m->told != NULL && (m->now == NULL || m->told_user != m->user);
}

static bool does_enter(const gw_member *m) {
  return m->now != NULL && (m->told == NULL || m->told_user != m->user);
}

/** Whether there is something to tell where each member is told. */
static bool has_news(const gw_presence *p, const gw_member *m) {
  if (does_leave(m) || does_enter(m)) return true;
  return m->now != NULL && p->mode == GW_PRESENCE_MODE_FULL &&
         !same_bytes(m->told, m->now);
}

/* ---- counting ------------------------------------------------------------ */

/** Returns whether it is the first of its user. */
static bool count_in(gw_presence *p, gw_tally_row *user) {
  bool is_first = user == NULL || user->num++ == 0;
  p->counted.clients++;
  p->counted.users += is_first;
  return is_first;
}

/** Returns whether it was the last of its user. */
static bool count_out(gw_presence *p, gw_tally_row *user) {
  bool is_last = user == NULL || --user->num == 0;
  p->counted.clients--;
  p->counted.users -= is_last;
  return is_last;
}

static void count(gw_presence *p, gw_member *m) {
  m->leaves_last = does_leave(m) && count_out(p, m->told_user);
  m->enters_first = does_enter(m) && count_in(p, m->user);
}

static void uncount(gw_presence *p, const gw_member *m) {
  if (does_enter(m)) (void)count_out(p, m->user);
  if (does_leave(m)) (void)count_in(p, m->told_user);
}

/* ---- what is told outside -------------------------------------------------- */

static void notify(const gw_presence *p, const gw_member *m, const gw_buf *face,
                   enum gw_presence_kind kind) {
  gw_hub *h = p->channel->hub;
  gw_notice n = {.kind = GW_NOTICE_PRESENCE,
                 .client = m->client,
                 .channel = gws_channel_name(p->channel),
                 .change = kind,
                 .version = p->version,
                 .first = kind == GW_PRESENCE_ENTER && m->enters_first,
                 .last = kind == GW_PRESENCE_LEAVE && m->leaves_last};
  if (gw_decode_presence_member(gw_buf_payload(face), &n.member) < 0) return;
  n.user = n.member.user;
  h->port.tell(h->user, &n);
}

/** To whoever outside wants to know: all of it, whatever the mode. */
static void notify_of(const gw_presence *p, const gw_member *m) {
  const gw_hub_port *port = &p->channel->hub->port;
  if (port->tell == NULL || !port->tells_presence) return;
  if (does_leave(m)) notify(p, m, m->told, GW_PRESENCE_LEAVE);
  if (does_enter(m))
    notify(p, m, m->now, GW_PRESENCE_ENTER);
  else if (m->now != NULL && !same_bytes(m->told, m->now))
    notify(p, m, m->now, GW_PRESENCE_UPDATE);
}

/** What is becomes what was told. Cannot fail. */
static void commit(gw_presence *p, gw_member *m) {
  notify_of(p, m);
  DL_DELETE(p->changed, m);
  m->is_changed = false;
  gw_buf_unref(m->told);
  m->told = m->now == NULL ? NULL : gw_buf_ref(m->now);
  gw_tally_row *user = m->now == NULL ? NULL : gws_tally_ref(m->user);
  gws_tally_drop(&p->users, m->told_user);
  m->told_user = user;
  if (gws_member_is_over(m)) gws_member_forget(m);
}

/* ---- a diff in the making ------------------------------------------------- */

struct diff {
  const gw_channel *channel;
  gw_out changes; /**< encoded, one after the other */
  gw_view *items; /**< where each is */
  uint32_t num;
  uint32_t num_members; /**< taken from the list */
  gw_roster *roster;
};

/** Room that one change takes beside its member. */
#define CHANGE_OVERHEAD 36u

static bool diff_init(struct diff *d, const gw_channel *ch, uint32_t max,
                      size_t room) {
  *d = (struct diff){.channel = ch};
  d->changes.data = gw_mem_alloc(room + 1u);
  d->changes.cap = room + 1u;
  d->items = gw_mem_alloc((max + 1u) * sizeof *d->items);
  d->roster = gws_roster_new(max);
  return d->changes.data != NULL && d->items != NULL && d->roster != NULL;
}

static void diff_deinit(struct diff *d) {
  gw_mem_free(d->changes.data);
  gw_mem_free(d->items);
  gws_roster_unref(d->roster);
}

/** One change, encoded at the end. Of who leaves, member is what was told. */
static int put_change(struct diff *d, const gw_buf *member,
                      gw_presence_change *msg) {
  int err = gws_presence_decode(d->channel, member, &msg->member);
  if (err < 0) return err;
  if (msg->kind == GW_PRESENCE_LEAVE)
    msg->member = (gw_presence_member){.client = msg->member.client,
                                       .user = msg->member.user};
  size_t from = d->changes.len;
  err = gw_encode_presence_change(&d->changes, NULL, msg);
  d->items[d->num++] = (gw_view){d->changes.data + from, d->changes.len - from};
  return err;
}

static gw_buf *encode_diff(const gw_presence *p, const struct diff *d) {
  gw_channel *ch = p->channel;
  gw_out *out =
      gws_hub_scratch(ch->hub, GWS_SCRATCH_MIN + d->changes.len + d->num * 8u);
  gw_head head = {.type = GW_FRAME_PRESENCE_DIFF, .channel = ch->number};
  gw_presence_diff msg = {.version = p->version + 1,
                          .changes = {.items = d->items, .num = d->num},
                          .clients = p->counted.clients,
                          .users = p->counted.users};
  if (out == NULL || gw_encode_presence_diff(out, &head, &msg) < 0) return NULL;
  return gws_may_pack(gw_buf_new((gw_view){out->data, out->len}, false),
                      &ch->ns->packing);
}

/** A version more: what was told is what was counted. */
static void step(gw_presence *p) {
  p->version++;
  p->numbers = p->counted;
  gws_presence_drop_snapshot(p);
}

static void tell(gw_presence *p, gw_roster *changes, gw_buf *diff) {
  gws_fanout_roster(p->channel, diff);
  gws_follow_send_roster(p->channel, changes, diff);
}

/* ---- each member is told -------------------------------------------------- */

/** Take members without news off the list, and count how many with news make
 * up one diff. */
static uint32_t measure(gw_presence *p, size_t *room) {
  gw_member *m, *next;
  uint32_t num = 0;
  *room = 0;
  DL_FOREACH_SAFE(p->changed, m, next) {
    if (!has_news(p, m)) {
      commit(p, m);
      continue;
    }
    if (*room >= GW_RECOVERY_CHUNK_BYTES) break;
    if (m->now != NULL) *room += m->now->len + CHANGE_OVERHEAD;
    if (m->told != NULL) *room += m->told->len + CHANGE_OVERHEAD;
    num++;
  }
  return num;
}

/** Both changes of one member, counted whether they can be encoded or not. */
static int gather_one(gw_presence *p, struct diff *d, gw_member *m) {
  bool enters = does_enter(m);
  count(p, m);
  gw_presence_change out = {.kind = GW_PRESENCE_LEAVE, .last = m->leaves_last};
  gw_presence_change in = {.kind =
                               enters ? GW_PRESENCE_ENTER : GW_PRESENCE_UPDATE,
                           .first = m->enters_first};
  d->num_members++;
  int err = does_leave(m) ? put_change(d, m->told, &out) : 0;
  if (err < 0 || m->now == NULL) return err;
  return put_change(d, m->now, &in);
}

static int gather(gw_presence *p, struct diff *d, uint32_t num) {
  gw_member *m = p->changed;
  for (; num > 0; num--, m = m->next) {
    int err = gather_one(p, d, m);
    if (err < 0) return err;
    gws_roster_put(d->roster, m->client,
                   m->now == NULL ? NULL : gw_buf_ref(m->now));
  }
  return 0;
}

static void undo(gw_presence *p, const struct diff *d) {
  const gw_member *m = p->changed;
  for (uint32_t i = 0; i < d->num_members; i++, m = m->next)
    uncount(p, m);
}

/** Tell one diff's worth. False when out of memory. */
static bool flush_one(gw_presence *p, uint32_t num, size_t room) {
  struct diff d;
  gw_buf *buf = NULL;
  if (diff_init(&d, p->channel, num * 2, room) && gather(p, &d, num) == 0)
    buf = encode_diff(p, &d);
  if (buf == NULL) {
    undo(p, &d);
  } else {
    step(p);
    for (uint32_t i = 0; i < num; i++)
      commit(p, p->changed);
    tell(p, d.roster, buf);
  }
  gw_buf_unref(buf);
  diff_deinit(&d);
  return buf != NULL;
}

static bool flush_list(gw_presence *p) {
  size_t room;
  uint32_t num;
  while ((num = measure(p, &room)) != 0) {
    if (!flush_one(p, num, room)) return false;
  }
  return true;
}

/* ---- numbers are told ------------------------------------------------------ */

/** Take over all that is, also into the sample. Cannot fail. */
static void commit_all(gw_presence *p) {
  gw_hub *h = p->channel->hub;
  gw_member *m, *next;
  DL_FOREACH_SAFE(p->changed, m, next) {
    bool enters = does_enter(m);
    count(p, m);
    if (p->sample != NULL && m->now == NULL) gws_sample_leave(p->sample, m);
    commit(p, m);
    if (p->sample != NULL && enters)
      gws_sample_enter(p->sample, h, m, p->counted.clients);
  }
  if (p->sample != NULL) gws_sample_fill(p->sample, p);
}

/** What is drawn now. NULL when out of memory. */
static gw_roster *roster_of(const gw_sample *s) {
  uint32_t num = s != NULL ? s->num : 0;
  gw_roster *r = gws_roster_new(num);
  for (uint32_t i = 0; r != NULL && i < num; i++)
    gws_roster_put(r, s->drawn[i]->client, gw_buf_ref(s->drawn[i]->told));
  return r;
}

static gw_buf *member_in(const gw_roster *r, uint64_t client) {
  for (uint32_t i = 0; r != NULL && i < r->num; i++) {
    if (r->entries[i].client == client) return r->entries[i].member;
  }
  return NULL;
}

static size_t room_of(const gw_roster *r) {
  size_t sum = 0;
  for (uint32_t i = 0; r != NULL && i < r->num; i++)
    sum += r->entries[i].member->len + CHANGE_OVERHEAD;
  return sum;
}

/** Those of one roster that another does not show. */
static int put_gone(struct diff *d, const gw_roster *before,
                    const gw_roster *after) {
  for (uint32_t i = 0; before != NULL && i < before->num; i++) {
    const gw_roster_entry *e = &before->entries[i];
    gw_presence_change msg = {.kind = GW_PRESENCE_LEAVE};
    if (member_in(after, e->client) != NULL) continue;
    int err = put_change(d, e->member, &msg);
    if (err < 0) return err;
    gws_roster_put(d->roster, e->client, NULL);
  }
  return 0;
}

/** Whether what a drawn member is told as has stayed the same. */
static bool is_same(const struct diff *d, const gw_buf *a, const gw_buf *b) {
  return d->channel->ns->presence_mode == GW_PRESENCE_MODE_IDS ||
         same_bytes(a, b);
}

static int put_shown(struct diff *d, const gw_roster *before,
                     const gw_roster *after) {
  for (uint32_t i = 0; i < after->num; i++) {
    const gw_roster_entry *e = &after->entries[i];
    const gw_buf *known = member_in(before, e->client);
    gw_presence_change msg = {.kind = known != NULL ? GW_PRESENCE_UPDATE
                                                    : GW_PRESENCE_ENTER};
    if (known != NULL && is_same(d, known, e->member)) continue;
    int err = put_change(d, e->member, &msg);
    if (err < 0) return err;
    gws_roster_put(d->roster, e->client, gw_buf_ref(e->member));
  }
  return 0;
}

static bool is_told(const gw_presence *p, const struct diff *d) {
  return d->num == 0 && p->numbers.clients == p->counted.clients &&
         p->numbers.users == p->counted.users;
}

/** False when out of memory: what was counted is told later. */
static bool tell_numbers(gw_presence *p, gw_roster *shown) {
  struct diff d;
  uint32_t max = (p->shown != NULL ? p->shown->num : 0) + shown->num;
  bool is_good =
      diff_init(&d, p->channel, max, room_of(p->shown) + room_of(shown)) &&
      put_gone(&d, p->shown, shown) == 0 && put_shown(&d, p->shown, shown) == 0;
  if (is_good && !is_told(p, &d)) {
    gw_buf *buf = encode_diff(p, &d);
    is_good = buf != NULL;
    if (is_good) {
      gws_roster_unref(p->shown);
      p->shown = gws_roster_ref(shown);
      step(p);
      tell(p, d.roster, buf);
    }
    gw_buf_unref(buf);
  }
  diff_deinit(&d);
  return is_good;
}

static bool flush_numbers(gw_presence *p) {
  commit_all(p);
  gw_roster *shown = roster_of(p->sample);
  bool is_good = shown != NULL && tell_numbers(p, shown);
  gws_roster_unref(shown);
  return is_good;
}

/* ---- from mode to mode ------------------------------------------------------ */

static void end_sample(gw_presence *p) {
  gws_sample_free(p->sample);
  gws_roster_unref(p->shown);
  p->sample = NULL;
  p->shown = NULL;
}

/** False when out of memory: numbers are told, and the sample later. */
static bool begin_sample(gw_presence *p) {
  p->sample = gws_sample_new(p->channel->ns->presence_sample);
  if (p->sample == NULL) return false;
  gws_sample_fill(p->sample, p);
  p->shown = roster_of(p->sample);
  return p->shown != NULL;
}

static bool turn(gw_presence *p, uint32_t mode) {
  gw_channel *ch = p->channel;
  gw_stat_add(&ch->hub->stats.presence_modes_total, 1);
  gws_hub_log(ch->hub, GWS_LOG_INFO, "presence.mode",
              "channel=%u mode=%u was=%u clients=%u", ch->number, mode, p->mode,
              p->num_now);
  end_sample(p);
  commit_all(p);
  p->mode = mode;
  bool is_good = mode != GW_PRESENCE_MODE_SAMPLED || begin_sample(p);
  step(p);
  gws_fanout_roster_anew(ch);
  gw_roster *members = gws_presence_roster(ch);
  gws_follow_send_roster(ch, members, NULL);
  gws_roster_unref(members);
  return is_good;
}

static bool flush(gw_presence *p) {
  uint32_t mode = wanted_mode(p);
  if (mode != p->mode) return turn(p, mode);
  if (is_list(p->mode)) return flush_list(p);
  if (mode == GW_PRESENCE_MODE_SAMPLED && p->sample == NULL)
    p->sample = gws_sample_new(p->channel->ns->presence_sample);
  return flush_numbers(p) &&
         (mode != GW_PRESENCE_MODE_SAMPLED || p->sample != NULL);
}

void gws_presence_on_timer(gw_presence *p) {
  gw_channel *ch = p->channel;
  if (!flush(p)) {
    gws_hub_nomem(ch->hub);
    gws_hub_set_timer(ch->hub, &p->timer, gws_presence_interval_ms(p));
    return;
  }
  gws_channel_touch(ch);
}
