/* SPDX-License-Identifier: MIT */
/* handshake.c - Hello and Welcome. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "server/core/conn_state.h"
#include "server/core/grants.h"
#include "server/core/mem.h"
#include "server/core/meter.h"
#include "server/core/pack.h"
#include "server/core/resume.h"
#include "server/core/session.h"

#define SERVER_NAME "godwit/" GW_VERSION

/** Connections of one client that a worker keeps: one is in use, the others are
 * dead and not noticed yet, of a client whose network comes and goes. */
#define MAX_PER_CLIENT 16u

/** The public id of a client: it shows that two connections are of the same
 * client without giving away the instance, which is a secret. */
static uint64_t public_id(gw_view instance) {
  uint8_t hash[crypto_generichash_BYTES];
  uint64_t id = 0;
  crypto_generichash(hash, sizeof hash, instance.data, instance.len, NULL, 0);
  for (unsigned i = 0; i < sizeof id; i++)
    id |= (uint64_t)hash[i] << (8 * i);
  return id != 0 ? id : 1;
}

/** Bytes of data that the client grants; 0: the feature is off. */
static uint32_t credit_of(const gw_hello *hello) {
  return (hello->features & GW_FEATURE_CREDIT) != 0 ? hello->credit_bytes : 0;
}

/** Deltas are of binary messages; JSON is for who wants it simple. */
static bool reads_deltas(const gw_session *s, const gw_hello *hello) {
  return s->encoding == GW_ENCODING_BINARY &&
         (hello->features & GW_FEATURE_DELTA) != 0;
}

/** Whether it is sent compressed bodies: it asks, nobody minds. */
static bool is_packed(const gw_session *s, const gw_hello *hello) {
  return s->encoding == GW_ENCODING_BINARY && !s->is_plain &&
         gw_settings_packs(s->hub->settings) &&
         (hello->features & GW_FEATURE_COMPRESSION) != 0 &&
         hello->codec == GW_CODEC_LZ4;
}

static uint64_t features_of(const gw_session *s) {
  return (s->has_credit ? GW_FEATURE_CREDIT : 0u) |
         (s->has_delta ? GW_FEATURE_DELTA : 0u) |
         (s->pack_from != GW_PACK_NEVER ? GW_FEATURE_COMPRESSION : 0u) |
         (s->is_resumable ? GW_FEATURE_RESUME : 0u);
}

/** Why a Hello is not taken; GW_CODE_OK. */
static uint32_t check(const gw_hello *hello) {
  if (hello->version != GW_PROTOCOL_VERSION) return GW_CODE_VERSION;
  if (credit_of(hello) > GW_MAX_CREDIT_BYTES) return GW_CODE_PROTOCOL;
  if (hello->instance.len != GW_INSTANCE_BYTES) return GW_CODE_BAD_REQUEST;
  if (hello->user.len > GW_MAX_USER_BYTES ||
      hello->agent.len > GW_MAX_AGENT_BYTES ||
      hello->token.len > GW_MAX_TOKEN_BYTES)
    return GW_CODE_TOO_BIG;
  if (!gw_view_is_text(hello->user) || !gw_view_is_text(hello->agent) ||
      !gw_view_is_text(hello->token))
    return GW_CODE_BAD_TEXT;
  return GW_CODE_OK;
}

static bool remember_names(gw_session *s, gw_view user, gw_view agent) {
  if (user.len + agent.len == 0) return true;
  uint8_t *texts = gw_mem_realloc(s->texts, s->peer_len + user.len + agent.len);
  if (texts == NULL) return false;
  uint8_t *at = texts + s->peer_len;
  if (user.len != 0) memcpy(at, user.data, user.len);
  if (agent.len != 0) memcpy(at + user.len, agent.data, agent.len);
  s->texts = texts;
  s->user_len = (uint8_t)user.len;
  s->agent_len = (uint8_t)agent.len;
  return true;
}

static uint32_t agree_on_interval(const gw_hub *h, uint32_t wish_ms) {
  if (wish_ms == 0) return h->settings->ping_interval_ms;
  if (wish_ms < GW_PING_INTERVAL_MIN_MS) return GW_PING_INTERVAL_MIN_MS;
  if (wish_ms > GW_PING_INTERVAL_MAX_MS) return GW_PING_INTERVAL_MAX_MS;
  return wish_ms;
}

