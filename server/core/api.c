/* SPDX-License-Identifier: MIT */
/* api.c - from a question of the application to the workers that can answer it,
 * and back. */
#include "server/core/api.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/json.h"
#include "server/core/json_schema.h"
#include "server/core/json_text.h"
#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/problem.h"
#include "server/core/scope.h"

/* ---- the table ------------------------------------------------------------ */

/* clang-format off */
static const gw_api_method methods[] = {
#define ROW(name, message, place, door, finish)                                \
  {#name, &godwit__api__v1__##message##_request__descriptor,                   \
   &godwit__api__v1__##message##_reply__descriptor, GWS_API_##place,           \
   GWS_DOOR_##door, gws_api_##name, finish}
  ROW(info, info, ALL, NONE, NULL),
  ROW(channels, channels, ALL, NONE, gws_api_channels_finish),
  ROW(channel_get, channel_get, ALL, SUBSCRIBE, gws_api_channel_get_finish),
  ROW(channel_set, channel_set, OWNER, CHANNEL, NULL),
  ROW(subscribers, subscribers, ALL, PRESENCE, gws_api_subscribers_finish),
  ROW(subscriptions, subscriptions, ALL, NONE, NULL),
  ROW(is_subscribed, is_subscribed, ALL, PRESENCE, NULL),
  ROW(history, history, OWNER, HISTORY, NULL),
  ROW(map_get, map_get, OWNER, HISTORY, NULL),
  ROW(state_get, state_get, OWNER, HISTORY, NULL),
  ROW(state_list, state_list, OWNER, HISTORY, NULL),
  ROW(state_set, state_set, OWNER, NONE, NULL),
  ROW(state_remove, state_remove, OWNER, NONE, NULL),
  ROW(machine_get, machine_get, OWNER, HISTORY, NULL),
  ROW(publish, publish, OWNER, NONE, NULL),
  ROW(broadcast, broadcast, ALL, NONE, gws_api_broadcast_finish),
  ROW(subscribe, subscribe, SUM, NONE, NULL),
  ROW(unsubscribe, unsubscribe, SUM, NONE, NULL),
  ROW(disconnect, disconnect, SUM, NONE, NULL),
  ROW(connections, connections, ALL, NONE, gws_api_connections_finish),
  ROW(connection_log, connection_log, ALL, NONE, gws_api_connection_log_finish),
  ROW(presence, presence, OWNER, PRESENCE, NULL),
  ROW(presence_stats, presence_stats, OWNER, PRESENCE, NULL),
  ROW(rpc, rpc, HERE, NONE, NULL),
  ROW(revoke, revoke, ALL, NONE, NULL),
  ROW(send, send, SUM, SEND, NULL),
  ROW(presence_of, presence_of, ALL, OWN, gws_api_presence_of_finish),
  ROW(group_create, group_create, OWNER, OWN, NULL),
  ROW(group_delete, group_delete, OWNER, OWN, NULL),
  ROW(group_add, group_add, OWNER, OWN, NULL),
  ROW(group_remove, group_remove, OWNER, OWN, NULL),
  ROW(group_set_role, group_set_role, OWNER, OWN, NULL),
  ROW(group_get, group_get, HERE, OWN, NULL),
  ROW(groups, groups, ALL, OWN, gws_api_groups_finish),
#undef ROW
};
/* clang-format on */
#define NUM_METHODS (sizeof methods / sizeof methods[0])

static const gw_view nothing;

const gw_api_method *gw_api_at(size_t index) {
  return index < NUM_METHODS ? &methods[index] : NULL;
}

const gw_api_method *gw_api_find(gw_view name) {
  for (size_t i = 0; i < NUM_METHODS; i++) {
    if (gw_view_eq(gw_view_of(methods[i].name), name)) return &methods[i];
  }
  return NULL;
}

gw_view gw_api_name(const gw_api_method *m) {
  return gw_view_of(m->name);
}

int gw_api_request_from_json(const gw_api_method *m, gw_view text, gw_out *out,
                             char *why) {
  return text.len != 0 ? gw_json_to_message(m->request, text, out, why) : 0;
}

char *gw_api_reply_to_json(const gw_api_method *m, gw_view reply, size_t *len) {
  return gw_json_of_message(m->reply, reply, len);
}

/* ---- replies ---------------------------------------------------------------- */

void gws_reply_add(gws_reply *r, const ProtobufCMessage *part) {
  size_t len = protobuf_c_message_get_packed_size(part);
  if (r->failed || len > GWS_REPLY_MAX - r->len) {
    r->failed = true;
    return;
  }
  if (len == 0) return; /* all defaults */
  if (r->len + len > r->cap) {
    size_t cap = (r->len + len) * 2;
    uint8_t *data = gw_mem_realloc(r->data, cap);
    if (data == NULL) {
      r->failed = true;
      return;
    }
    r->data = data;
    r->cap = cap;
  }
  r->len += protobuf_c_message_pack(part, r->data + r->len);
}

uint32_t gws_api_refuse(gws_reply *r, const gws_problem *p) {
  const char *why = p->why[0] != '\0' ? p->why : gw_code_text(p->code);
  size_t len = strlen(p->field), why_len = strlen(why);
  /* A path that is too long goes before the sentence does. */
  if (len != 0 && len + 2 + why_len <= GW_MAX_REASON_BYTES) {
    memcpy(r->words, p->field, len);
    memcpy(r->words + len, ": ", 2);
    len += 2;
  } else {
    len = 0;
  }
  memcpy(r->words + len, why, why_len + 1);
  r->why = r->words;
  return p->code;
}

int gws_api_add(gw_out *out, gw_list *list, const ProtobufCMessage *m) {
  uint8_t packed[GWS_API_ITEM_MAX];
  size_t len = protobuf_c_message_get_packed_size(m);
  if (len > sizeof packed) return GW_ERR_FULL;
  (void)protobuf_c_message_pack(m, packed);
  return gw_list_add_text(out, list, (gw_view){packed, len});
}

char *gws_api_text(gw_view v, char **space) {
  char *text = *space;
  if (v.len != 0) memcpy(text, v.data, v.len);
  text[v.len] = '\0';
  *space += v.len + 1;
  return text;
}

static void append(gws_reply *r, gw_view bytes) {
  if (bytes.len == 0 || r->failed) return;
  uint8_t *data = gw_mem_realloc(r->data, r->len + bytes.len);
  if (data == NULL) {
    r->failed = true;
    return;
  }
  memcpy(data + r->len, bytes.data, bytes.len);
  r->data = data;
  r->len += bytes.len;
  r->cap = r->len;
}

/* ---- running on this hub ---------------------------------------------------- */

/** NULL: it cannot be read. */
static ProtobufCMessage *unpack(const gw_api_method *m, gw_view request) {
  return protobuf_c_message_unpack(m->request, NULL, request.len, request.data);
}

static uint32_t run(gw_hub *h, const gw_api_method *m, const gw_caller *caller,
                    const ProtobufCMessage *request, gws_reply *r) {
  uint32_t code = m->run(h, caller, request, r);
  if (!r->failed || code != GW_CODE_OK) return code;
  gws_hub_nomem(h);
  return GW_CODE_INTERNAL;
}

/** A text field of a request; NULL: it has none of this name. */
static const char *text_field(const ProtobufCMessage *msg, const char *name) {
  int i = gw__json_field_named(msg->descriptor, name);
  if (i < 0) return NULL;
  const void *at = (const uint8_t *)msg + msg->descriptor->fields[i].offset;
  return *(char *const *)at;
}

/** The channel that holds the scope which a request names; GW_CODE_OK,
 * BAD_CHANNEL, BAD_REQUEST: there is no such scope. */
static uint32_t channel_of_scope(const ProtobufCMessage *msg,
                                 char space[GW_MAX_CHANNEL_BYTES + 1],
                                 gw_view *channel) {
  gws_scope scope;
  const char *word = text_field(msg, "scope");
  if (word == NULL || !gws_scope_find(gw_view_of(word), &scope.kind))
    return GW_CODE_BAD_REQUEST;
  scope.id = gw_view_of(text_field(msg, "id"));
  *channel = gws_scope_channel(&scope, space);
  return channel->len != 0 ? GW_CODE_OK : GW_CODE_BAD_CHANNEL;
}

/** The channel, or else the group, that a request names, or the channel that
 * holds its scope, in space. */
static uint32_t name_in(const ProtobufCMessage *msg,
                        char space[GW_MAX_CHANNEL_BYTES + 1],
                        gw_view *channel) {
  const char *name = text_field(msg, "channel");
  if (name == NULL) name = text_field(msg, "group");
  if (name == NULL) return channel_of_scope(msg, space, channel);
  *channel = gw_view_of(name);
  if (channel->len > GW_MAX_CHANNEL_BYTES) return GW_CODE_BAD_CHANNEL;
  memcpy(space, name, channel->len + 1);
  channel->data = (const uint8_t *)space;
  return GW_CODE_OK;
}

uint32_t gws_api_channel_of(const gw_api_method *m, gw_view request,
                            char name[GW_MAX_CHANNEL_BYTES + 1]) {
  ProtobufCMessage *msg = unpack(m, request);
  gw_view channel;
  if (msg == NULL) return GW_CODE_BAD_REQUEST;
  uint32_t code = name_in(msg, name, &channel);
  protobuf_c_message_free_unpacked(msg, NULL);
  return code;
}

uint32_t gw_api_owner(const gw_hub *h, const gw_api_method *m,
                      gw_view request) {
  char name[GW_MAX_CHANNEL_BYTES + 1];
  if (m->place != GWS_API_OWNER && m->place != GWS_API_HERE) return GW_API_ANY;
  if (gws_api_channel_of(m, request, name) != GW_CODE_OK) return GW_API_ANY;
  return gws_channel_owner(h, gws_hub_hash(h, name, strlen(name)));
}

/** Whether the JSON that a request brings along is JSON. What is deeper inside of
 * it, such as the value of a condition, is for the method to see. */
static uint32_t check_texts(const ProtobufCMessage *msg, gws_problem *p) {
  const ProtobufCMessageDescriptor *d = msg->descriptor;
  for (unsigned i = 0; i < d->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &d->fields[i];
    if (f->type != PROTOBUF_C_TYPE_MESSAGE ||
        f->label == PROTOBUF_C_LABEL_REPEATED ||
        !gw__json_is_any(f->descriptor))
      continue;
    const void *at = (const uint8_t *)msg + f->offset;
    const Godwit__Api__V1__Json *json =
        *(const Godwit__Api__V1__Json *const *)at;
    if (json == NULL) continue;
    uint32_t code =
        gws_json_check(gw_view_of(json->text), SIZE_MAX, f->name, p);
    if (code != GW_CODE_OK) return code;
  }
  return GW_CODE_OK;
}

/** The worker that owns what a request is about; code says why there is none. */
static uint32_t owner_in(const gw_hub *h, const ProtobufCMessage *msg,
                         uint32_t *code) {
  char space[GW_MAX_CHANNEL_BYTES + 1];
  gw_view name = {NULL, 0};
  *code = name_in(msg, space, &name);
  if (*code != GW_CODE_OK) return h->worker;
  if (gws_channel_name_is_valid(h, name) &&
      !gw_name_is_pattern(gw_settings_namespace(h->settings, name), name))
    return gws_channel_owner(h, gws_hub_hash(h, name.data, name.len));
  *code = GW_CODE_BAD_CHANNEL;
  return h->worker;
}

/** The worker to ask; p says why there is none. msg: NULL when it cannot be read. */
static uint32_t owner_of(const gw_hub *h, const gw_api_method *m,
                         const ProtobufCMessage *msg, const gw_caller *caller,
                         gws_problem *p) {
  uint32_t owner = h->worker;
  if (msg == NULL) {
    (void)gws_problem_set(p, GW_CODE_BAD_REQUEST, NULL, NULL);
    return owner;
  }
  *p = (gws_problem){.code = GW_CODE_OK};
  if (caller->is_unread) (void)check_texts(msg, p);
  if (p->code == GW_CODE_OK && m->place == GWS_API_OWNER)
    owner = owner_in(h, msg, &p->code);
  if (p->code == GW_CODE_BAD_REQUEST && p->why[0] == '\0')
    (void)gws_problem_set(p, GW_CODE_BAD_REQUEST, "scope",
                          "must be connection, user, channel, group or free");
  return owner;
}

/* ---- who waits -------------------------------------------------------------- */

/** A question that other workers are still asked. */
typedef struct gw_api_open {
  struct gw_api_open *prev, *next; /* hub.open_api */
  uint64_t id;
  const gw_api_method *method;
  gw_on_api_reply on_reply;
  void *arg;
  uint32_t num_left;
  uint32_t code;
  gws_reply reply;
  uint8_t why_len;
  uint8_t why[GW_MAX_REASON_BYTES];
  size_t request_len;
  uint8_t request[];
} gw_api_open;

static gw_api_open *open_new(gw_hub *h, const gw_api_method *m, gw_view request,
                             gw_on_api_reply on_reply, void *arg) {
  gw_api_open *o = gw_mem_zalloc(sizeof *o + request.len);
  if (o == NULL) return NULL;
  o->id = ++h->last_ticket;
  o->method = m;
  o->on_reply = on_reply;
  o->arg = arg;
  o->request_len = request.len;
  if (request.len != 0) memcpy(o->request, request.data, request.len);
  DL_APPEND(h->open_api, o);
  return o;
}

static void open_free(gw_hub *h, gw_api_open *o) {
  DL_DELETE(h->open_api, o);
  gw_mem_free(o->reply.data);
  gw_mem_free(o);
}

/** Put the parts in order. */
static void finish(gw_api_open *o) {
  const gw_api_method *m = o->method;
  if (m->finish == NULL) return;
  ProtobufCMessage *request = unpack(m, (gw_view){o->request, o->request_len});
  ProtobufCMessage *all =
      protobuf_c_message_unpack(m->reply, NULL, o->reply.len, o->reply.data);
  o->reply.len = 0;
  o->reply.failed = request == NULL || all == NULL;
  if (!o->reply.failed) {
    m->finish(request, all);
    gws_reply_add(&o->reply, all);
  }
  if (request != NULL) protobuf_c_message_free_unpacked(request, NULL);
  if (all != NULL) protobuf_c_message_free_unpacked(all, NULL);
}

static void tell(gw_hub *h, gw_api_open *o) {
  if (o->code == GW_CODE_OK && o->method->place == GWS_API_ALL) finish(o);
  if (o->code == GW_CODE_OK && o->reply.failed) o->code = GW_CODE_INTERNAL;
  gw_view why = {o->why, o->why_len};
  gw_view reply = {o->reply.data, o->code == GW_CODE_OK ? o->reply.len : 0};
  o->on_reply(o->arg, o->code, why, reply);
  open_free(h, o);
}

static void set_failure(gw_api_open *o, uint32_t code, gw_view why) {
  _Static_assert(GW_MAX_REASON_BYTES <= UINT8_MAX, "why_len");
  o->code = code;
  o->why_len = why.len <= sizeof o->why ? (uint8_t)why.len : 0;
  if (o->why_len != 0) memcpy(o->why, why.data, o->why_len);
}

/** Add the numbers of one message to those of another. */
static void add_numbers(ProtobufCMessage *sum, const ProtobufCMessage *part) {
  const ProtobufCMessageDescriptor *d = sum->descriptor;
  for (unsigned i = 0; i < d->n_fields; i++) {
    unsigned at = d->fields[i].offset;
    assert(d->fields[i].type == PROTOBUF_C_TYPE_UINT32);
    *(uint32_t *)(void *)((uint8_t *)sum + at) +=
        *(const uint32_t *)(const void *)((const uint8_t *)part + at);
  }
}

/** Replies that were put one behind the other, as one. */
static void add_up(gw_api_open *o, gw_view part) {
  const ProtobufCMessageDescriptor *type = o->method->reply;
  ProtobufCMessage *sum =
      protobuf_c_message_unpack(type, NULL, o->reply.len, o->reply.data);
  ProtobufCMessage *more =
      protobuf_c_message_unpack(type, NULL, part.len, part.data);
  o->reply.len = 0;
  o->reply.failed = sum == NULL || more == NULL;
  if (!o->reply.failed) {
    add_numbers(sum, more);
    gws_reply_add(&o->reply, sum);
  }
  if (sum != NULL) protobuf_c_message_free_unpacked(sum, NULL);
  if (more != NULL) protobuf_c_message_free_unpacked(more, NULL);
}

/** One worker has answered. */
static void take(gw_hub *h, gw_api_open *o, uint32_t code, gw_view why,
                 gw_view reply) {
  if (o->method->place == GWS_API_SUM)
    add_up(o, reply);
  else
    append(&o->reply, reply);
  if (code != GW_CODE_OK) set_failure(o, code, why);
  if (--o->num_left == 0) tell(h, o);
}

static gw_view text_or_none(const char *text) {
  return text != NULL ? gw_view_of(text) : nothing;
}

/* ---- asking ----------------------------------------------------------------- */

/** Make mail the answer. */
static void fill_answer(gw_mail *m, uint32_t code, const gws_reply *r) {
  gw_view said = {r->data, r->len};
  if (code != GW_CODE_OK) said = text_or_none(r->why);
  if (said.len != 0) {
    m->buf = gw_buf_new(said, false);
    if (m->buf == NULL) code = GW_CODE_INTERNAL;
  }
  m->kind = GWS_MAIL_API_DONE;
  m->u.outcome = (gw_outcome){.code = code};
}

/** An answer of this worker to itself, about what the others do not know yet. False
 * when out of memory: it does not wait for them. */
static bool hold(gw_hub *h, const gw_api_open *o, uint32_t code,
                 const gws_reply *r) {
  gw_mail *m = gws_mail_new(GWS_MAIL_API_DONE, 0);
  if (m == NULL) {
    gws_hub_nomem(h);
    return false;
  }
  m->origin = (gw_origin){.worker = h->worker};
  m->handle = o->id;
  fill_answer(m, code, r);
  gws_receipts_hold(h, m);
  return true;
}

static void ask_here(gw_hub *h, gw_api_open *o, const gw_caller *caller,
                     const ProtobufCMessage *request) {
  gws_reply r = {.data = NULL, .question = o->id};
  uint64_t num_changes = h->receipts.num_changes;
  uint32_t code = run(h, o->method, caller, request, &r);
  bool is_held = h->receipts.num_changes != num_changes && hold(h, o, code, &r);
  if (code != GWS_API_LATER && !is_held)
    take(h, o, code, text_or_none(r.why), (gw_view){r.data, r.len});
  gw_mem_free(r.data);
}

static void ask_worker(gw_hub *h, gw_api_open *o, uint32_t worker,
                       const gw_caller *caller) {
  gw_mail *m = NULL;
  if (!gws_hub_is_worker_busy(h, worker))
    m = gws_mail_new(GWS_MAIL_API, o->request_len + caller->user.len);
  if (m == NULL) {
    take(h, o, GW_CODE_OVERLOADED, nothing, nothing);
    return;
  }
  m->origin = (gw_origin){.worker = h->worker};
  m->handle = o->id;
  m->u.api.method = o->method;
  m->u.api.caller = *caller;
  m->u.api.caller.user = gws_mail_keep(m, caller->user);
  m->u.api.request = gws_mail_keep(m, (gw_view){o->request, o->request_len});
  gws_command_post(h, worker, m);
}

static void ask(gw_hub *h, gw_api_open *o, uint32_t owner,
                const gw_caller *caller, const ProtobufCMessage *request) {
  bool is_all =
      o->method->place == GWS_API_ALL || o->method->place == GWS_API_SUM;
  /* One more than are asked, so that nobody is told before all are. */
  o->num_left = (is_all ? h->num_workers : 1) + 1;
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (!is_all && w != owner) continue;
    if (w == h->worker)
      ask_here(h, o, caller, request);
    else
      ask_worker(h, o, w, caller);
  }
  take(h, o, GW_CODE_OK, nothing, nothing);
}

