/* SPDX-License-Identifier: MIT */
/* presence_copy.c - what was told of a presence: as a snapshot for subscribers,
 * as a roster for workers that follow, and there. */
#include "server/core/channel.h"
#include "server/core/fanout.h"
#include "server/core/pack.h"
#include "server/core/presence.h"
#include "server/core/sample.h"

/* ---- facts --------------------------------------------------------------- */

gw_presence_numbers gws_presence_numbers(const gw_channel *ch) {
  return ch->presence != NULL ? ch->presence->numbers
                              : (gw_presence_numbers){0, 0};
}

uint32_t gws_presence_mode(const gw_channel *ch) {
  return ch->presence != NULL ? ch->presence->mode : ch->ns->presence_mode;
}

uint64_t gws_presence_version(const gw_channel *ch) {
  return ch->presence == NULL ? 0 : ch->presence->version;
}

int gws_presence_decode(const gw_channel *ch, const gw_buf *member,
                        gw_presence_member *m) {
  int err = gw_decode_presence_member(gw_buf_payload(member), m);
  if (err == 0 && ch->ns->presence_mode == GW_PRESENCE_MODE_IDS)
    *m = (gw_presence_member){.client = m->client, .user = m->user};
  return err;
}

/* ---- rosters --------------------------------------------------------------- */

static uint32_t num_told(const gw_presence *p) {
  uint32_t num = 0;
  for (const gw_member *m = p->members; m != NULL; m = m->hh.next)
    num += m->told != NULL;
  return num;
}

static gw_roster *roster_of_all(const gw_presence *p) {
  gw_roster *r = gws_roster_new(num_told(p));
  for (gw_member *m = p->members; r != NULL && m != NULL; m = m->hh.next) {
    if (m->told != NULL) gws_roster_put(r, m->client, gw_buf_ref(m->told));
  }
  return r;
}

gw_roster *gws_presence_roster(const gw_channel *ch) {
  const gw_presence *p = ch->presence;
  if (p == NULL) return gws_roster_new(0);
  bool is_owned = ch->state == GWS_CHANNEL_OWNED;
  if (is_owned && p->shown != NULL) return gws_roster_ref(p->shown);
  if (is_owned && (p->mode == GW_PRESENCE_MODE_COUNTS ||
                   p->mode == GW_PRESENCE_MODE_SAMPLED))
    return gws_roster_new(0);
  return roster_of_all(p);
}

/* ---- snapshots --------------------------------------------------------------- */

/** Members from the walk's place on that make up one part. */
struct part {
  const gw_roster *roster;
  uint32_t at;
  uint32_t num;
  size_t room;
};

static bool next_part(struct part *part, size_t max_bytes) {
  part->at += part->num;
  part->num = 0;
  part->room = 0;
  for (uint32_t i = part->at; i < part->roster->num; i++) {
    if (part->room >= max_bytes) break;
    part->room += part->roster->entries[i].member->len + 8u;
    part->num++;
  }
  return part->num != 0;
}

/** Members as they are told, one after the other; items says where each is. */
static bool put_members(const gw_channel *ch, const struct part *part,
                        gw_out *out, gw_view *items) {
  for (uint32_t i = 0; i < part->num; i++) {
    gw_presence_member m;
    const gw_buf *member = part->roster->entries[part->at + i].member;
    size_t from = out->len;
    if (gws_presence_decode(ch, member, &m) < 0 ||
        gw_encode_presence_member(out, NULL, &m) < 0)
      return false;
    items[i] = (gw_view){out->data + from, out->len - from};
  }
  return true;
}

/** The same without a copy, where each is told as it is kept. */
static void view_members(const struct part *part, gw_view *items) {
  for (uint32_t i = 0; i < part->num; i++)
    items[i] = gw_buf_payload(part->roster->entries[part->at + i].member);
}

static gw_buf *encode_part(gw_channel *ch, const struct part *part,
                           const gw_view *items) {
  gw_out *out = gws_hub_scratch(ch->hub, GWS_SCRATCH_MIN + part->room);
  gw_presence_numbers numbers = gws_presence_numbers(ch);
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT, .channel = ch->number};
  gw_presence_snapshot msg = {.version = gws_presence_version(ch),
                              .members = {.items = items, .num = part->num},
                              .more = part->at + part->num < part->roster->num,
                              .mode = gws_presence_mode(ch),
                              .clients = numbers.clients,
                              .users = numbers.users};
  if (out == NULL || gw_encode_presence_snapshot(out, &head, &msg) < 0)
    return NULL;
  return gws_may_pack(gw_buf_new((gw_view){out->data, out->len}, false),
                      &ch->ns->packing);
}

