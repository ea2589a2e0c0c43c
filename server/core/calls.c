/* SPDX-License-Identifier: MIT */
/* calls.c - both halves of a call, and the way between them. */
#include "server/core/calls.h"

#include "server/core/mail.h"
#include "server/core/session.h"

/* ---- tables -------------------------------------------------------------- */

/* Ids are the hub's own counter, so a plain mix serves as hash. */
static uint32_t id_hash(uint32_t id) {
  return id * UINT32_C(0x9E3779B1);
}

static uint32_t next_id(gw_hub *h) {
  if (++h->last_call == 0) h->last_call = 1;
  return h->last_call;
}

static gw_call_open *find_open(const gw_hub *h, uint32_t id) {
  gw_call_open *c;
  HASH_FIND_BYHASHVALUE(hh, h->open_calls, &id, sizeof id, id_hash(id), c);
  return c;
}

static gw_call_sent *find_sent(const gw_hub *h, uint32_t id) {
  gw_call_sent *c;
  HASH_FIND_BYHASHVALUE(hh, h->sent_calls, &id, sizeof id, id_hash(id), c);
  return c;
}

static gw_calls *calls_of(gw_session *s) {
  if (s->calls == NULL) s->calls = gw_mem_zalloc(sizeof *s->calls);
  return s->calls;
}

static bool is_at_limit(const gw_hub *h, uint32_t num) {
  uint32_t max = h->settings->limits.max_calls;
  return max != 0 && num >= max;
}

uint32_t gws_call_timeout(uint32_t wish_ms) {
  if (wish_ms == 0) return GW_REQUEST_TIMEOUT_MS;
  return wish_ms < GW_REQUEST_TIMEOUT_MAX_MS ? wish_ms
                                             : GW_REQUEST_TIMEOUT_MAX_MS;
}

/* ---- the open half ------------------------------------------------------- */

gw_call_open *gws_call_open(gw_hub *h, gw_session *s, uint32_t request,
                            uint32_t timeout_ms) {
  if (s != NULL && calls_of(s) == NULL) return NULL;
  gw_call_open *c = gw_mem_zalloc(sizeof *c);
  if (c == NULL) return NULL;
  c->id = next_id(h);
  c->hub = h;
  c->session = s;
  c->request = request;
  c->timer.kind = GWS_TIMER_CALL;
  HASH_ADD_BYHASHVALUE(hh, h->open_calls, id, sizeof c->id, id_hash(c->id), c);
  if (!GWS_TABLE_HAS(c)) {
    gw_mem_free(c);
    return NULL;
  }
  if (s != NULL) {
    DL_APPEND(s->calls->open, c);
    s->calls->num_open++;
  }
  gws_hub_set_timer(h, &c->timer, timeout_ms);
  return c;
}

void gws_call_cancel(gw_call_open *c) {
  gw_hub *h = c->hub;
  gw_wheel_cancel(&h->wheel, &c->timer);
  HASH_DEL(h->open_calls, c);
  if (c->session != NULL) {
    DL_DELETE(c->session->calls->open, c);
    c->session->calls->num_open--;
  }
  gw_mem_free(c);
}

static void reply_result(gw_session *s, uint32_t request,
                         const gw_rpc_result *result) {
  static const gw_rpc_result nothing = {{NULL, 0}, {NULL, 0}};
  if (result == NULL) result = &nothing;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN + result->data.len +
                                            result->json.len);
  gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = request};
  if (out == NULL)
    gws_reply_error(s, request, GW_CODE_INTERNAL, NULL);
  else
    gws_session_send(s, GW_LANE_CONTROL, out,
                     gw_encode_rpc_result(out, &head, result));
}

static void settle(gw_call_open *c, const gw_error *failure,
                   const gw_rpc_result *result) {
  gw_session *s = c->session;
  uint32_t request = c->request;
  gw_on_reply on_reply = c->on_reply;
  void *arg = c->arg;
  gws_call_cancel(c);
  if (s == NULL)
    on_reply(arg, failure->code, failure->message, result);
  else if (failure->code == GW_CODE_OK)
    reply_result(s, request, result);
  else
    gws_reply_refusal(s, request, failure->code, failure->message,
                      failure->retry_after_ms);
}

void gws_call_finish(gw_call_open *c, uint32_t code, gw_view message,
                     const gw_rpc_result *result) {
  settle(c, &(gw_error){.code = code, .message = message}, result);
}

void gws_call_fail(gw_call_open *c, const gw_error *failure) {
  settle(c, failure, NULL);
}

static void finish_plain(gw_call_open *c, uint32_t code) {
  gws_call_finish(c, code, (gw_view){NULL, 0}, NULL);
}

void gws_calls_on_open_timer(gw_call_open *c) {
  finish_plain(c, GW_CODE_TIMEOUT);
}

gw_call_open *gws_call_find(const gw_session *s, uint32_t request) {
  gw_call_open *c = NULL;
  if (s->calls != NULL) DL_SEARCH_SCALAR(s->calls->open, c, request, request);
  return c;
}

