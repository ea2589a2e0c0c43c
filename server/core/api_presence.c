/* SPDX-License-Identifier: MIT */
/* api_presence.c - who is in a channel, as it was told to subscribers, and where
 * a user is. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/condition.h"
#include "server/core/groups.h"
#include "server/core/mem.h"
#include "server/core/presence.h"

#define MEMBERS_DEFAULT 100u
#define PLACES_DEFAULT  1000u
#define STATES_MAX      1000u
#define CONDITIONS_MAX  16u

/** Members that one request looks at: more take as many requests, so that none
 * holds a worker up for long. */
#define MEMBERS_LOOKED_AT 10000u

/** The channel at its owner, if anybody was ever there; NULL. */
static gw_channel *find_channel(const gw_hub *h, const char *channel) {
  gw_view name = gw_view_of(channel);
  gw_channel *ch =
      gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
  return ch != NULL && ch->presence != NULL ? ch : NULL;
}

/* ---- what is asked for --------------------------------------------------------- */

typedef struct query {
  const gw_hub *h;
  const gw_channel *ch;
  const Godwit__Api__V1__PresenceRequest *q;
  bool is_trusted;
  gws_condition where[CONDITIONS_MAX];
  size_t num_where;
} query;

static void query_deinit(query *q) {
  for (size_t i = 0; i < q->num_where; i++)
    gws_json_free(q->where[i].value);
}

static uint32_t add_condition(query *q, const Godwit__Api__V1__Condition *c) {
  bool needs_value = c->is != GODWIT__API__V1__COMPARISON__EXISTS &&
                     c->is != GODWIT__API__V1__COMPARISON__ABSENT;
  if (c->is > GODWIT__API__V1__COMPARISON__ABSENT) return GW_CODE_BAD_REQUEST;
  json_t *value = NULL;
  if (needs_value) {
    const char *text = c->value != NULL ? c->value->text : "null";
    value = gws_json_read(gw_view_of(text));
    if (value == NULL) return GW_CODE_BAD_REQUEST;
  }
  q->where[q->num_where++] = (gws_condition){c->field, c->is, value};
  return GW_CODE_OK;
}

static uint32_t query_init(query *q, const char **why) {
  const Godwit__Api__V1__PresenceRequest *r = q->q;
  uint32_t code = GW_CODE_OK;
  if (r->n_where > CONDITIONS_MAX) {
    *why = "there may be 16 conditions";
    return GW_CODE_TOO_BIG;
  }
  for (size_t i = 0; i < r->n_where && code == GW_CODE_OK; i++)
    code = add_condition(q, r->where[i]);
  if (code != GW_CODE_OK) *why = "a condition is not sound";
  return code;
}

static bool is_data_asked_for(const query *q, const gw_presence_member *m) {
  if (q->num_where == 0) return true;
  json_t *value = m->json.len != 0 ? gws_json_read(m->json) : NULL;
  bool holds = gws_conditions_hold(q->where, q->num_where, value);
  gws_json_free(value);
  return holds;
}

static bool is_asked_for(const query *q, const gw_presence_member *m) {
  const Godwit__Api__V1__PresenceRequest *r = q->q;
  gw_view state = gw_view_of(r->state), user = gw_view_of(r->user);
  if (state.len != 0 && !gw_view_eq(gws_presence_state(m->state), state))
    return false;
  if (user.len != 0 && !gw_view_eq(m->user, user)) return false;
  if (*r->group != '\0' &&
      gws_group_find(gws_groups_find(q->h, gw_view_of(r->group)), m->user) ==
          GWS_NO_ROLE)
    return false;
  return is_data_asked_for(q, m);
}

/** A member as the caller may see it. */
static bool read_member(const query *q, const gw_member *m,
                        gw_presence_member *to) {
  int err = q->is_trusted
                ? gw_decode_presence_member(gw_buf_payload(m->told), to)
                : gws_presence_decode(q->ch, m->told, to);
  return err == 0;
}

/* ---- presence -------------------------------------------------------------------- */

static void add_member(const gw_presence_member *m, gws_reply *r) {
  char *space = gw_mem_alloc(m->user.len + m->state.len + m->json.len + 3),
       *at = space;
  if (space == NULL) {
    r->failed = true;
    return;
  }
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  Godwit__Api__V1__Member one = GODWIT__API__V1__MEMBER__INIT;
  Godwit__Api__V1__Member *all[] = {&one};
  Godwit__Api__V1__PresenceReply reply = GODWIT__API__V1__PRESENCE_REPLY__INIT;
  one.client = m->client;
  one.user = gws_api_text(m->user, &at);
  one.state = gws_api_text(m->state, &at);
  json.text = gws_api_text(m->json, &at);
  one.data =
      (ProtobufCBinaryData){m->data.len, (uint8_t *)(uintptr_t)m->data.data};
  if (m->json.len != 0) one.json = &json;
  one.since_ms = m->since_ms;
  reply.members = all;
  reply.n_members = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(space);
}