static gw_buf *make_part(gw_channel *ch, const struct part *part) {
  bool is_ids = ch->ns->presence_mode == GW_PRESENCE_MODE_IDS;
  gw_view *items = gw_mem_alloc((part->num + 1u) * sizeof *items);
  gw_out members = {.cap = is_ids ? part->room : 0};
  gw_buf *b = NULL;
  if (is_ids) members.data = gw_mem_alloc(members.cap + 1u);
  bool is_good = items != NULL && (!is_ids || members.data != NULL);
  if (is_good && is_ids)
    is_good = put_members(ch, part, &members, items);
  else if (is_good)
    view_members(part, items);
  if (is_good) b = encode_part(ch, part, items);
  gw_mem_free(members.data);
  gw_mem_free(items);
  return b;
}

static gw_snapshot *build(gw_channel *ch, const gw_roster *roster) {
  size_t max_bytes = gws_hub_chunk_bytes(ch->hub);
  struct part part = {.roster = roster};
  uint32_t num = 0;
  while (next_part(&part, max_bytes))
    num++;
  if (num == 0) num = 1; /* nobody is told as well */
  gw_snapshot *s = gw_mem_alloc(sizeof *s + num * sizeof s->parts[0]);
  if (s == NULL) return NULL;
  atomic_init(&s->refs, 1);
  s->version = gws_presence_version(ch);
  s->num_parts = 0;
  part = (struct part){.roster = roster};
  while (s->num_parts < num) {
    (void)next_part(&part, max_bytes);
    gw_buf *b = make_part(ch, &part);
    if (b == NULL) {
      gws_snapshot_unref(s);
      return NULL;
    }
    s->parts[s->num_parts++] = b;
  }
  return s;
}

gw_snapshot *gws_presence_snapshot(gw_channel *ch) {
  gw_presence *p = ch->presence;
  if (p != NULL && p->snapshot != NULL) return gws_snapshot_ref(p->snapshot);
  gw_roster *roster = gws_presence_roster(ch);
  gw_snapshot *s = roster == NULL ? NULL : build(ch, roster);
  gws_roster_unref(roster);
  if (s != NULL && p != NULL) p->snapshot = gws_snapshot_ref(s);
  return s;
}

void gws_presence_drop_snapshot(gw_presence *p) {
  gws_snapshot_unref(p->snapshot);
  p->snapshot = NULL;
}

void gws_presence_free(gw_channel *ch) {
  gw_presence *p = ch->presence;
  if (p == NULL) return;
  gw_wheel_cancel(&ch->hub->wheel, &p->timer);
  gws_presence_drop_snapshot(p);
  gws_sample_free(p->sample);
  gws_roster_unref(p->shown);
  while (p->members != NULL)
    gws_member_forget(p->members);
  gw_mem_free(p);
  ch->presence = NULL;
}

/* ---- at a follower ------------------------------------------------------- */

/** Take one change over. */
static int put(gw_channel *ch, const gw_roster_entry *e) {
  gw_member *m = gws_member_find(ch, e->client);
  if (e->member == NULL) {
    if (m != NULL) gws_member_forget(m);
    return 0;
  }
  if (m == NULL) m = gws_member_add(ch, e->client);
  if (m == NULL) return GW_ERR_NOMEM;
  gw_buf_unref(m->told);
  m->told = gw_buf_ref(e->member);
  return 0;
}

static int put_all(gw_channel *ch, const gw_presence_news *news,
                   const gw_roster *r) {
  gw_presence *p = gws_presence_get(ch);
  if (p == NULL) return GW_ERR_NOMEM;
  for (uint32_t i = 0; i < r->num; i++) {
    int err = put(ch, &r->entries[i]);
    if (err < 0) return err;
  }
  p->version = news->version;
  p->numbers = news->numbers;
  p->mode = news->mode;
  gws_presence_drop_snapshot(p);
  return 0;
}

int gws_presence_load(gw_channel *ch, const gw_presence_news *news,
                      const gw_roster *members) {
  gws_presence_free(ch);
  return news->version == 0 ? 0 : put_all(ch, news, members);
}

int gws_presence_apply(gw_channel *ch, const gw_presence_news *news,
                       const gw_roster *changes, gw_buf *diff) {
  int err = news->is_whole ? gws_presence_load(ch, news, changes)
                           : put_all(ch, news, changes);
  if (err < 0) return err;
  if (news->is_whole)
    gws_fanout_roster_anew(ch);
  else
    gws_fanout_roster(ch, diff);
  return 0;
}
