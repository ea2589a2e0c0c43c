/* SPDX-License-Identifier: MIT */
/* presence.c - the members of a channel: enter, update, leave, and the diffs
 * that tell it. */
#include "server/core/presence.h"

#include <assert.h>
#include <string.h>

#include "server/core/channel.h"
#include "server/core/fanout.h"
#include "server/core/mail.h"

typedef struct gw_presence gw_presence;

/* ---- members ------------------------------------------------------------- */

static gw_presence *get_presence(gw_channel *ch) {
  if (ch->presence != NULL) return ch->presence;
  gw_presence *p = gw_mem_zalloc(sizeof *p);
  if (p == NULL) return NULL;
  p->channel = ch;
  p->timer.kind = GWS_TIMER_PRESENCE;
  ch->presence = p;
  return p;
}

static uint32_t hash_of(const gw_channel *ch, uint64_t client) {
  return (uint32_t)gws_hub_hash(ch->hub, &client, sizeof client);
}

static gw_member *find(const gw_channel *ch, uint64_t client) {
  gw_member *m;
  if (ch->presence == NULL) return NULL;
  HASH_FIND_BYHASHVALUE(hh, ch->presence->members, &client, sizeof client,
                        hash_of(ch, client), m);
  return m;
}

static gw_member *add(gw_channel *ch, uint64_t client) {
  gw_presence *p = get_presence(ch);
  gw_member *m = p == NULL ? NULL : gw_mem_zalloc(sizeof *m);
  if (m == NULL) return NULL;
  m->client = client;
  m->channel = ch;
  m->grace.kind = GWS_TIMER_MEMBER;
  uint32_t hash = hash_of(ch, client);
  HASH_ADD_BYHASHVALUE(hh, p->members, client, sizeof client, hash, m);
  if (GWS_TABLE_HAS(m)) return m;
  gw_mem_free(m);
  return NULL;
}

static void forget(gw_member *m) {
  gw_presence *p = m->channel->presence;
  gw_wheel_cancel(&m->channel->hub->wheel, &m->grace);
  if (m->is_changed) DL_DELETE(p->changed, m);
  HASH_DEL(p->members, m);
  gw_buf_unref(m->told);
  gw_buf_unref(m->now);
  gw_mem_free(m);
}

static void replace(gw_buf **place, gw_buf *b) {
  gw_buf_unref(*place);
  *place = b;
}

/* ---- connections of a member --------------------------------------------- */

/** Whether a later connection of the client speaks for the member. */
static bool is_outdated(const gw_member *m, const gw_presence_command *cmd) {
  return m->connections[0] != 0 && m->connections[0] != cmd->connection &&
         cmd->opened_ms < m->opened_ms;
}

static void drop_connection(gw_member *m, uint64_t connection) {
  unsigned kept = 0;
  for (unsigned i = 0; i < GWS_MEMBER_CONNECTIONS; i++) {
    if (m->connections[i] != connection)
      m->connections[kept++] = m->connections[i];
  }
  while (kept < GWS_MEMBER_CONNECTIONS)
    m->connections[kept++] = 0;
}

static void put_connection_first(gw_member *m, uint64_t connection) {
  drop_connection(m, connection);
  for (unsigned i = GWS_MEMBER_CONNECTIONS - 1; i > 0; i--)
    m->connections[i] = m->connections[i - 1];
  m->connections[0] = connection;
}

/* ---- gathering changes --------------------------------------------------- */

static void mark_changed(gw_member *m) {
  gw_channel *ch = m->channel;
  gw_presence *p = ch->presence;
  ch->used_ms = ch->hub->now_ms;
  if (m->is_changed) return;
  m->is_changed = true;
  DL_APPEND(p->changed, m);
  if (!gw_timer_is_set(&p->timer))
    gws_hub_set_timer(ch->hub, &p->timer, ch->ns->presence_coalesce_ms);
}

/** The encoded member; NULL when out of memory. */
static gw_buf *encode_member(gw_hub *h, const gw_presence_member *msg) {
  size_t room = GWS_SCRATCH_MIN + msg->data.len + msg->json.len;
  gw_out *out = gws_hub_scratch(h, room);
  if (out == NULL || gw_encode_presence_member(out, NULL, msg) < 0) return NULL;
  return gw_buf_new((gw_view){out->data, out->len}, false);
}