bool gws_call_has_room(const gw_session *s) {
  return s->calls == NULL || !is_at_limit(s->hub, s->calls->num_open);
}

/* ---- the sent half ------------------------------------------------------- */

/** The connection of a client that was opened last: an older one may be dead
 * without having been noticed. */
static gw_session *find_client(const gw_hub *h, uint64_t client) {
  gw_session *found = NULL, *s;
  gw_index_walk walk = {.hash = gws_hub_id_hash(h, client)};
  while ((s = gw_index_next(&h->clients, &walk)) != NULL) {
    if (s->client != client || s->state != GWS_SESSION_OPEN) continue;
    if (found == NULL || s->opened_ms >= found->opened_ms) found = s;
  }
  return found;
}

static void close_sent(gw_hub *h, gw_call_sent *c) {
  gw_wheel_cancel(&h->wheel, &c->timer);
  HASH_DEL(h->sent_calls, c);
  DL_DELETE(c->callee->calls->sent, c);
  c->callee->calls->num_sent--;
  gw_mem_free(c);
}

static gw_call_sent *new_sent(gw_session *callee, uint32_t timeout_ms) {
  gw_hub *h = callee->hub;
  gw_call_sent *c = gw_mem_zalloc(sizeof *c);
  if (c == NULL) return NULL;
  c->id = next_id(h);
  c->callee = callee;
  c->timer.kind = GWS_TIMER_SENT_CALL;
  HASH_ADD_BYHASHVALUE(hh, h->sent_calls, id, sizeof c->id, id_hash(c->id), c);
  if (!GWS_TABLE_HAS(c)) {
    gw_mem_free(c);
    return NULL;
  }
  DL_APPEND(callee->calls->sent, c);
  callee->calls->num_sent++;
  gws_hub_set_timer(h, &c->timer, timeout_ms);
  return c;
}

/** Send an encoded Rpc to a client of this worker. *sent is to be told who
 * wants the answer. The code to refuse with, or OK. */
static uint32_t send_call(gw_session *callee, gw_view body, uint32_t timeout_ms,
                          gw_call_sent **sent) {
  gw_hub *h = callee->hub;
  gw_calls *calls = calls_of(callee);
  if (calls != NULL && is_at_limit(h, calls->num_sent))
    return GW_CODE_LIMIT_REACHED;
  gw_out *out = gws_hub_scratch(h, body.len + GWS_SCRATCH_MIN);
  *sent = calls == NULL || out == NULL ? NULL : new_sent(callee, timeout_ms);
  if (*sent == NULL) {
    gws_hub_nomem(h);
    return GW_CODE_INTERNAL;
  }
  gw_head head = {.type = GW_FRAME_RPC, .request = (*sent)->id};
  gws_session_send(callee, GW_LANE_NORMAL, out, gw_frame_put(out, &head, body));
  return GW_CODE_OK;
}

/** An answer for another worker: the failure, or the result. */
static gw_buf *encode_answer(gw_hub *h, const gw_error *failure,
                             const gw_rpc_result *result) {
  size_t len = result == NULL ? 0 : result->data.len + result->json.len;
  gw_out *out = gws_hub_scratch(h, GWS_SCRATCH_MIN + len);
  int err = GW_ERR_NOMEM;
  if (out != NULL && failure != NULL)
    err = gw_encode_error(out, NULL, failure);
  else if (out != NULL && result != NULL)
    err = gw_encode_rpc_result(out, NULL, result);
  return err < 0 ? NULL : gw_buf_new((gw_view){out->data, out->len}, false);
}

static void post_answer(gw_hub *h, gw_mail *m, const gw_error *failure,
                        const gw_rpc_result *result) {
  uint32_t asker = m->from;
  gws_mail_drop(m);
  m->kind = GWS_MAIL_CALL_DONE;
  m->code = failure != NULL ? failure->code : (uint32_t)GW_CODE_OK;
  m->u.call.is_here = true;
  m->buf = encode_answer(h, failure, result);
  if (m->buf == NULL) {
    gws_hub_nomem(h);
    m->code = GW_CODE_INTERNAL;
  }
  gws_mail_post(h, asker, m);
}

static void finish_sent(gw_hub *h, gw_call_sent *c, const gw_error *failure,
                        const gw_rpc_result *result) {
  gw_mail *m = c->mail;
  gw_call_open *open = m == NULL ? find_open(h, c->open) : NULL;
  close_sent(h, c);
  if (m != NULL)
    post_answer(h, m, failure, result);
  else if (open != NULL && failure != NULL)
    gws_call_fail(open, failure);
  else if (open != NULL)
    gws_call_finish(open, GW_CODE_OK, (gw_view){NULL, 0}, result);
}

void gws_calls_on_sent_timer(gw_call_sent *c) {
  gw_error failure = {.code = GW_CODE_TIMEOUT};
  finish_sent(c->callee->hub, c, &failure, NULL);
}

