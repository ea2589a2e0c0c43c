/* SPDX-License-Identifier: MIT */
/* presence.c - who is in a channel: what this client tells about itself, and
 * what it hears about the others. */
#include <string.h>

#include "client/internal.h"
#include "proto/guard.h"

/* ---- oneself ------------------------------------------------------------- */

int gw_client_presence_set(gw_client *c, uint32_t sub, gw_view state,
                           gw_payload payload) {
  gw__sub *s = gw__sub_by_id(c, sub);
  if (s == NULL) return GW_ERR_NOT_FOUND;
  uint32_t limit = c->limits.max_presence_bytes;
  if (limit == 0) limit = GW_MAX_PRESENCE_BYTES;
  size_t len = state.len + payload.bytes.len;
  if (state.len > GW_MAX_STATE_BYTES || len > limit) return GW_ERR_TOO_BIG;
  int err = gw_view_is_text(state) ? gw__check_payload(payload) : GW_ERR_TEXT;
  if (err < 0) return err;
  uint8_t *block = NULL;
  if (len != 0 && (block = gw__alloc(c, len)) == NULL) return GW_ERR_NOMEM;
  /* Where there are bytes there is a block. */
  /* NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker) */
  if (state.len != 0) memcpy(block, state.data, state.len);
  if (payload.bytes.len != 0)
    memcpy(block + state.len, payload.bytes.data, payload.bytes.len);
  /* NOLINTEND(clang-analyzer-core.NonNullParamChecker) */
  gw__drop(c, &s->self.block);
  s->self.block = (gw_view){block, len};
  s->self.state_len = state.len;
  s->self.type = payload.type;
  s->self.wanted = GW__SELF_PRESENT;
  s->self.dirty = true;
  gw__acted(c);
  gw__kick(c);
  return 0;
}

int gw_client_presence_leave(gw_client *c, uint32_t sub) {
  gw__sub *s = gw__sub_by_id(c, sub);
  if (s == NULL) return GW_ERR_NOT_FOUND;
  if (s->self.wanted != GW__SELF_PRESENT) return 0;
  s->self.wanted = GW__SELF_LEFT;
  s->self.dirty = true;
  gw__kick(c);
  return 0;
}

/** Shorter is no idleness, and not worth the bytes. */
#define IDLE_MIN_MS 1000u

static uint64_t idle_ms(const gw_client *c) {
  uint64_t ms = c->now - c->acted_ms;
  return ms >= IDLE_MIN_MS ? ms : 0;
}

static void put_set(gw_client *c, const gw__sub *s) {
  const gw__self *self = &s->self;
  const uint8_t *at = self->block.data;
  gw_presence_set m = {.state = {at, self->state_len}, .idle_ms = idle_ms(c)};
  if (self->block.len > self->state_len) {
    gw_view rest = {at + self->state_len, self->block.len - self->state_len};
    *(self->type == GW_PAYLOAD_JSON ? &m.json : &m.data) = rest;
  }
  gw__put(c, GW_FRAME_PRESENCE_SET, self->request, s->id,
          GW_MESSAGE_presence_set, &m);
}

static void put_self(gw_client *c, gw__sub *s) {
  gw__self *self = &s->self;
  self->dirty = false;
  self->request = gw__next_request(c);
  self->sent_ms = c->now;
  if (self->wanted == GW__SELF_LEFT)
    gw__put_nothing(c, GW_FRAME_PRESENCE_LEAVE, self->request, s->id);
  else
    put_set(c, s);
}

/** Another try, not sooner than after the base delay. */
static uint64_t later(const gw_client *c, uint32_t retry_after_ms) {
  uint32_t base = c->backoff.policy.base_ms;
  return c->now + (retry_after_ms > base ? retry_after_ms : base);
}

static void tell_refusal(gw_client *c, const gw__sub *s, uint32_t code,
                         const gw_view *reason) {
  gw_event *e = gw__events_push(c, GW_EVENT_REPLY);
  e->u.reply.sub = s->id;
  e->u.reply.code = code;
  if (reason != NULL) e->u.reply.reason = *reason;
}

static void self_refused(gw_client *c, gw__sub *s, const gw_error *error) {
  gw__self *self = &s->self;
  self->request = 0;
  if (gw__may_retry(error->code)) {
    self->dirty = true;
    self->retry_at_ms = later(c, error->retry_after_ms);
  } else if (error->code == GW_CODE_NOT_SUBSCRIBED) {
    /* The end of the subscription is on its way; it comes again with it. */
  } else if (s->number != 0 && !self->dirty) {
    self->wanted = GW__SELF_NONE;
    tell_refusal(c, s, error->code, &error->message);
  }
}

void gw__presence_ok(gw_client *c, uint32_t request) {
  for (gw__sub *s = c->subs; s != NULL && request != 0; s = s->next) {
    if (s->self.request != request) continue;
    s->self.request = 0;
    if (s->self.wanted == GW__SELF_LEFT && !s->self.dirty)
      s->self.wanted = GW__SELF_NONE;
    return;
  }
}