static int by_client(const void *a, const void *b) {
  uint64_t x = (*(gw_member *const *)a)->client;
  uint64_t y = (*(gw_member *const *)b)->client;
  return (x > y) - (x < y);
}

/** Those that are told and follow a client, in order; NULL: no memory. */
static gw_member **members_after(const gw_presence *p, uint64_t after,
                                 size_t *num) {
  size_t max = HASH_COUNT(p->members);
  gw_member **all = gw_mem_alloc((max + 1u) * sizeof(gw_member *));
  *num = 0;
  if (all == NULL) return NULL;
  for (gw_member *m = p->members; m != NULL; m = m->hh.next) {
    if (m->told != NULL && m->client > after) all[(*num)++] = m;
  }
  qsort(all, *num, sizeof(gw_member *), by_client);
  return all;
}

/** Returns the last that was looked at, if others are left; 0. */
static uint64_t add_members(const query *q, gw_member *const *all, size_t num,
                            gws_reply *r) {
  size_t limit = q->q->limit != 0 ? q->q->limit : MEMBERS_DEFAULT;
  gw_presence_member m;
  for (size_t i = 0; i < num; i++) {
    if (i == MEMBERS_LOOKED_AT) return all[i - 1]->client;
    if (!read_member(q, all[i], &m) || !is_asked_for(q, &m)) continue;
    add_member(&m, r);
    if (--limit == 0) return i + 1 < num ? all[i]->client : 0;
  }
  return 0;
}

/** Who is of a group is not for everybody to find out. */
static bool may_see_group(const gw_hub *h, const gw_caller *caller,
                          const char *group) {
  if (caller->is_trusted || *group == '\0') return true;
  return caller->is_known &&
         gws_groups_may(h, gw_view_of(group), caller->user, GW_MAY_MEMBERS);
}

uint32_t gws_api_presence(gw_hub *h, const gw_caller *caller,
                          const ProtobufCMessage *request, gws_reply *r) {
  query q = {
      .h = h, .q = (const void *)request, .is_trusted = caller->is_trusted};
  Godwit__Api__V1__PresenceReply reply = GODWIT__API__V1__PRESENCE_REPLY__INIT;
  size_t num;
  q.ch = find_channel(h, q.q->channel);
  if (!may_see_group(h, caller, q.q->group)) return GW_CODE_PERMISSION_DENIED;
  uint32_t code = query_init(&q, &r->why);
  gw_member **all = NULL;
  if (code == GW_CODE_OK && q.ch != NULL) {
    all = members_after(q.ch->presence, q.q->after, &num);
    if (all == NULL) code = GW_CODE_INTERNAL;
  }
  if (all != NULL) {
    reply.version = q.ch->presence->version;
    reply.next = add_members(&q, all, num, r);
    gws_reply_add(r, &reply.base);
  }
  gw_mem_free(all);
  query_deinit(&q);
  return code;
}

