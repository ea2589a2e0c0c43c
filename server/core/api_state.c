/* SPDX-License-Identifier: MIT */
/* api_state.c - shared state: keys of a scope, which are the items of a map. */
#include <stdio.h>
#include <string.h>

#include "server/core/api_method.h"
#include "server/core/api_record.h"
#include "server/core/channel.h"
#include "server/core/machine.h"
#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/publish_check.h"
#include "server/core/scope.h"

/** What divides the parts of a key. */
#define KEY_SEPARATOR '/'

typedef Godwit__Api__V1__Position position;
typedef Godwit__Api__V1__StateEntry entry;

/** The scope that a request names, as its channel. */
typedef struct place {
  gw_view name;
  uint64_t hash;
  const gw_namespace *ns;
  gw_channel *ch; /**< NULL: there is none so far */
  char space[GW_MAX_CHANNEL_BYTES + 1];
} place;

/** The names are known to be good, as they led here. */
static uint32_t find(const gw_hub *h, const char *word, const char *id,
                     place *p, gws_reply *r) {
  gws_scope scope = {.id = gw_view_of(id)};
  if (!gws_scope_find(gw_view_of(word), &scope.kind)) return GW_CODE_INTERNAL;
  p->name = gws_scope_channel(&scope, p->space);
  p->hash = gws_hub_hash(h, p->name.data, p->name.len);
  p->ns = gw_settings_namespace(h->settings, p->name);
  p->ch = gws_channel_find(h, p->name, p->hash);
  if (strcmp(p->ns->name, GWS_STATE_SPACE) == 0) return GW_CODE_OK;
  r->why = "there is no namespace $state";
  return GW_CODE_UNSUPPORTED;
}

/* ---- reading ---------------------------------------------------------------- */

/** An entry with what it points to. */
typedef struct writing {
  gws_record record;
  position version;
  entry one;
  entry *list[1];
} writing;

/** False when out of memory; else record.space is to be freed. */
static bool write_entry(const gw_channel *ch, const gw_buf *b, writing *w) {
  if (!gws_record_write(b, &w->record)) return false;
  const Godwit__Api__V1__Record *from = &w->record.one;
  w->version = (position)GODWIT__API__V1__POSITION__INIT;
  w->version.epoch = ch->epoch;
  w->version.offset = from->offset;
  w->one = (entry)GODWIT__API__V1__STATE_ENTRY__INIT;
  w->one.key = from->item;
  w->one.data = from->data;
  w->one.json = from->json;
  w->one.version = &w->version;
  w->one.client = from->client;
  w->one.user = from->user;
  w->one.time_ms = from->time_ms;
  w->list[0] = &w->one;
  return true;
}

static const gw_buf *find_key(const gw_channel *ch, gw_view key) {
  const gw_buf *b = gw_history_find(&ch->history, gws_item_hash(ch->hub, key));
  return b != NULL && !b->removed ? b : NULL;
}

/** What a key is in; empty: in nothing. */
static gw_view parent_of(gw_view key) {
  while (key.len != 0 && key.data[key.len - 1] != KEY_SEPARATOR)
    key.len--;
  if (key.len != 0) key.len--;
  return key;
}

uint32_t gws_api_state_get(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__StateGetRequest *q = (const void *)request;
  Godwit__Api__V1__StateGetReply reply = GODWIT__API__V1__STATE_GET_REPLY__INIT;
  place p;
  writing w;
  (void)caller;
  uint32_t code = find(h, q->scope, q->id, &p, r);
  if (code != GW_CODE_OK || p.ch == NULL) return code;
  gw_view key = gw_view_of(q->key);
  const gw_buf *b = find_key(p.ch, key);
  while (b == NULL && q->inherit && (key = parent_of(key)).len != 0)
    b = find_key(p.ch, key);
  if (b == NULL) return GW_CODE_OK;
  r->failed = !write_entry(p.ch, b, &w);
  if (r->failed) return GW_CODE_OK;
  reply.entries = w.list;
  reply.n_entries = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(w.record.space);
  return GW_CODE_OK;
}

/** Returns whether it was one. */
static bool add_if(const gw_channel *ch, const gw_buf *b, const char *prefix,
                   gws_reply *r) {
  Godwit__Api__V1__StateListReply reply =
      GODWIT__API__V1__STATE_LIST_REPLY__INIT;
  writing w;
  if (!write_entry(ch, b, &w)) {
    r->failed = true;
    return false;
  }
  bool fits = strncmp(w.one.key, prefix, strlen(prefix)) == 0;
  reply.entries = w.list;
  reply.n_entries = 1;
  if (fits) gws_reply_add(r, &reply.base);
  gw_mem_free(w.record.space);
  return fits;
}