uint32_t gws_presence_set(gw_channel *ch, const gw_presence_command *cmd) {
  gw_hub *h = ch->hub;
  gw_member *m = find(ch, cmd->client);
  if (m != NULL && is_outdated(m, cmd)) return GW_CODE_OK;
  if (m == NULL) m = add(ch, cmd->client);
  bool is_new = m != NULL && m->now == NULL && m->told == NULL;
  gw_presence_member msg = {.client = cmd->client,
                            .user = cmd->user,
                            .state = cmd->msg.state,
                            .data = cmd->msg.data,
                            .json = cmd->msg.json,
                            .since_ms =
                                is_new || m == NULL ? h->wall_ms : m->since_ms};
  gw_buf *b = m == NULL ? NULL : encode_member(h, &msg);
  if (b == NULL) {
    gws_hub_nomem(h);
    if (is_new) forget(m);
    return GW_CODE_INTERNAL;
  }
  if (m->now == NULL) gw_stat_add(&h->stats.members, 1);
  m->since_ms = msg.since_ms;
  m->opened_ms = cmd->opened_ms;
  gw_wheel_cancel(&h->wheel, &m->grace);
  put_connection_first(m, cmd->connection);
  replace(&m->now, b);
  mark_changed(m);
  return GW_CODE_OK;
}

static void leave(gw_member *m) {
  gw_hub *h = m->channel->hub;
  gw_wheel_cancel(&h->wheel, &m->grace);
  gw_stat_sub(&h->stats.members, 1);
  memset(m->connections, 0, sizeof m->connections);
  replace(&m->now, NULL);
  mark_changed(m);
}

void gws_presence_leave(gw_channel *ch, uint64_t client, uint64_t connection) {
  gw_member *m = find(ch, client);
  if (m == NULL || m->now == NULL) return;
  if (m->connections[0] == connection || m->connections[0] == 0)
    leave(m);
  else
    drop_connection(m, connection);
}

void gws_presence_lost(gw_channel *ch, uint64_t client, uint64_t connection) {
  gw_member *m = find(ch, client);
  if (m == NULL || m->now == NULL) return;
  drop_connection(m, connection);
  if (m->connections[0] == 0 && !gw_timer_is_set(&m->grace))
    gws_hub_set_timer(ch->hub, &m->grace, ch->ns->presence_grace_ms);
}

void gws_presence_on_grace(gw_member *m) {
  leave(m);
}

bool gws_presence_is_used(const gw_channel *ch) {
  return ch->presence != NULL && ch->presence->members != NULL;
}

/* ---- telling ------------------------------------------------------------- */

static bool same_bytes(const gw_buf *a, const gw_buf *b) {
  return gw_view_eq(gw_buf_payload(a), gw_buf_payload(b));
}

/** Whether what is differs from what was told. */
static bool has_news(const gw_member *m) {
  if (m->told == NULL || m->now == NULL) return m->told != m->now;
  return !same_bytes(m->told, m->now);
}

/** One change, encoded at the end of out. */
static int encode_change(gw_out *out, const gw_member *m, gw_view *item) {
  gw_presence_change msg = {.kind = m->now == NULL    ? GW_PRESENCE_LEAVE
                                    : m->told == NULL ? GW_PRESENCE_ENTER
                                                      : GW_PRESENCE_UPDATE};
  const gw_buf *known = m->now != NULL ? m->now : m->told;
  int err = gw_decode_presence_member(gw_buf_payload(known), &msg.member);
  if (err < 0) return err;
  if (msg.kind == GW_PRESENCE_LEAVE)
    msg.member =
        (gw_presence_member){.client = m->client, .user = msg.member.user};
  size_t from = out->len;
  err = gw_encode_presence_change(out, NULL, &msg);
  *item = (gw_view){out->data + from, out->len - from};
  return err;
}

/** A diff in the making. */
struct diff {
  gw_out changes; /**< encoded, one after the other */
  gw_view *items; /**< where each is */
  uint32_t num;
  uint32_t max;
  gw_roster *roster;
};

static bool diff_init(struct diff *d, uint32_t max, size_t room) {
  *d = (struct diff){.max = max};
  d->changes.data = gw_mem_alloc(room);
  d->changes.cap = room;
  d->items = gw_mem_alloc(max * sizeof *d->items);
  d->roster = gws_roster_new(max);
  return d->changes.data != NULL && d->items != NULL && d->roster != NULL;
}