/* ---- presence_stats ---------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  const gw_tally_row *x = *(gw_tally_row *const *)a;
  const gw_tally_row *y = *(gw_tally_row *const *)b;
  if (x->num != y->num) return x->num < y->num ? 1 : -1;
  size_t len = x->len < y->len ? x->len : y->len;
  int order = memcmp(x->name, y->name, len);
  return order != 0 ? order : (int)x->len - (int)y->len;
}

static void add_state(const gw_tally_row *row, gws_reply *r) {
  char name[GW_MAX_STATE_BYTES + 1], *at = name;
  Godwit__Api__V1__StateCount one = GODWIT__API__V1__STATE_COUNT__INIT;
  Godwit__Api__V1__StateCount *all[] = {&one};
  Godwit__Api__V1__PresenceStatsReply reply =
      GODWIT__API__V1__PRESENCE_STATS_REPLY__INIT;
  one.state = gws_api_text(gws_tally_name(row), &at);
  one.clients = row->num;
  reply.states = all;
  reply.n_states = 1;
  gws_reply_add(r, &reply.base);
}

static void add_states(const gw_tally *states, gws_reply *r) {
  size_t max = HASH_COUNT(states->rows), num = 0;
  gw_tally_row **rows = gw_mem_alloc((max + 1u) * sizeof(gw_tally_row *));
  if (rows == NULL) {
    r->failed = true;
    return;
  }
  for (gw_tally_row *row = states->rows; row != NULL; row = row->hh.next) {
    if (row->num != 0) rows[num++] = row;
  }
  qsort(rows, num, sizeof(gw_tally_row *), by_number);
  for (size_t i = 0; i < num && i < STATES_MAX; i++)
    add_state(rows[i], r);
  gw_mem_free(rows);
}

static const char *mode_name(uint32_t mode) {
  static const char *const names[] = {"full", "ids", "counts", "sampled"};
  return names[mode];
}

uint32_t gws_api_presence_stats(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PresenceStatsRequest *q = (const void *)request;
  const gw_channel *ch = find_channel(h, q->channel);
  Godwit__Api__V1__PresenceStatsReply reply =
      GODWIT__API__V1__PRESENCE_STATS_REPLY__INIT;
  (void)caller;
  if (ch == NULL) return GW_CODE_OK;
  gw_presence_numbers numbers = gws_presence_numbers(ch);
  reply.version = gws_presence_version(ch);
  reply.clients = numbers.clients;
  reply.users = numbers.users;
  reply.mode = (char *)(uintptr_t)mode_name(gws_presence_mode(ch));
  gws_reply_add(r, &reply.base);
  add_states(&ch->presence->states, r);
  return GW_CODE_OK;
}

/* ---- presence_of ------------------------------------------------------------------- */

static void add_place(const gw_tally_row *row, gws_reply *r) {
  char user[GW_MAX_USER_BYTES + 1], channel[GW_MAX_CHANNEL_BYTES + 1];
  char *user_at = user, *channel_at = channel;
  Godwit__Api__V1__Place one = GODWIT__API__V1__PLACE__INIT;
  Godwit__Api__V1__Place *all[] = {&one};
  Godwit__Api__V1__PresenceOfReply reply =
      GODWIT__API__V1__PRESENCE_OF_REPLY__INIT;
  one.user = gws_api_text(gws_tally_name(row), &user_at);
  one.channel = gws_api_text(gws_channel_name(row->channel), &channel_at);
  one.clients = row->num;
  reply.places = all;
  reply.n_places = 1;
  gws_reply_add(r, &reply.base);
}

static void add_user(const gw_hub *h, gw_view user, size_t *left,
                     gws_reply *r) {
  for (const gw_tally_row *row = gws_tally_first_of(h, &h->present, user);
       row != NULL && *left != 0; row = gws_tally_next_of(row)) {
    if (row->num == 0) continue; /* not told yet, or gone */
    add_place(row, r);
    (*left)--;
  }
}

static bool may_ask(const gw_hub *h, const gw_caller *caller,
                    const Godwit__Api__V1__PresenceOfRequest *q) {
  if (caller->is_trusted) return true;
  if (!caller->is_known) return false;
  if (*q->user != '\0') return gw_view_eq(gw_view_of(q->user), caller->user);
  return gws_groups_may(h, gw_view_of(q->group), caller->user, GW_MAY_PRESENCE);
}

uint32_t gws_api_presence_of(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PresenceOfRequest *q = (const void *)request;
  size_t left = q->limit != 0 ? q->limit : PLACES_DEFAULT;
  if ((*q->user != '\0') == (*q->group != '\0')) {
    r->why = "either a user or a group";
    return GW_CODE_BAD_REQUEST;
  }
  if (!may_ask(h, caller, q)) return GW_CODE_PERMISSION_DENIED;
  if (*q->user != '\0') {
    add_user(h, gw_view_of(q->user), &left, r);
    return GW_CODE_OK;
  }
  const gw_group *g = gws_groups_find(h, gw_view_of(q->group));
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  if (g == NULL) return GW_CODE_NO_SUCH_GROUP;
  while (left != 0 && gws_group_next(g, &walk, &m))
    add_user(h, m.user, &left, r);
  return GW_CODE_OK;
}

static int by_place(const void *a, const void *b) {
  const Godwit__Api__V1__Place *x = *(Godwit__Api__V1__Place *const *)a;
  const Godwit__Api__V1__Place *y = *(Godwit__Api__V1__Place *const *)b;
  int order = strcmp(x->user, y->user);
  return order != 0 ? order : strcmp(x->channel, y->channel);
}

void gws_api_presence_of_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all) {
  Godwit__Api__V1__PresenceOfReply *reply = (void *)all;
  (void)request;
  if (reply->n_places == 0) return;
  qsort(reply->places, reply->n_places, sizeof(Godwit__Api__V1__Place *),
        by_place);
}
