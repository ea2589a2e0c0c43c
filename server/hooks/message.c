/* SPDX-License-Identifier: MIT */
/* message.c - hooks.proto by its descriptors. */
#include "server/hooks/message.h"

#include <stdlib.h>
#include <string.h>

#include "hooks.pb-c.h"
#include "server/core/json.h"
#include "server/edge/request.h"

/** Encoded, a reply is at most so much longer than its JSON. */
#define ENCODED_PER_CHAR 10u

/** Of what goes with a user: it is kept for each connection. */
#define INFO_BYTES_MAX 4096u

#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* ---- requests -------------------------------------------------------------- */

/** protobuf-c's texts end with a NUL: room for some, in one block. */
typedef struct texts {
  char *block;
  char *at;
} texts;

static bool texts_init(texts *t, size_t room) {
  t->block = t->at = malloc(room);
  return t->block != NULL;
}

static char *add_text(texts *t, gw_view v) {
  char *text = t->at;
  if (v.len != 0) memcpy(text, v.data, v.len);
  text[v.len] = '\0';
  t->at += v.len + 1;
  return text;
}

/** The JSON of a message. */
static char *to_json(const ProtobufCMessage *m, size_t *len) {
  size_t size = protobuf_c_message_get_packed_size(m);
  uint8_t *bytes = malloc(size + 1);
  if (!bytes) return NULL;
  protobuf_c_message_pack(m, bytes);
  char *json = gw_json_of_message(m->descriptor, (gw_view){bytes, size}, len);
  free(bytes);
  return json;
}

static ProtobufCBinaryData bytes_of(gw_view v) {
  return (ProtobufCBinaryData){v.len, (uint8_t *)(uintptr_t)v.data};
}

static void set_who(Godwit__Hooks__V1__Who *who, texts *t, uint64_t client,
                    gw_view user, gw_view peer) {
  godwit__hooks__v1__who__init(who);
  who->client = client;
  who->user = add_text(t, user);
  who->peer = add_text(t, peer);
}

/* ---- requests of HTTP -------------------------------------------------------- */

/** A Request, and what its fields point to. */
typedef struct http {
  Godwit__Hooks__V1__Request m;
  Godwit__Hooks__V1__Pair pairs[GW_REQUEST_ITEMS_MAX];
  Godwit__Hooks__V1__Pair *list[GW_REQUEST_ITEMS_MAX];
  size_t num;
} http;

static const enum gw_request_part parts[] = {GW_REQUEST_PARAM, GW_REQUEST_QUERY,
                                             GW_REQUEST_HEADER};

/** Bytes that its texts take with their NULs. */
static size_t texts_len(const gw_request *r) {
  size_t len = gw_request_path(r).len + strlen(gw_request_route(r)) + 2;
  gw_view name, value;
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
    for (size_t i = 0; gw_request_item(r, parts[k], i, &name, &value); i++)
      len += name.len + value.len + 2;
  return len;
}

/** The pairs of one part, behind those that are there. */
static size_t add_pairs(http *h, texts *t, const gw_request *r,
                        enum gw_request_part part) {
  size_t first = h->num;
  gw_view name, value;
  for (size_t i = 0; gw_request_item(r, part, i, &name, &value); i++) {
    if (!gw_view_is_text(name) || !gw_view_is_text(value)) continue;
    Godwit__Hooks__V1__Pair *pair = &h->pairs[h->num];
    godwit__hooks__v1__pair__init(pair);
    pair->name = add_text(t, name);
    pair->value = add_text(t, value);
    h->list[h->num++] = pair;
  }
  return h->num - first;
}