void gw_hub_api(gw_hub *h, gw_view method, const gw_caller *caller,
                gw_view request, gw_on_api_reply on_reply, void *arg) {
  const gw_api_method *m = gw_api_find(method);
  gws_problem p = {.code = GW_CODE_UNKNOWN_METHOD};
  gws_reply refused = {.data = NULL};
  ProtobufCMessage *msg = m != NULL ? unpack(m, request) : NULL;
  uint32_t owner = 0;
  gw_api_open *o = NULL;
  gw_caller asker = *caller;
  if (asker.asked_ms == 0) asker.asked_ms = h->wall_ms;
  asker.at_ms = gws_hub_clock(h);
  gws_hub_enter(h);
  if (m != NULL) owner = owner_of(h, m, msg, caller, &p);
  if (p.code == GW_CODE_OK) {
    o = open_new(h, m, request, on_reply, arg);
    if (o == NULL) p.code = GW_CODE_INTERNAL;
  }
  if (p.why[0] != '\0') (void)gws_api_refuse(&refused, &p);
  if (o != NULL)
    ask(h, o, owner, &asker, msg);
  else
    on_reply(arg, p.code, text_or_none(refused.why), nothing);
  if (msg != NULL) protobuf_c_message_free_unpacked(msg, NULL);
  gws_hub_leave(h);
}

