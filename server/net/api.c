/* SPDX-License-Identifier: MIT */
/* api.c - the API from C: encoded, and typed for what is done most. */
#include "server/net/api.h"

#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/net/server.h"
#include "server/observe/wall_clock.h"

/* ---- to a worker ------------------------------------------------------------ */

/** A question on its way to its worker, with its bytes behind it. */
typedef struct question {
  gw_task task;
  const gw_api_method *method;
  uint64_t asked_ms;
  gw_on_api_reply on_reply;
  void *arg;
  bool is_unread; /* as of gw_caller */
  size_t len;
  uint8_t request[];
} question;

static void run_question(gw_task *task, gw_worker *w) {
  static const gw_view none;
  question *q = (question *)(void *)task;
  gw_caller caller = {
      .is_trusted = true, .is_unread = q->is_unread, .asked_ms = q->asked_ms};
  gw_view request = {q->request, q->len};
  if (w)
    gw_hub_api(w->hub, gw_api_name(q->method), &caller, request, q->on_reply,
               q->arg);
  else
    q->on_reply(q->arg, GW_CODE_SHUTDOWN, none, none);
  free(q);
}

/** Workers take turns, but for what one of them owns: two questions about that on
 * two ways could overtake each other. */
static gw_worker *worker_for(gw_server *s, const gw_api_method *m,
                             gw_view request) {
  uint32_t owner = gw_api_owner(s->workers[0]->hub, m, request);
  if (owner != GW_API_ANY) return s->workers[owner];
  return s->workers[atomic_fetch_add(&s->next_asked, 1) % s->num_workers];
}

static int post(gw_server *s, const gw_api_method *m, gw_view request,
                bool is_unread, gw_on_api_reply on_reply, void *arg) {
  question *q = malloc(sizeof *q + request.len);
  if (!q) return GW_ERR_NOMEM;
  *q = (question){.task = {.run = run_question},
                  .method = m,
                  .asked_ms = gw_wall_ms(),
                  .on_reply = on_reply,
                  .arg = arg,
                  .is_unread = is_unread,
                  .len = request.len};
  if (request.len != 0) memcpy(q->request, request.data, request.len);
  gw_worker_post_task(worker_for(s, m, request), &q->task);
  return 0;
}

int gw__server_ask(gw_server *s, const gw_api_method *m, gw_view request,
                   gw_on_api_reply on_reply, void *arg) {
  return post(s, m, request, false, on_reply, arg);
}

static void ignore_reply(void *arg, uint32_t code, gw_view message,
                         gw_view reply) {
  (void)arg;
  (void)code;
  (void)message;
  (void)reply;
}

int gw_server_api(gw_server *s, const char *method, gw_view request,
                  gw_server_on_reply on_reply, void *arg) {
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  if (!m) return GW_ERR_NOT_FOUND;
  return post(s, m, request, true, on_reply ? on_reply : ignore_reply, arg);
}

/* ---- typed ------------------------------------------------------------------ */

/** Who is told what came of a typed question. */
typedef struct typed {
  union {
    gw_server_on_published published;
    gw_server_on_done done;
    gw_server_on_result result;
  } on;
  void *arg;
} typed;

/** Encode and ask; on_reply frees the typed. */
static int ask(gw_server *s, const char *method, const ProtobufCMessage *msg,
               gw_on_api_reply on_reply, typed t) {
  size_t len = protobuf_c_message_get_packed_size(msg);
  uint8_t *bytes = malloc(len + 1);
  typed *kept = malloc(sizeof *kept);
  int err = GW_ERR_NOMEM;
  if (bytes && kept) {
    *kept = t;
    protobuf_c_message_pack(msg, bytes);
    err = post(s, gw_api_find(gw_view_of(method)), (gw_view){bytes, len}, true,
               on_reply, kept);
  }
  if (err < 0) free(kept);
  free(bytes);
  return err;
}

static typed take_typed(void *arg) {
  typed t = *(typed *)arg;
  free(arg);
  return t;
}

/** Whether a C string of it would be another text. */
static bool has_nul(gw_view v) {
  return v.len != 0 && memchr(v.data, '\0', v.len) != NULL;
}

/** C strings of views: protobuf-c's. Freed by the caller. */
static char *copy_text(gw_view v) {
  char *text = malloc(v.len + 1);
  if (!text) return NULL;
  if (v.len != 0) memcpy(text, v.data, v.len);
  text[v.len] = '\0';
  return text;
}

static char *or_empty(const char *text) {
  return (char *)(uintptr_t)(text ? text : "");
}

static ProtobufCBinaryData bytes_of(gw_view v) {
  return (ProtobufCBinaryData){v.len, (uint8_t *)(uintptr_t)v.data};
}

static void on_publish_reply(void *arg, uint32_t code, gw_view message,
                             gw_view reply) {
  typed t = take_typed(arg);
  Godwit__Api__V1__PublishReply *r = NULL;
  if (!t.on.published) return;
  if (code == GW_CODE_OK)
    r = godwit__api__v1__publish_reply__unpack(NULL, reply.len, reply.data);
  if (code == GW_CODE_OK && (!r || !r->position)) code = GW_CODE_INTERNAL;
  bool is_good = code == GW_CODE_OK;
  t.on.published(t.arg, code, message, is_good ? r->position->epoch : 0,
                 is_good ? r->position->offset : 0);
  if (r) godwit__api__v1__publish_reply__free_unpacked(r, NULL);
}