/* ---- the list ------------------------------------------------------------ */

/*
 * After a hole the list is asked for by PresenceGet rather than by a new
 * Subscribe: publications go on undisturbed, and the answer's version says
 * from where the diffs follow, those that wait included.
 */

static void wait_for_members(const gw_client *c, gw__sub *s) {
  s->members_due_ms = c->now + c->request_timeout_ms;
}

static void put_members_get(gw_client *c, gw__sub *s) {
  wait_for_members(c, s);
  s->members_request = gw__next_request(c);
  gw__put_nothing(c, GW_FRAME_PRESENCE_GET, s->members_request, s->id);
}

/** The list cannot be kept: it is not asked for again. */
static void give_up_members(gw_client *c, gw__sub *s, uint32_t code,
                            const gw_view *reason) {
  s->presence = false;
  s->members_due_ms = 0;
  gw__members_deinit(&s->members, &c->alloc, &c->removed);
  tell_refusal(c, s, code, reason);
}

static void too_many_members(gw_client *c, gw__sub *s) {
  give_up_members(c, s, GW_CODE_LIMIT_REACHED, GW__TEXT("too many members"));
}

typedef struct change_target {
  gw_client *c;
  const gw__sub *s;
} change_target;

static void tell_change(void *user, enum gw_presence_kind kind,
                        const gw_presence_member *m, bool alone) {
  const change_target *to = user;
  gw_event *e = gw__events_push(to->c, GW_EVENT_PRESENCE);
  e->u.presence.sub = to->s->id;
  e->u.presence.kind = kind;
  e->u.presence.member = *m;
  e->u.presence.own = m->client == to->c->client_id;
  e->u.presence.first = alone && kind == GW_PRESENCE_ENTER;
  e->u.presence.last = alone && kind == GW_PRESENCE_LEAVE;
}

/** Room for it is reserved. */
static void tell_sync(gw_client *c, gw__sub *s) {
  gw__members *ms = &s->members;
  gw_event *e = gw__events_push(c, GW_EVENT_PRESENCE_SYNC);
  e->u.presence_sync.sub = s->id;
  e->u.presence_sync.version = ms->version;
  e->u.presence_sync.num_members = ms->now.num;
  e->u.presence_sync.numbers = ms->numbers;
  e->u.presence_sync.anew = ms->untold;
  ms->untold = false;
}

static int apply_diff(gw_client *c, gw__sub *s, const gw_presence_diff *diff) {
  change_target to = {c, s};
  gw__changes changes = {tell_change, &to, &c->removed};
  if (diff->changes.num > GW__MAX_MEMBERS) return GW_ERR_PROTOCOL;
  int err = gw__events_reserve(c, (uint32_t)diff->changes.num + 1);
  if (err < 0) return err;
  err = gw__members_apply(&s->members, &c->alloc, diff, &changes);
  if (err == 0 && s->members.numbers.mode > GW_PRESENCE_MODE_IDS)
    tell_sync(c, s);
  if (err != GW_ERR_FULL) return err;
  too_many_members(c, s);
  return 0;
}

static int take_diff(gw_client *c, gw__sub *s, gw_view body) {
  gw_presence_diff diff;
  int err = gw_decode_presence_diff(body, &diff);
  if (err < 0) return err;
  switch (gw__members_place(&s->members, diff.version)) {
  case GW__DIFF_OLD:
    return 0;
  case GW__DIFF_APPLIED:
    return apply_diff(c, s, &diff);
  case GW__DIFF_HOLE:
    s->members.synced = false;
    if (s->members_request == 0) s->members_due_ms = c->now;
    break;
  case GW__DIFF_EARLY:
    break;
  }
  err = gw__members_wait(&s->members, &c->alloc, diff.version, body);
  if (err != GW_ERR_FULL) return err;
  /* Too many to wait: begin anew. The version of the next answer is past all
   * of them. */
  gw__members_lost(&s->members, &c->alloc);
  s->members_request = 0;
  s->members_due_ms = later(c, 0);
  return 0;
}

int gw__on_diff(gw_client *c, const gw_frame *frame) {
  gw__sub *s = gw__sub_by_number(c, frame->head.channel);
  if (s == NULL || !s->presence) return 0;
  return take_diff(c, s, frame->body);
}

/** The diffs that came before their snapshot. */
static int take_waiting(gw_client *c, gw__sub *s) {
  /* One that leaves a hole waits again, behind these: once around is all. */
  gw__waiting *w = s->members.waiting;
  s->members.waiting = NULL;
  s->members.waiting_bytes = 0;
  int err = 0;
  while (w != NULL) {
    gw__waiting *next = w->next;
    if (err == 0 && s->presence)
      err = take_diff(c, s, (gw_view){w->body, w->len});
    gw__free(c, w);
    w = next;
  }
  return err;
}