void gws_call_answered(gw_session *callee, uint32_t id, const gw_error *failure,
                       const gw_rpc_result *result) {
  gw_call_sent *c = find_sent(callee->hub, id);
  /* Too late, or an id that was never given to this client. */
  if (c == NULL || c->callee != callee) return;
  finish_sent(callee->hub, c, failure, result);
}

/* ---- from half to half --------------------------------------------------- */

static gw_mail *new_question(const gw_call_open *c, uint64_t to,
                             uint32_t timeout_ms, gw_buf *body) {
  gw_mail *m = gws_mail_new(GWS_MAIL_CALL, 0);
  if (m == NULL) return NULL;
  m->buf = gw_buf_ref(body);
  m->u.call = (gw_call_mail){.id = c->id, .to = to, .timeout_ms = timeout_ms};
  return m;
}

/** Ask all other workers. */
static uint32_t ask_around(gw_call_open *c, uint64_t to, uint32_t timeout_ms,
                           gw_view body) {
  gw_hub *h = c->hub;
  if (h->num_workers == 1) return GW_CODE_NOT_FOUND;
  gw_buf *buf = gw_buf_new(body, false);
  for (uint32_t i = 0; buf != NULL && i < h->num_workers; i++) {
    if (i == h->worker) continue;
    gw_mail *m = new_question(c, to, timeout_ms, buf);
    if (m == NULL) continue; /* those that were asked may know it */
    c->num_asked++;
    gws_mail_post(h, i, m);
  }
  gw_buf_unref(buf);
  if (c->num_asked != 0) return GW_CODE_OK;
  gws_hub_nomem(h);
  return GW_CODE_INTERNAL;
}

uint32_t gws_call_route(gw_call_open *c, uint64_t to, const gw_rpc *rpc) {
  gw_hub *h = c->hub;
  uint32_t timeout_ms = rpc->timeout_ms;
  gw_out body = {.cap = GWS_SCRATCH_MIN + rpc->data.len + rpc->json.len};
  body.data = gw_mem_alloc(body.cap);
  uint32_t code = GW_CODE_INTERNAL;
  gw_call_sent *sent = NULL;
  if (body.data == NULL || gw_encode_rpc(&body, NULL, rpc) < 0) {
    gws_hub_nomem(h);
    gw_mem_free(body.data);
    return code;
  }
  gw_view bytes = {body.data, body.len};
  gw_session *callee = find_client(h, to);
  if (callee != NULL)
    code = send_call(callee, bytes, timeout_ms, &sent);
  else
    code = ask_around(c, to, timeout_ms, bytes);
  if (sent != NULL) sent->open = c->id;
  gw_mem_free(body.data);
  return code;
}

void gws_calls_on_mail(gw_hub *h, gw_mail *m) {
  gw_session *callee = find_client(h, m->u.call.to);
  gw_call_sent *sent = NULL;
  if (callee == NULL) {
    uint32_t asker = m->from;
    gws_mail_drop(m);
    m->kind = GWS_MAIL_CALL_DONE;
    m->u.call.is_here = false;
    gws_mail_post(h, asker, m);
    return;
  }
  uint32_t code =
      send_call(callee, gw_buf_payload(m->buf), m->u.call.timeout_ms, &sent);
  if (code == GW_CODE_OK)
    sent->mail = m;
  else
    post_answer(h, m, &(gw_error){.code = code}, NULL);
}

static void finish_from_mail(gw_call_open *c, const gw_mail *m) {
  gw_error error = {.code = m->code};
  gw_rpc_result result = {{NULL, 0}, {NULL, 0}};
  gw_view body = {NULL, 0};
  if (m->buf != NULL) body = gw_buf_payload(m->buf);
  int err = m->code == GW_CODE_OK ? gw_decode_rpc_result(body, &result)
                                  : gw_decode_error(body, &error);
  if (err < 0)
    error = (gw_error){.code = GW_CODE_INTERNAL};
  else
    error.code = m->code; /* a body that there was no memory for has none */
  settle(c, &error, &result);
}

void gws_calls_on_done(gw_hub *h, gw_mail *m) {
  gw_call_open *c = find_open(h, m->u.call.id);
  if (c != NULL && m->u.call.is_here)
    finish_from_mail(c, m);
  else if (c != NULL && --c->num_asked == 0)
    finish_plain(c, GW_CODE_NOT_FOUND);
  gw_mail_free(m);
}

/* ---- end ----------------------------------------------------------------- */

void gws_calls_drop(gw_session *s) {
  if (s->calls == NULL) return;
  while (s->calls->open != NULL)
    gws_call_cancel(s->calls->open);
  gw_error failure = {.code = GW_CODE_PEER_GONE};
  while (s->calls->sent != NULL)
    finish_sent(s->hub, s->calls->sent, &failure, NULL);
  gw_mem_free(s->calls);
  s->calls = NULL;
}

void gws_calls_free(gw_hub *h) {
  gw_call_open *c, *next;
  HASH_ITER(hh, h->open_calls, c, next) {
    if (c->session == NULL) finish_plain(c, GW_CODE_SHUTDOWN);
  }
}
