/* SPDX-License-Identifier: MIT */
/* presence.c - the members of a channel at its owner: enter, update, leave, and
 * what time makes of them. */
#include "server/core/presence.h"

#include <stdlib.h>
#include <string.h>

#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/merge_patch.h"

/* ---- members ------------------------------------------------------------- */

gw_presence *gws_presence_get(gw_channel *ch) {
  if (ch->presence != NULL) return ch->presence;
  gw_presence *p = gw_mem_zalloc(sizeof *p);
  if (p == NULL) return NULL;
  p->channel = ch;
  p->mode = ch->ns->presence_mode;
  p->users = (gw_tally){.channel = ch, .index = &ch->hub->present};
  p->states = (gw_tally){.channel = ch};
  p->timer.kind = GWS_TIMER_PRESENCE;
  ch->presence = p;
  return p;
}

gw_member *gws_member_find(const gw_channel *ch, uint64_t client) {
  gw_member *m;
  if (ch->presence == NULL) return NULL;
  HASH_FIND_BYHASHVALUE(hh, ch->presence->members, &client, sizeof client,
                        gws_hub_id_hash(ch->hub, client), m);
  return m;
}

gw_member *gws_member_add(gw_channel *ch, uint64_t client) {
  gw_presence *p = gws_presence_get(ch);
  gw_member *m = p == NULL ? NULL : gw_mem_zalloc(sizeof *m);
  if (m == NULL) return NULL;
  m->client = client;
  m->channel = ch;
  m->grace.kind = GWS_TIMER_MEMBER;
  uint32_t hash = gws_hub_id_hash(ch->hub, client);
  HASH_ADD_BYHASHVALUE(hh, p->members, client, sizeof client, hash, m);
  if (GWS_TABLE_HAS(m)) return m;
  gw_mem_free(m);
  return NULL;
}

void gws_member_forget(gw_member *m) {
  gw_presence *p = m->channel->presence;
  gw_wheel_cancel(&m->channel->hub->wheel, &m->grace);
  if (m->is_changed) DL_DELETE(p->changed, m);
  HASH_DEL(p->members, m);
  gws_tally_drop(&p->users, m->user);
  gws_tally_drop(&p->users, m->told_user);
  gws_tally_drop(&p->states, m->state);
  gw_buf_unref(m->said);
  gw_buf_unref(m->now);
  gw_buf_unref(m->told);
  gw_mem_free(m);
}

bool gws_member_is_over(const gw_member *m) {
  return m->said == NULL && m->now == NULL && m->told == NULL;
}

static void replace(gw_buf **place, gw_buf *b) {
  gw_buf_unref(*place);
  *place = b;
}

/* ---- connections of a member --------------------------------------------- */