static void set_http(http *h, texts *t, const gw_request *r) {
  gw_view path = gw_request_path(r);
  godwit__hooks__v1__request__init(&h->m);
  h->num = 0;
  h->m.path = add_text(t, gw_view_is_text(path) ? path : (gw_view){NULL, 0});
  h->m.route = add_text(t, gw_view_of(gw_request_route(r)));
  h->m.secure = gw_request_is_secure(r);
  h->m.params = h->list + h->num;
  h->m.n_params = add_pairs(h, t, r, GW_REQUEST_PARAM);
  h->m.query = h->list + h->num;
  h->m.n_query = add_pairs(h, t, r, GW_REQUEST_QUERY);
  h->m.headers = h->list + h->num;
  h->m.n_headers = add_pairs(h, t, r, GW_REQUEST_HEADER);
}

/* ---- questions ---------------------------------------------------------------- */

static char *connect_json(const gw_question *q, const gw_request *request,
                          const char *node, texts *t,
                          Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Connect m = GODWIT__HOOKS__V1__CONNECT__INIT;
  http h;
  m.who = who;
  if (request) set_http(&h, t, request);
  if (request) m.request = &h.m;
  m.token = add_text(t, q->token);
  m.agent = add_text(t, q->agent);
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static char *refresh_json(const gw_question *q, const char *node, texts *t,
                          Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Refresh m = GODWIT__HOOKS__V1__REFRESH__INIT;
  m.who = who;
  m.token = add_text(t, q->token);
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static const char *action_of(enum gw_ask kind) {
  if (kind == GW_ASK_PRESENCE) return "presence";
  if (kind == GW_ASK_CHANNEL) return "channel";
  return kind == GW_ASK_HISTORY ? "history" : "subscribe";
}

static char *subscribe_json(const gw_question *q, const char *node, texts *t,
                            Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Subscribe m = GODWIT__HOOKS__V1__SUBSCRIBE__INIT;
  Godwit__Hooks__V1__Json meta = GODWIT__HOOKS__V1__JSON__INIT;
  m.who = who;
  meta.text = add_text(t, q->meta);
  if (q->meta.len != 0) m.meta = &meta;
  m.channel = add_text(t, q->channel);
  m.action = TEXT(action_of(q->kind));
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

/** Tags as protobuf-c has them. */
typedef struct tags_of_publish {
  Godwit__Hooks__V1__Tag of[GW_MAX_TAGS];
  Godwit__Hooks__V1__Tag *all[GW_MAX_TAGS];
} tags_of_publish;

static void add_tags(Godwit__Hooks__V1__Publish *m, tags_of_publish *tags,
                     texts *t, gw_list list) {
  gw_view item;
  gw_tag tag;
  m->tags = tags->all;
  while (m->n_tags < GW_MAX_TAGS && gw_list_next(&list, &item)) {
    if (gw_decode_tag(item, &tag) < 0) continue;
    Godwit__Hooks__V1__Tag *one = &tags->of[m->n_tags];
    godwit__hooks__v1__tag__init(one);
    one->name = add_text(t, tag.name);
    one->value = add_text(t, tag.value);
    tags->all[m->n_tags++] = one;
  }
}

static char *publish_json(const gw_question *q, const char *node, texts *t,
                          Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Publish m = GODWIT__HOOKS__V1__PUBLISH__INIT;
  tags_of_publish tags;
  Godwit__Hooks__V1__Json json = GODWIT__HOOKS__V1__JSON__INIT;
  m.who = who;
  m.channel = add_text(t, q->channel);
  m.data = bytes_of(q->publish->data);
  json.text = add_text(t, q->publish->json);
  if (q->publish->json.len != 0) m.json = &json;
  m.item = add_text(t, q->publish->item);
  m.removed = q->publish->removed;
  add_tags(&m, &tags, t, q->publish->tags);
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

enum gw_config_hook gw_hook_of(enum gw_ask kind) {
  switch (kind) {
  case GW_ASK_CONNECT:
    return GW_HOOK_CONNECT;
  case GW_ASK_REFRESH:
    return GW_HOOK_REFRESH;
  case GW_ASK_SUBSCRIBE:
  case GW_ASK_PRESENCE:
  case GW_ASK_HISTORY:
  case GW_ASK_CHANNEL:
    return GW_HOOK_SUBSCRIBE;
  case GW_ASK_PUBLISH:
    return GW_HOOK_PUBLISH;
  default:
    return GW_NUM_HOOKS;
  }
}

char *gw_hook_question_json(const gw_question *q, const gw_request *request,
                            const char *node, size_t *len) {
  Godwit__Hooks__V1__Who who;
  texts t;
  char *json = NULL;
  size_t room = q->user.len + q->peer.len + q->token.len + q->agent.len +
                q->channel.len + q->meta.len + 8;
  if (q->kind == GW_ASK_PUBLISH)
    room += q->publish->json.len + q->publish->item.len +
            gw_list_bytes(q->publish->tags) + 2u * GW_MAX_TAGS;
  if (request) room += texts_len(request);
  if (!texts_init(&t, room)) return NULL;
  set_who(&who, &t, q->client, q->user, q->peer);
  switch (gw_hook_of(q->kind)) {
  case GW_HOOK_CONNECT:
    json = connect_json(q, request, node, &t, &who, len);
    break;
  case GW_HOOK_REFRESH:
    json = refresh_json(q, node, &t, &who, len);
    break;
  case GW_HOOK_SUBSCRIBE:
    json = subscribe_json(q, node, &t, &who, len);
    break;
  case GW_HOOK_PUBLISH:
    json = publish_json(q, node, &t, &who, len);
    break;
  default:
    break;
  }
  free(t.block);
  return json;
}

char *gw_hook_rpc_json(const gw_hook_rpc *call, const char *node, size_t *len) {
  static const gw_view none;
  const gw_rpc *rpc = call->rpc;
  Godwit__Hooks__V1__Rpc m = GODWIT__HOOKS__V1__RPC__INIT;
  Godwit__Hooks__V1__Json text = GODWIT__HOOKS__V1__JSON__INIT;
  Godwit__Hooks__V1__Who who;
  texts t;
  if (!texts_init(&t, call->user.len + rpc->method.len + rpc->json.len + 4))
    return NULL;
  set_who(&who, &t, call->client, call->user, none);
  m.who = &who;
  m.method = add_text(&t, rpc->method);
  m.data = bytes_of(rpc->data);
  text.text = add_text(&t, rpc->json);
  if (rpc->json.len != 0) m.json = &text;
  m.timeout_ms = rpc->timeout_ms;
  m.node = TEXT(node);
  char *json = to_json(&m.base, len);
  free(t.block);
  return json;
}

static char *disconnect_json(const gw_notice *n, const char *node,
                             Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Disconnect m = GODWIT__HOOKS__V1__DISCONNECT__INIT;
  m.who = who;
  m.connection = n->connection;
  m.code = n->code;
  m.reason = TEXT(n->code != 0 ? gw_code_text(n->code) : "");
  m.duration_ms = n->duration_ms;
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static char *presence_json(const gw_notice *n, const char *node, texts *t,
                           Godwit__Hooks__V1__Who *who, size_t *len) {
  static const char *const events[] = {"enter", "update", "leave"};
  Godwit__Hooks__V1__Presence m = GODWIT__HOOKS__V1__PRESENCE__INIT;
  Godwit__Hooks__V1__Json text = GODWIT__HOOKS__V1__JSON__INIT;
  m.who = who;
  m.channel = add_text(t, n->channel);
  m.event = TEXT(events[n->change]);
  m.state = add_text(t, n->member.state);
  m.data = bytes_of(n->member.data);
  text.text = add_text(t, n->member.json);
  if (n->member.json.len != 0) m.json = &text;
  m.version = n->version;
  m.first = n->first;
  m.last = n->last;
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static char *channel_json(const gw_notice *n, const char *node, texts *t,
                          Godwit__Hooks__V1__Who *who, size_t *len) {
  static const char *const events[] = {
      [GW_CHANNEL_CREATED] = "created",
      [GW_CHANNEL_SUBSCRIBED] = "subscribed",
      [GW_CHANNEL_UNSUBSCRIBED] = "unsubscribed",
      [GW_CHANNEL_DESTROYED] = "destroyed",
  };
  Godwit__Hooks__V1__Channel m = GODWIT__HOOKS__V1__CHANNEL__INIT;
  if (n->connection != 0) m.who = who;
  m.channel = add_text(t, n->channel);
  m.event = TEXT(events[n->event]);
  m.connection = n->connection;
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static char *connection_json(const gw_notice *n, const char *node,
                             Godwit__Hooks__V1__Who *who, size_t *len) {
  Godwit__Hooks__V1__Connection m = GODWIT__HOOKS__V1__CONNECTION__INIT;
  m.who = who;
  m.connection = n->connection;
  m.from = TEXT(gw_conn_state_name(n->from));
  m.to = TEXT(gw_conn_state_name(n->to));
  m.code = n->code;
  m.reason = TEXT(n->code != 0 ? gw_code_text(n->code) : "");
  m.node = TEXT(node);
  return to_json(&m.base, len);
}

static char *event_json(const gw_notice *n, const char *node, texts *t,
                        Godwit__Hooks__V1__Who *who, size_t *len) {
  switch (n->kind) {
  case GW_NOTICE_DISCONNECT:
    return disconnect_json(n, node, who, len);
  case GW_NOTICE_PRESENCE:
    return presence_json(n, node, t, who, len);
  case GW_NOTICE_CONNECTION:
    return connection_json(n, node, who, len);
  case GW_NOTICE_CHANNEL:
    return channel_json(n, node, t, who, len);
  case GW_NOTICE_CONNECT: /* hooks were asked before */
    break;
  }
  return NULL;
}

char *gw_hook_notice_json(const gw_notice *n, const char *node, size_t *len) {
  Godwit__Hooks__V1__Who who;
  texts t;
  if (!texts_init(&t, n->user.len + n->peer.len + n->channel.len +
                          n->member.state.len + n->member.json.len + 8))
    return NULL;
  set_who(&who, &t, n->client, n->user, n->peer);
  char *json = event_json(n, node, &t, &who, len);
  free(t.block);
  return json;
}

/* ---- replies ---------------------------------------------------------------- */

static gw_view view_of_bytes(ProtobufCBinaryData b) {
  return (gw_view){b.data, b.len};
}

static gw_view view_of_json(const Godwit__Hooks__V1__Json *json) {
  return json ? gw_view_of(json->text) : (gw_view){NULL, 0};
}

static void read_refusal(const Godwit__Hooks__V1__Refusal *refusal,
                         gw_verdict *v) {
  if (!refusal) return;
  v->code =
      refusal->code != 0 ? refusal->code : (uint32_t)GW_CODE_PERMISSION_DENIED;
  v->message = gw_view_of(refusal->message);
  v->retry_after_ms = refusal->retry_after_ms;
}

static int read_connect(gw_hook_reply *r) {
  const Godwit__Hooks__V1__ConnectReply *m = (const void *)r->message;
  gw_verdict *v = &r->verdict;
  read_refusal(m->refuse, v);
  v->user = gw_view_of(m->user);
  v->info = view_of_json(m->info);
  v->ttl_ms = m->ttl_ms;
  if (m->n_channels == 0) return 0;
  r->channels = calloc(m->n_channels, sizeof *r->channels);
  if (!r->channels) return GW_ERR_NOMEM;
  for (size_t i = 0; i < m->n_channels; i++)
    r->channels[i] = gw_view_of(m->channels[i]);
  v->channels = r->channels;
  v->num_channels = m->n_channels;
  return 0;
}

static void read_refresh(gw_hook_reply *r) {
  const Godwit__Hooks__V1__RefreshReply *m = (const void *)r->message;
  read_refusal(m->refuse, &r->verdict);
  r->verdict.user = gw_view_of(m->user);
  r->verdict.info = view_of_json(m->info);
  r->verdict.ttl_ms = m->ttl_ms;
}

static void read_subscribe(gw_hook_reply *r) {
  const Godwit__Hooks__V1__SubscribeReply *m = (const void *)r->message;
  read_refusal(m->refuse, &r->verdict);
  r->verdict.ttl_ms = m->ttl_ms;
}

static void read_publish(gw_hook_reply *r) {
  const Godwit__Hooks__V1__PublishReply *m = (const void *)r->message;
  read_refusal(m->refuse, &r->verdict);
  r->verdict.data = view_of_bytes(m->data);
  r->verdict.json = view_of_json(m->json);
  r->verdict.replaces = m->data.len != 0 || m->json != NULL;
}

static void read_rpc(gw_hook_reply *r) {
  const Godwit__Hooks__V1__RpcReply *m = (const void *)r->message;
  read_refusal(m->refuse, &r->verdict);
  r->result.data = view_of_bytes(m->data);
  r->result.json = view_of_json(m->json);
}

static const ProtobufCMessageDescriptor *const types[GW_NUM_HOOKS] = {
    [GW_HOOK_CONNECT] = &godwit__hooks__v1__connect_reply__descriptor,
    [GW_HOOK_REFRESH] = &godwit__hooks__v1__refresh_reply__descriptor,
    [GW_HOOK_SUBSCRIBE] = &godwit__hooks__v1__subscribe_reply__descriptor,
    [GW_HOOK_PUBLISH] = &godwit__hooks__v1__publish_reply__descriptor,
    [GW_HOOK_RPC] = &godwit__hooks__v1__rpc_reply__descriptor,
};

static int take(gw_hook_reply *r, enum gw_config_hook hook) {
  switch (hook) {
  case GW_HOOK_CONNECT:
    return read_connect(r);
  case GW_HOOK_REFRESH:
    read_refresh(r);
    return 0;
  case GW_HOOK_SUBSCRIBE:
    read_subscribe(r);
    return 0;
  case GW_HOOK_PUBLISH:
    read_publish(r);
    return 0;
  default:
    read_rpc(r);
    return 0;
  }
}

/** What no field can say alone. */
static const char *find_fault(const gw_hook_reply *r) {
  const gw_verdict *v = &r->verdict;
  if (v->code >= 1000) return "refuse.code: below 1000";
  if (v->message.len > GW_MAX_REASON_BYTES) return "refuse.message: too long";
  if (v->user.len > GW_MAX_USER_BYTES) return "user: too long";
  if (v->info.len > INFO_BYTES_MAX) return "info: too long";
  if ((v->data.len != 0 && v->json.len != 0) ||
      (r->result.data.len != 0 && r->result.json.len != 0))
    return "data and json: one of them";
  return NULL;
}

int gw_hook_reply_read(gw_hook_reply *r, enum gw_config_hook hook, gw_view json,
                       char *why) {
  *r = (gw_hook_reply){.message = NULL};
  gw_out out = {.cap = json.len * ENCODED_PER_CHAR + 1};
  out.data = malloc(out.cap);
  if (!out.data) return GW_ERR_NOMEM;
  why[0] = '\0';
  int err = gw_json_to_message(types[hook], json, &out, why);
  if (err == 0) {
    r->message =
        protobuf_c_message_unpack(types[hook], NULL, out.len, out.data);
    err = r->message ? take(r, hook) : GW_ERR_NOMEM;
  }
  free(out.data);
  const char *fault = err == 0 ? find_fault(r) : NULL;
  if (fault) strcpy(why, fault);
  if (fault || (err < 0 && err != GW_ERR_NOMEM)) err = GW_ERR_PROTOCOL;
  if (err < 0) gw_hook_reply_deinit(r);
  return err;
}

void gw_hook_reply_deinit(gw_hook_reply *r) {
  if (r->message) protobuf_c_message_free_unpacked(r->message, NULL);
  free(r->channels);
  *r = (gw_hook_reply){.message = NULL};
}