/** Tags as protobuf-c has them. */
typedef struct tags {
  Godwit__Api__V1__Tag of[GW_MAX_TAGS];
  Godwit__Api__V1__Tag *all[GW_MAX_TAGS];
} tags;

static void set_tags(Godwit__Api__V1__PublishRequest *q, tags *t,
                     const gw_server_publication *p) {
  q->tags = t->all;
  for (size_t i = 0; i < p->num_tags && i < GW_MAX_TAGS; i++) {
    godwit__api__v1__tag__init(&t->of[i]);
    t->of[i].name = or_empty(p->tags[i].name);
    t->of[i].value = or_empty(p->tags[i].value);
    t->all[i] = &t->of[i];
    q->n_tags++;
  }
}

int gw_server_publish(gw_server *s, const gw_server_publication *p,
                      gw_server_on_published on_published, void *arg) {
  Godwit__Api__V1__PublishRequest q = GODWIT__API__V1__PUBLISH_REQUEST__INIT;
  Godwit__Api__V1__Position compare = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  tags t;
  if (p->num_tags > GW_MAX_TAGS || has_nul(p->json)) return GW_ERR_INVALID;
  char *text = copy_text(p->json);
  if (!text) return GW_ERR_NOMEM;
  q.channel = or_empty(p->channel);
  q.data = bytes_of(p->data);
  json.text = text;
  if (p->json.len != 0) q.json = &json;
  q.ttl_ms = p->ttl_ms;
  q.idempotency_key = or_empty(p->idempotency_key);
  q.user = or_empty(p->user);
  q.item = or_empty(p->item);
  q.removed = p->removed;
  set_tags(&q, &t, p);
  compare.epoch = p->epoch;
  compare.offset = p->offset;
  if (p->compare) q.compare = &compare;
  if (p->compare_item) q.compare_item = &compare;
  int err = ask(s, "publish", &q.base, on_publish_reply,
                (typed){.on.published = on_published, .arg = arg});
  free(text);
  return err;
}

static void on_disconnect_reply(void *arg, uint32_t code, gw_view message,
                                gw_view reply) {
  typed t = take_typed(arg);
  Godwit__Api__V1__DisconnectReply *r = NULL;
  if (!t.on.done) return;
  if (code == GW_CODE_OK)
    r = godwit__api__v1__disconnect_reply__unpack(NULL, reply.len, reply.data);
  if (code == GW_CODE_OK && !r) code = GW_CODE_INTERNAL;
  t.on.done(t.arg, code, message, r ? r->connections : 0);
  if (r) godwit__api__v1__disconnect_reply__free_unpacked(r, NULL);
}

int gw_server_disconnect(gw_server *s, const gw_server_who *who, uint32_t code,
                         const char *reason, gw_server_on_done on_done,
                         void *arg) {
  Godwit__Api__V1__DisconnectRequest q =
      GODWIT__API__V1__DISCONNECT_REQUEST__INIT;
  q.user = or_empty(who->user);
  q.client = who->client;
  q.connection = who->connection;
  q.code = code;
  q.reason = or_empty(reason);
  return ask(s, "disconnect", &q.base, on_disconnect_reply,
             (typed){.on.done = on_done, .arg = arg});
}

static void on_rpc_reply(void *arg, uint32_t code, gw_view message,
                         gw_view reply) {
  typed t = take_typed(arg);
  Godwit__Api__V1__RpcReply *r = NULL;
  gw_rpc_result result = {.data = {NULL, 0}};
  if (!t.on.result) return;
  if (code == GW_CODE_OK)
    r = godwit__api__v1__rpc_reply__unpack(NULL, reply.len, reply.data);
  if (code == GW_CODE_OK && !r) code = GW_CODE_INTERNAL;
  if (r) result.data = (gw_view){r->data.data, r->data.len};
  if (r && r->json) result.json = gw_view_of(r->json->text);
  t.on.result(t.arg, code, message, code == GW_CODE_OK ? &result : NULL);
  if (r) godwit__api__v1__rpc_reply__free_unpacked(r, NULL);
}

int gw_server_rpc(gw_server *s, const gw_rpc *rpc,
                  gw_server_on_result on_result, void *arg) {
  Godwit__Api__V1__RpcRequest q = GODWIT__API__V1__RPC_REQUEST__INIT;
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  if (has_nul(rpc->method) || has_nul(rpc->json)) return GW_ERR_INVALID;
  char *method = copy_text(rpc->method), *text = copy_text(rpc->json);
  int err = GW_ERR_NOMEM;
  if (method && text) {
    q.client = rpc->to;
    q.method = method;
    q.data = bytes_of(rpc->data);
    json.text = text;
    if (rpc->json.len != 0) q.json = &json;
    q.timeout_ms = rpc->timeout_ms;
    err = ask(s, "rpc", &q.base, on_rpc_reply,
              (typed){.on.result = on_result, .arg = arg});
  }
  free(method);
  free(text);
  return err;
}