static int take_part(gw_client *c, gw__sub *s,
                     const gw_presence_snapshot *part) {
  gw__members *ms = &s->members;
  int err = gw__members_part(ms, &c->alloc, part);
  if (err == GW_ERR_FULL) {
    too_many_members(c, s);
    return 0;
  }
  if (err < 0) return err;
  wait_for_members(c, s); /* what is arriving is not late */
  if (part->more) return 0;
  err = gw__events_reserve(c, ms->now.num + ms->coming.num + 1);
  if (err < 0) return err;
  change_target to = {c, s};
  gw__changes changes = {tell_change, &to, &c->removed};
  gw__members_switch(ms, &changes);
  s->members_due_ms = 0;
  s->members_request = 0;
  err = take_waiting(c, s);
  if (err < 0 || !ms->synced) return err;
  err = gw__events_reserve(c, 1);
  if (err < 0) return err;
  tell_sync(c, s);
  return 0;
}

void gw__put_presence_get(gw_client *c, const gw__call *call) {
  gw_presence_get m = {.channel = call->name};
  gw__put(c, GW_FRAME_PRESENCE_GET, call->request, 0, GW_MESSAGE_presence_get,
          &m);
}

static gw__sub *by_members_request(const gw_client *c, uint32_t request) {
  gw__sub *s = c->subs;
  while (s != NULL && s->members_request != request)
    s = s->next;
  return s;
}

int gw__on_snapshot(gw_client *c, const gw_frame *frame) {
  gw_presence_snapshot m;
  int err = gw_decode_presence_snapshot(frame->body, &m);
  if (err < 0) return err;
  uint32_t request = frame->head.request;
  gw__sub *s = request == 0 ? gw__sub_by_number(c, frame->head.channel)
                            : by_members_request(c, request);
  if (s != NULL) return s->presence ? take_part(c, s, &m) : 0;
  gw__call *call = gw__call_by_request(c, request);
  if (request != 0 && call != NULL) gw__call_snapshot(c, call, &m);
  return 0;
}

void gw_client_members(const gw_client *c, uint32_t sub,
                       bool (*visit)(void *arg, const gw_presence_member *m),
                       void *arg) {
  const gw__sub *s = gw__sub_by_id(c, sub);
  for (uint32_t i = 0; s != NULL && i < s->members.now.num; i++) {
    if (!visit(arg, &s->members.now.items[i]->m)) return;
  }
}

/* ---- both ---------------------------------------------------------------- */

bool gw__presence_refused(gw_client *c, uint32_t request,
                          const gw_error *error) {
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (s->self.request == request) {
      self_refused(c, s, error);
      return true;
    }
    if (s->members_request != request) continue;
    s->members_request = 0;
    /* As above: the list comes with the next Subscribed. */
    if (error->code == GW_CODE_NOT_SUBSCRIBED) return true;
    if (gw__may_retry(error->code))
      s->members_due_ms = later(c, error->retry_after_ms);
    else
      give_up_members(c, s, error->code, &error->message);
    return true;
  }
  return false;
}

void gw__presence_subscribed(gw_client *c, gw__sub *s) {
  /* The snapshot comes by itself; should it not, it is asked for. */
  s->members_request = 0;
  if (s->presence) wait_for_members(c, s);
}

void gw__presence_pump(gw_client *c, gw__sub *s) {
  const gw__self *self = &s->self;
  if (self->dirty && self->request == 0 && self->retry_at_ms <= c->now)
    put_self(c, s);
  if (s->number != 0 && s->members_due_ms != 0 && s->members_request == 0 &&
      s->members_due_ms <= c->now)
    put_members_get(c, s);
}

void gw__presence_due(gw_client *c, gw__sub *s) {
  gw__self *self = &s->self;
  if (self->request != 0 && gw__due(c, self->sent_ms + c->request_timeout_ms)) {
    self->request = 0;
    self->dirty = true;
  }
  if (self->dirty && self->retry_at_ms > c->now)
    (void)gw__due(c, self->retry_at_ms);
  if (s->members_request != 0 && gw__due(c, s->members_due_ms)) {
    s->members_request = 0;
    s->members_due_ms = later(c, 0);
  }
  if (s->number != 0 && s->members_due_ms > c->now)
    (void)gw__due(c, s->members_due_ms);
}

void gw__presence_lost(gw_client *c, gw__sub *s) {
  gw__members_lost(&s->members, &c->alloc);
  s->members_due_ms = 0;
  s->members_request = 0;
  s->self.request = 0;
  s->self.retry_at_ms = 0;
  s->self.dirty = GW_GUARD(PRESENCE_AGAIN) && s->self.wanted != GW__SELF_NONE;
}

void gw__presence_free(gw_client *c, gw__sub *s) {
  gw__members_deinit(&s->members, &c->alloc, &c->removed);
  gw__drop(c, &s->self.block);
}