static void diff_deinit(struct diff *d) {
  gw_mem_free(d->changes.data);
  gw_mem_free(d->items);
  gws_roster_unref(d->roster);
}

static gw_buf *encode_diff(gw_channel *ch, const struct diff *d,
                           uint64_t version) {
  gw_out *out =
      gws_hub_scratch(ch->hub, GWS_SCRATCH_MIN + d->changes.len + d->num * 8u);
  gw_head head = {.type = GW_FRAME_PRESENCE_DIFF, .channel = ch->number};
  gw_presence_diff msg = {.version = version,
                          .changes = {.items = d->items, .num = d->num}};
  if (out == NULL || gw_encode_presence_diff(out, &head, &msg) < 0) return NULL;
  return gw_buf_new((gw_view){out->data, out->len}, false);
}

/** Room that the change of a member takes at most. */
static size_t change_room(const gw_member *m) {
  const gw_buf *known = m->now != NULL ? m->now : m->told;
  return known->len + 32u;
}

/** Take members without news off the list, and count how many with news make
 * up one diff. */
static uint32_t measure(gw_presence *p, size_t *room) {
  gw_member *m, *next;
  uint32_t num = 0;
  *room = 0;
  DL_FOREACH_SAFE(p->changed, m, next) {
    if (has_news(m)) {
      if (*room >= GW_RECOVERY_CHUNK_BYTES) break;
      *room += change_room(m);
      num++;
      continue;
    }
    DL_DELETE(p->changed, m);
    m->is_changed = false;
    if (m->now == NULL && m->told == NULL) forget(m);
  }
  return num;
}

static int gather(gw_presence *p, struct diff *d) {
  gw_member *m = p->changed;
  for (; d->num < d->max; m = m->next) {
    int err = encode_change(&d->changes, m, &d->items[d->num]);
    if (err < 0) return err;
    d->num++;
    d->roster->entries[d->roster->num++] = (gw_roster_entry){
        m->client, m->now == NULL ? NULL : gw_buf_ref(m->now)};
  }
  return 0;
}

/** To whoever outside wants to know. */
static void notify(const gw_presence *p, const gw_member *m) {
  gw_hub *h = p->channel->hub;
  const gw_buf *known = m->now != NULL ? m->now : m->told;
  gw_notice n = {.kind = GW_NOTICE_PRESENCE,
                 .client = m->client,
                 .channel = gws_channel_name(p->channel),
                 .change = m->now == NULL    ? GW_PRESENCE_LEAVE
                           : m->told == NULL ? GW_PRESENCE_ENTER
                                             : GW_PRESENCE_UPDATE,
                 .version = p->version};
  if (h->port.tell == NULL || !h->port.tells_presence ||
      gw_decode_presence_member(gw_buf_payload(known), &n.member) < 0)
    return;
  n.user = n.member.user;
  h->port.tell(h->user, &n);
}

/** What is becomes what was told. Cannot fail. */
static void commit(gw_presence *p, uint32_t num) {
  for (; num > 0; num--) {
    gw_member *m = p->changed;
    notify(p, m);
    DL_DELETE(p->changed, m);
    m->is_changed = false;
    if (m->told == NULL) p->num_told++;
    replace(&m->told, m->now == NULL ? NULL : gw_buf_ref(m->now));
    if (m->told != NULL) continue;
    p->num_told--;
    forget(m);
  }
}

static void drop_snapshot(gw_presence *p) {
  gws_snapshot_unref(p->snapshot);
  p->snapshot = NULL;
}

static void tell(gw_presence *p, const struct diff *d, gw_buf *buf) {
  gw_channel *ch = p->channel;
  p->version++;
  drop_snapshot(p);
  commit(p, d->num);
  gws_fanout_roster(ch, buf);
  gws_follow_send_roster(ch, p->version, buf, d->roster);
}

/** Tell one diff's worth. False when out of memory. */
static bool flush_one(gw_presence *p, uint32_t num, size_t room) {
  struct diff d;
  gw_buf *buf = NULL;
  if (diff_init(&d, num, room) && gather(p, &d) == 0)
    buf = encode_diff(p->channel, &d, p->version + 1);
  if (buf != NULL) tell(p, &d, buf);
  gw_buf_unref(buf);
  diff_deinit(&d);
  return buf != NULL;
}