uint32_t gws_api_state_list(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__StateListRequest *q = (const void *)request;
  Godwit__Api__V1__StateListReply reply =
      GODWIT__API__V1__STATE_LIST_REPLY__INIT;
  position at = GODWIT__API__V1__POSITION__INIT;
  place p;
  (void)caller;
  uint32_t code = find(h, q->scope, q->id, &p, r);
  if (code != GW_CODE_OK || p.ch == NULL) return code;
  const gw_history *history = &p.ch->history;
  uint32_t left = gws_api_limit(q->limit);
  for (uint32_t i = gw_history_seek(history, q->after);
       i < history->len && left != 0; i++) {
    const gw_buf *b = gw_history_at(history, i)->buf;
    if (b == NULL || b->removed) continue;
    if (add_if(p.ch, b, q->prefix, r)) left--;
  }
  at.epoch = p.ch->epoch;
  at.offset = p.ch->top;
  reply.position = &at;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

/* ---- state machines --------------------------------------------------------- */

static void set_allowed(const gw_machine *m, uint8_t state, gws_mover by,
                        Godwit__Api__V1__MachineGetReply *reply,
                        char *allowed[GW_MACHINE_STATES_MAX]) {
  reply->allowed = allowed;
  for (uint8_t to = 0; to < m->num_states; to++) {
    const gw_machine_transition *t = gws_machine_transition(m, state, to);
    if (t != NULL && gws_transition_is_for(t, by))
      allowed[reply->n_allowed++] = (char *)(uintptr_t)m->states[to];
  }
}

/** Of who asks; a client is told what clients may. */
static gws_mover mover_of(const gw_caller *caller) {
  return (gws_mover){.is_trusted = caller->is_trusted,
                     .ways = GW_WHO_ANYONE | GW_WHO_USER};
}

uint32_t gws_api_machine_get(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__MachineGetRequest *q = (const void *)request;
  Godwit__Api__V1__MachineGetReply reply =
      GODWIT__API__V1__MACHINE_GET_REPLY__INIT;
  char *allowed[GW_MACHINE_STATES_MAX];
  char key[GW_MAX_ITEM_BYTES + 1];
  writing w = {.record = {.space = NULL}};
  place p;
  uint32_t code = find(h, q->scope, q->id, &p, r);
  if (code != GW_CODE_OK) return code;
  (void)snprintf(key, sizeof key, GWS_MACHINE_PREFIX "%s", q->machine);
  const gw_machine *m = gws_machine_find(h->settings, p.name, gw_view_of(key));
  if (m == NULL) return GW_CODE_UNKNOWN_MACHINE;
  const gw_buf *b = p.ch != NULL ? find_key(p.ch, gw_view_of(key)) : NULL;
  if (b != NULL && !write_entry(p.ch, b, &w)) r->failed = true;
  if (r->failed) return GW_CODE_OK;
  int state = b != NULL ? gws_machine_read(m, gw_view_of(w.record.json.text))
                        : m->initial;
  if (state < 0) state = m->initial;
  reply.state = (char *)(uintptr_t)m->states[state];
  set_allowed(m, (uint8_t)state, mover_of(caller), &reply, allowed);
  if (b != NULL) {
    reply.version = &w.version;
    reply.client = w.one.client;
    reply.user = w.one.user;
    reply.time_ms = w.one.time_ms;
  }
  gws_reply_add(r, &reply.base);
  gw_mem_free(w.record.space);
  return GW_CODE_OK;
}

/* ---- changing --------------------------------------------------------------- */

/** Publish it into the channel of the scope; where it is then. */
static uint32_t change(gw_hub *h, place *p, gw_publish_command *cmd,
                       const position *version, position *now, gws_reply *r) {
  gws_problem problem;
  cmd->hash = p->hash;
  cmd->by.is_trusted = true;
  cmd->msg.channel = p->name;
  cmd->msg.compare_item = version != NULL;
  if (version != NULL) {
    cmd->msg.epoch = version->epoch;
    cmd->msg.offset = version->offset;
  }
  if (gws_api_check_publish(h, cmd, &problem) != GW_CODE_OK ||
      gws_publish_check(p->ns, &cmd->msg, &problem) != GW_CODE_OK)
    return gws_api_refuse(r, &problem);
  gw_outcome o = gws_publish_own(h, cmd);
  if (o.code != GW_CODE_OK) {
    gws_outcome_problem(&o, &problem);
    return gws_api_refuse(r, &problem);
  }
  *now = (position)GODWIT__API__V1__POSITION__INIT;
  now->epoch = o.epoch;
  now->offset = o.offset;
  return GW_CODE_OK;
}

uint32_t gws_api_state_set(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__StateSetRequest *q = (const void *)request;
  Godwit__Api__V1__StateSetReply reply = GODWIT__API__V1__STATE_SET_REPLY__INIT;
  gw_publish_command cmd = {.user = gw_view_of(q->user),
                            .msg = {.data = {q->data.data, q->data.len},
                                    .ttl_ms = q->ttl_ms,
                                    .item = gw_view_of(q->key)}};
  position now;
  place p;
  (void)caller;
  if (q->json != NULL) cmd.msg.json = gw_view_of(q->json->text);
  uint32_t code = find(h, q->scope, q->id, &p, r);
  if (code == GW_CODE_OK) code = change(h, &p, &cmd, q->version, &now, r);
  if (code != GW_CODE_OK) return code;
  reply.version = &now;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

uint32_t gws_api_state_remove(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__StateRemoveRequest *q = (const void *)request;
  Godwit__Api__V1__StateRemoveReply reply =
      GODWIT__API__V1__STATE_REMOVE_REPLY__INIT;
  gw_publish_command cmd = {
      .user = gw_view_of(q->user),
      .msg = {.item = gw_view_of(q->key), .removed = true}};
  position now;
  place p;
  (void)caller;
  uint32_t code = find(h, q->scope, q->id, &p, r);
  if (code == GW_CODE_OK) code = change(h, &p, &cmd, q->version, &now, r);
  if (code != GW_CODE_OK) return code;
  reply.version = &now;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