/** A copied instance must not make the table of clients long in one place: the
 * oldest connection has to go. */
static void make_room(gw_hub *h, uint64_t client, uint32_t hash) {
  gw_session *oldest = NULL, *s;
  unsigned num = 0;
  gw_index_walk walk = {.hash = hash};
  while ((s = gw_index_next(&h->clients, &walk)) != NULL) {
    if (s->client != client || s->state != GWS_SESSION_OPEN) continue;
    if (oldest == NULL || s->opened_ms < oldest->opened_ms) oldest = s;
    num++;
  }
  if (num >= MAX_PER_CLIENT) gws_session_end(oldest, GW_CODE_REPLACED, NULL);
}

/** Whether somebody vouches for the user's name. */
static bool is_vouched_for(const gw_hub *h, const gw_verdict *v) {
  bool is_good =
      (h->port.ask != NULL && !v->is_only_claimed) || h->settings->trusts_names;
  return is_good && v->user.len != 0;
}

static bool open_session(gw_session *s, const gw_hello *hello, uint64_t client,
                         const gw_verdict *v) {
  gw_hub *h = s->hub;
  uint32_t hash = gws_hub_id_hash(h, client);
  if (!remember_names(s, v->user, hello->agent) || gws_identity_set(s, v) < 0)
    return false;
  s->is_known = is_vouched_for(h, v);
  make_room(h, client, hash);
  s->client = client;
  if (gws_session_enlist(s, hash) < 0) {
    s->client = 0;
    return false;
  }
  s->opened_ms = gws_hub_clock(h);
  s->active_ms = INT64_MIN / 2;
  s->ping_interval_ms = agree_on_interval(h, hello->ping_interval_ms);
  s->out.credit = (int32_t)credit_of(hello);
  s->has_credit = s->out.credit != 0;
  s->has_delta = reads_deltas(s, hello);
  if (is_packed(s, hello)) s->pack_from = GWS_PACK_FLOOR;
  s->state = GWS_SESSION_OPEN;
  gw_stat_add(&h->stats.sessions, 1);
  gws_conn_opened(s);
  return true;
}

static void send_welcome(gw_session *s, uint32_t request,
                         const gw_hello *hello) {
  gw_hub *h = s->hub;
  uint8_t space[GWS_RESUME_BYTES];
  gw_view resume = gws_resume_offer(s, hello, space);
  gw_out *out = gws_hub_scratch(h, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_WELCOME, .request = request};
  gw_welcome msg = {.version = GW_PROTOCOL_VERSION,
                    .features = features_of(s),
                    .connection = s->connection,
                    .client = s->client,
                    .user = gws_session_user(s),
                    .limits = h->settings->limits,
                    .ping_interval_ms = s->ping_interval_ms,
                    .ping_timeout_ms = h->settings->ping_timeout_ms,
                    .time_ms = h->wall_ms,
                    .token_ttl_ms = gws_identity_ttl_ms(s),
                    .resume = resume,
                    .resumed = s->resumed != NULL,
                    .server = gw_view_of(SERVER_NAME),
                    .node = gw_view_of(h->settings->node)};
  gws_session_send(s, GW_LANE_CONTROL, out,
                   gw_encode_welcome(out, &head, &msg));
}

/** Whether it has been ended before it is let in: *v says by what. */
static bool is_ended(gw_session *s, uint64_t client, gw_verdict *v) {
  gw_hub *h = s->hub;
  if (!gws_is_revoked(h, v, (gw_view){NULL, 0}))
    return gws_acts_end(h, gws_hold_wait(s), client, v);
  gw_stat_add(&h->stats.revoked_total, 1);
  *v = (gw_verdict){.code = GW_CODE_TOKEN_REVOKED};
  return true;
}