static gw_api_open *find_open(const gw_hub *h, uint64_t id) {
  gw_api_open *o;
  DL_SEARCH_SCALAR(h->open_api, o, id, id);
  return o;
}

void gws_api_answer(gw_hub *h, uint64_t question, uint32_t code,
                    gw_view message, const ProtobufCMessage *reply) {
  gw_api_open *o = find_open(h, question);
  gws_reply r = {.data = NULL};
  if (o == NULL) return;
  if (code == GW_CODE_OK) gws_reply_add(&r, reply);
  if (r.failed) code = GW_CODE_INTERNAL;
  take(h, o, code, message, (gw_view){r.data, r.len});
  gw_mem_free(r.data);
}

/* ---- mail ------------------------------------------------------------------- */

void gws_api_on_mail(gw_hub *h, gw_mail *m) {
  gws_reply r = {.data = NULL};
  uint64_t num_changes = h->receipts.num_changes;
  uint32_t code = GW_CODE_BAD_REQUEST;
  ProtobufCMessage *request = unpack(m->u.api.method, m->u.api.request);
  if (request != NULL) {
    code = run(h, m->u.api.method, &m->u.api.caller, request, &r);
    protobuf_c_message_free_unpacked(request, NULL);
  }
  fill_answer(m, code, &r);
  gw_mem_free(r.data);
  if (h->receipts.num_changes != num_changes)
    gws_receipts_hold(h, m);
  else
    gws_mail_post(h, m->origin.worker, m);
}

void gws_api_on_done(gw_hub *h, gw_mail *m) {
  gw_api_open *o = find_open(h, m->handle);
  h->forwarded[m->from]--;
  if (o != NULL) {
    gw_view said = m->buf != NULL ? gw_buf_payload(m->buf) : nothing;
    uint32_t code = m->u.outcome.code;
    if (code == GW_CODE_OK)
      take(h, o, code, nothing, said);
    else
      take(h, o, code, said, nothing);
  }
  gw_mail_free(m);
}

void gws_api_free(gw_hub *h) {
  while (h->open_api != NULL) {
    gw_api_open *o = h->open_api;
    o->on_reply(o->arg, GW_CODE_SHUTDOWN, nothing, nothing);
    open_free(h, o);
  }
}