void gws_presence_on_timer(gw_presence *p) {
  gw_channel *ch = p->channel;
  size_t room;
  uint32_t num;
  while ((num = measure(p, &room)) != 0) {
    if (flush_one(p, num, room)) continue;
    gws_hub_nomem(ch->hub);
    gws_hub_set_timer(ch->hub, &p->timer, ch->ns->presence_coalesce_ms);
    return;
  }
  gws_channel_touch(ch);
}

/* ---- the snapshot -------------------------------------------------------- */

uint32_t gws_presence_num(const gw_channel *ch) {
  return ch->presence != NULL ? ch->presence->num_told : 0;
}

uint64_t gws_presence_version(const gw_channel *ch) {
  return ch->presence == NULL ? 0 : ch->presence->version;
}

gw_roster *gws_presence_roster(const gw_channel *ch) {
  gw_presence *p = ch->presence;
  gw_roster *r = gws_roster_new(p == NULL ? 0 : p->num_told);
  if (r == NULL || p == NULL) return r;
  for (gw_member *m = p->members; m != NULL; m = m->hh.next) {
    if (m->told == NULL) continue;
    r->entries[r->num++] = (gw_roster_entry){m->client, gw_buf_ref(m->told)};
  }
  return r;
}

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
  part->room = GWS_SCRATCH_MIN;
  for (uint32_t i = part->at; i < part->roster->num; i++) {
    if (part->room >= GWS_SCRATCH_MIN + max_bytes) break;
    part->room += part->roster->entries[i].member->len + 8u;
    part->num++;
  }
  return part->num != 0;
}

static gw_buf *encode_part(gw_channel *ch, const struct part *part) {
  const gw_roster *r = part->roster;
  gw_view *items = gw_mem_alloc((part->num + 1u) * sizeof *items);
  gw_out *out = gws_hub_scratch(ch->hub, part->room);
  gw_buf *b = NULL;
  for (uint32_t i = 0; items != NULL && i < part->num; i++)
    items[i] = gw_buf_payload(r->entries[part->at + i].member);
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT, .channel = ch->number};
  gw_presence_snapshot msg = {.version = gws_presence_version(ch),
                              .members = {.items = items, .num = part->num},
                              .more = part->at + part->num < r->num};
  if (items != NULL && out != NULL &&
      gw_encode_presence_snapshot(out, &head, &msg) == 0)
    b = gw_buf_new((gw_view){out->data, out->len}, false);
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
    gw_buf *b = encode_part(ch, &part);
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

void gws_presence_free(gw_channel *ch) {
  gw_presence *p = ch->presence;
  if (p == NULL) return;
  gw_wheel_cancel(&ch->hub->wheel, &p->timer);
  drop_snapshot(p);
  while (p->members != NULL)
    forget(p->members);
  gw_mem_free(p);
  ch->presence = NULL;
}

/* ---- at a follower ------------------------------------------------------- */

/** Take one change over. */
static int put(gw_channel *ch, const gw_roster_entry *e) {
  gw_presence *p = ch->presence;
  gw_member *m = find(ch, e->client);
  if (e->member == NULL) {
    if (m == NULL) return 0;
    p->num_told--;
    forget(m);
    return 0;
  }
  if (m == NULL) m = add(ch, e->client);
  if (m == NULL) return GW_ERR_NOMEM;
  if (m->told == NULL) p->num_told++;
  replace(&m->told, gw_buf_ref(e->member));
  return 0;
}

static int put_all(gw_channel *ch, uint64_t version, const gw_roster *r) {
  gw_presence *p = get_presence(ch);
  if (p == NULL) return GW_ERR_NOMEM;
  for (uint32_t i = 0; i < r->num; i++) {
    int err = put(ch, &r->entries[i]);
    if (err < 0) return err;
  }
  p->version = version;
  drop_snapshot(p);
  return 0;
}

int gws_presence_load(gw_channel *ch, uint64_t version,
                      const gw_roster *members) {
  gws_presence_free(ch);
  return version == 0 ? 0 : put_all(ch, version, members);
}

int gws_presence_apply(gw_channel *ch, uint64_t version,
                       const gw_roster *changes, gw_buf *diff) {
  int err = put_all(ch, version, changes);
  if (err == 0) gws_fanout_roster(ch, diff);
  return err;
}