/** Who it is, as is known from before, or as somebody says: without anybody to ask, who it says. */
static enum gws_answer identify(gw_session *s, const gw_frame *f,
                                const gw_hello *hello, uint64_t client,
                                gw_verdict *v) {
  gw_question q = {.kind = GW_ASK_CONNECT,
                   .client = client,
                   .user = hello->user,
                   .agent = hello->agent,
                   .token = hello->token};
  enum gws_answer answer = gws_resume(s, f, hello, v);
  if (answer == GWS_ANSWER_NO) answer = gws_ask(s, f, &q, v);
  if (s->hub->port.ask == NULL) v->user = hello->user;
  if (answer == GWS_ANSWER_YES && is_ended(s, client, v))
    answer = GWS_ANSWER_NO;
  return answer;
}

void gws_turn_away(gw_session *s, const gw_verdict *v) {
  char reason[GW_MAX_REASON_BYTES + 1];
  size_t len = v->message.len < sizeof reason ? v->message.len : 0;
  if (len != 0) memcpy(reason, v->message.data, len);
  reason[len] = '\0';
  gw_stat_add(&s->hub->stats.refused_total, 1);
  gws_session_end_later(s, v->code, len != 0 ? reason : NULL, v->retry_after_ms,
                        v->retry_after_ms);
}

/** Subscribe it to channels, which the client did not ask for. */
static void grant_channels(gw_session *s, const gw_view *channels,
                           size_t num_channels) {
  for (size_t i = 0; i < num_channels; i++) {
    if (s->state != GWS_SESSION_OPEN) return;
    gws_grant_unasked(s, channels[i]);
  }
}

static void tell_beginning(const gw_session *s) {
  gw_hub *h = s->hub;
  if (h->port.tell == NULL) return;
  gw_notice n = {.kind = GW_NOTICE_CONNECT,
                 .conn = s->conn,
                 .session = s->handle,
                 .client = s->client,
                 .user = gws_session_user(s),
                 .connection = s->connection,
                 .peer = gws_session_peer(s),
                 .is_known = s->is_known};
  h->port.tell(h->user, &n);
}

/** Where only users are welcome, and this is none. */
static bool is_stranger(const gw_session *s, const gw_verdict *v) {
  const gw_bond *bond = gws_session_bond(s);
  return bond != NULL && bond->needs_user && !is_vouched_for(s->hub, v);
}

static void welcome(gw_session *s, uint32_t request, const gw_hello *hello,
                    uint64_t client, const gw_verdict *v) {
  if (!open_session(s, hello, client, v)) {
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    return;
  }
  send_welcome(s, request, hello);
  tell_beginning(s);
  if (s->state != GWS_SESSION_OPEN) return;
  if (!gws_meter_begin(s)) {
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    return;
  }
  const gw_bond *bond = gws_session_bond(s);
  grant_channels(s, v->channels, v->num_channels);
  if (bond != NULL) grant_channels(s, bond->channels, bond->num_channels);
  gws_acts_do(s, gws_hold_wait(s));
  if (s->state == GWS_SESSION_OPEN) gws_liveness_begin(s);
}

void gws_serve_hello(gw_session *s, const gw_frame *f) {
  if (s->state != GWS_SESSION_NEW) {
    gws_session_end(s, GW_CODE_PROTOCOL, "a second Hello");
    return;
  }
  gw_hello hello;
  if (gw_decode_hello(f->body, &hello) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Hello cannot be decoded");
    return;
  }
  uint32_t code = check(&hello);
  if (code != GW_CODE_OK) {
    if (code == GW_CODE_BAD_TEXT) gw_stat_add(&s->hub->stats.bad_text_total, 1);
    gws_session_end(s, code, NULL);
    return;
  }
  gw_verdict v;
  uint64_t client = public_id(hello.instance);
  enum gws_answer answer = identify(s, f, &hello, client, &v);
  if (answer == GWS_ANSWER_YES && is_stranger(s, &v)) {
    v = (gw_verdict){.code = GW_CODE_TOKEN_INVALID,
                     .message = gw_view_of("nobody is let in here without "
                                           "proof of who it is")};
    answer = GWS_ANSWER_NO;
  }
  if (answer == GWS_ANSWER_YES)
    welcome(s, f->head.request, &hello, client, &v);
  else if (answer == GWS_ANSWER_NO)
    gws_turn_away(s, &v);
}