/** Whether a later connection of the client speaks for the member. */
static bool is_outdated(const gw_member *m, const gw_presence_command *cmd) {
  return GW_GUARD(PRESENCE_ORDER) && m->connections[0] != 0 &&
         m->connections[0] != cmd->connection && cmd->opened_ms < m->opened_ms;
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

/** Behind the one that speaks for the member. Workers' clocks differ by a turn of
 * their loops, so one that was opened last may seem to be older: what it says is
 * not heard then, but as long as it is there, the member does not leave. */
static void put_connection_behind(gw_member *m, uint64_t connection) {
  uint64_t first = m->connections[0];
  put_connection_first(m, connection);
  put_connection_first(m, first);
}

/* ---- what is ---------------------------------------------------------------- */

static void mark_changed(gw_member *m) {
  gw_channel *ch = m->channel;
  gw_presence *p = ch->presence;
  ch->used_ms = ch->hub->now_ms;
  if (m->is_changed) return;
  m->is_changed = true;
  DL_APPEND(p->changed, m);
  if (!gw_timer_is_set(&p->timer))
    gws_hub_set_timer(ch->hub, &p->timer, gws_presence_interval_ms(p));
}

/** A member's new face, and the row of its state. Takes both references; both
 * NULL: it is not there. */
static void become(gw_member *m, gw_buf *face, gw_tally_row *state) {
  gw_presence *p = m->channel->presence;
  gw_stats *stats = &m->channel->hub->stats;
  if (m->now == NULL && face != NULL) {
    p->num_now++;
    gw_stat_add(&stats->members, 1);
  } else if (m->now != NULL && face == NULL) {
    p->num_now--;
    gw_stat_sub(&stats->members, 1);
  }
  if (m->state != NULL) m->state->num--;
  if (state != NULL) state->num++;
  gws_tally_drop(&p->states, m->state);
  m->state = state;
  replace(&m->now, face);
  mark_changed(m);
}

/** The encoded member; NULL when out of memory. */
static gw_buf *encode_member(gw_hub *h, const gw_presence_member *msg) {
  size_t room = GWS_SCRATCH_MIN + msg->data.len + msg->json.len;
  gw_out *out = gws_hub_scratch(h, room);
  if (out == NULL || gw_encode_presence_member(out, NULL, msg) < 0) return NULL;
  return gw_buf_new((gw_view){out->data, out->len}, false);
}

gw_view gws_presence_state(gw_view state) {
  return state.len != 0 ? state : gw_view_of(GW_STATE_ONLINE);
}

/** Become what a message says; false when out of memory. */
static bool become_so(gw_member *m, const gw_presence_member *msg,
                      gw_buf **face) {
  gw_presence *p = m->channel->presence;
  gw_tally_row *state =
      gws_tally_hold(&p->states, gws_presence_state(msg->state));
  *face = state != NULL ? encode_member(m->channel->hub, msg) : NULL;
  if (*face == NULL) {
    gws_tally_drop(&p->states, state);
    return false;
  }
  become(m, *face, state);
  return true;
}

/* ---- enter and update --------------------------------------------------------- */

/** What is left of what was said before, with a patch applied. *text is what to
 * free when msg is done with. */
static uint32_t merge(const gw_member *m, const gw_presence_set *set,
                      gw_presence_member *msg, char **text) {
  gw_presence_member before = {.client = 0};
  if (m->said != NULL &&
      gw_decode_presence_member(gw_buf_payload(m->said), &before) < 0)
    return GW_CODE_INTERNAL;
  if (set->state.len == 0) msg->state = before.state;
  msg->data = before.data;
  msg->json = before.json;
  if (set->json.len == 0) return GW_CODE_OK;
  int err = gws_merge_patch(before.json, set->json, text);
  if (err < 0)
    return err == GW_ERR_NOMEM ? GW_CODE_INTERNAL : GW_CODE_BAD_REQUEST;
  msg->data = (gw_view){NULL, 0};
  msg->json = gw_view_of(*text);
  return GW_CODE_OK;
}

static bool is_too_big(const gw_hub *h, const gw_presence_member *msg) {
  uint32_t max = h->settings->limits.max_presence_bytes;
  return max != 0 && msg->state.len + msg->data.len + msg->json.len > max;
}

/** Become what a message of a user says, the user's row included. */
static bool become_as(gw_member *m, const gw_presence_member *msg,
                      gw_buf **face) {
  gw_presence *p = m->channel->presence;
  gw_tally_row *user = NULL;
  if (msg->user.len != 0) {
    user = gws_tally_hold(&p->users, msg->user);
    if (user == NULL) return false;
  }
  if (!become_so(m, msg, face)) {
    gws_tally_drop(&p->users, user);
    return false;
  }
  gws_tally_drop(&p->users, m->user);
  m->user = user;
  return true;
}

static uint32_t say(gw_member *m, const gw_presence_command *cmd) {
  gw_hub *h = m->channel->hub;
  const gw_presence_set *set = &cmd->msg;
  bool is_new = m->now == NULL && m->told == NULL;
  gw_presence_member msg = {.client = cmd->client,
                            .user = cmd->user,
                            .state = set->state,
                            .data = set->data,
                            .json = set->json,
                            .since_ms = is_new ? h->wall_ms : m->since_ms};
  char *text = NULL;
  gw_buf *face;
  uint32_t code = set->merge ? merge(m, set, &msg, &text) : GW_CODE_OK;
  if (code == GW_CODE_OK && is_too_big(h, &msg)) code = GW_CODE_TOO_BIG;
  if (code == GW_CODE_OK && !become_as(m, &msg, &face)) code = GW_CODE_INTERNAL;
  free(text);
  if (code != GW_CODE_OK) return code;
  m->since_ms = msg.since_ms;
  replace(&m->said, gw_buf_ref(face));
  return code;
}

uint32_t gws_presence_set(gw_channel *ch, const gw_presence_command *cmd) {
  gw_hub *h = ch->hub;
  gw_member *m = gws_member_find(ch, cmd->client);
  if (m != NULL && is_outdated(m, cmd)) {
    put_connection_behind(m, cmd->connection);
    return GW_CODE_OK;
  }
  if (m == NULL) m = gws_member_add(ch, cmd->client);
  uint32_t code = m != NULL ? say(m, cmd) : GW_CODE_INTERNAL;
  if (code == GW_CODE_INTERNAL) gws_hub_nomem(h);
  if (code != GW_CODE_OK) {
    if (m != NULL && gws_member_is_over(m)) gws_member_forget(m);
    return code;
  }
  m->opened_ms = cmd->opened_ms;
  if (GW_GUARD(GRACE_CANCEL)) gw_wheel_cancel(&h->wheel, &m->grace);
  put_connection_first(m, cmd->connection);
  return GW_CODE_OK;
}

/* ---- leave ---------------------------------------------------------------------- */

static void leave(gw_member *m) {
  gw_wheel_cancel(&m->channel->hub->wheel, &m->grace);
  memset(m->connections, 0, sizeof m->connections);
  replace(&m->said, NULL);
  become(m, NULL, NULL);
}

void gws_presence_leave(gw_channel *ch, uint64_t client, uint64_t connection) {
  gw_member *m = gws_member_find(ch, client);
  if (m == NULL || m->said == NULL) return;
  if (m->connections[0] == connection || m->connections[0] == 0)
    leave(m);
  else
    drop_connection(m, connection);
}

void gws_presence_lost(gw_channel *ch, uint64_t client, uint64_t connection) {
  gw_member *m = gws_member_find(ch, client);
  if (m == NULL || m->said == NULL) return;
  drop_connection(m, connection);
  bool is_lost = m->connections[0] == 0 || !GW_GUARD(PRESENCE_LOST);
  if (is_lost && !gw_timer_is_set(&m->grace))
    gws_hub_set_timer(ch->hub, &m->grace, ch->ns->presence_grace_ms);
}

void gws_presence_on_grace(gw_member *m) {
  if (GW_GUARD(GRACE_END)) leave(m);
}

bool gws_presence_is_used(const gw_channel *ch) {
  return ch->presence != NULL && ch->presence->members != NULL;
}

/* ---- time passes ------------------------------------------------------------------ */

/** The member that a connection speaks for. */
static gw_member *spoken_for(const gw_channel *ch,
                             const gw_presence_command *cmd) {
  gw_member *m = gws_member_find(ch, cmd->client);
  bool is_its =
      m != NULL && m->said != NULL && m->connections[0] == cmd->connection;
  return is_its ? m : NULL;
}

/** What the client said, to be changed and encoded again. */
static bool read_said(const gw_member *m, gw_presence_member *msg) {
  return gw_decode_presence_member(gw_buf_payload(m->said), msg) == 0;
}

void gws_presence_idle(gw_channel *ch, const gw_presence_command *cmd) {
  const gw_transition *t = &ch->ns->presence_transitions.items[cmd->transition];
  gw_member *m = spoken_for(ch, cmd);
  gw_presence_member msg;
  gw_buf *face;
  if (m == NULL || m->now == NULL ||
      !gw_view_eq(gws_tally_name(m->state), gw_view_of(t->from)) ||
      !read_said(m, &msg))
    return;
  msg.state = gw_view_of(t->to);
  if (strcmp(t->to, GW_STATE_OFFLINE) == 0)
    become(m, NULL, NULL);
  else if (!become_so(m, &msg, &face))
    gws_hub_nomem(ch->hub); /* stays as it is; the next one may do it */
}

void gws_presence_active(gw_channel *ch, const gw_presence_command *cmd) {
  gw_member *m = spoken_for(ch, cmd);
  gw_presence_member msg;
  gw_buf *face;
  if (m == NULL || m->now == m->said || !read_said(m, &msg)) return;
  /* One that was away for so long that it left, enters now. */
  if (m->now == NULL && m->told == NULL) msg.since_ms = ch->hub->wall_ms;
  if (!become_so(m, &msg, &face)) {
    gws_hub_nomem(ch->hub);
    return;
  }
  m->since_ms = msg.since_ms;
  replace(&m->said, gw_buf_ref(face));
}
