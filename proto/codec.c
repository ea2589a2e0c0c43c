/* SPDX-License-Identifier: MIT */
/* codec.c - messages to bytes and back, by nanopb. The only file that sees what
 * nanopb generates: its structs are filled here from ours, and ours from its.
 */
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "frame.h"
#include "godwit.pb.h"

/* ---- text, bytes and lists ---------------------------------------------- */

/*
 * nanopb also hands a scalar to a field callback, copied to its own stack. A
 * view of that would dangle, so the stream over a body carries a mark that
 * nanopb's own streams have not, by which a slice of the body is known.
 */
#ifdef PB_BUFFER_ONLY
static int body_mark;
#define BODY_MARK (&body_mark)
#else
static bool body_read(pb_istream_t *stream, pb_byte_t *to, size_t num) {
  const uint8_t *at = stream->state;
  memcpy(to, at, num);
  stream->state = (void *)(at + num);
  return true;
}
#define BODY_MARK (&body_read)
#endif

static pb_istream_t open_body(gw_view body) {
  pb_istream_t stream = pb_istream_from_buffer(body.data, body.len);
  stream.callback = BODY_MARK;
  return stream;
}

/** Consume the rest of a stream over a body, without copying. */
static gw_view take_rest(pb_istream_t *stream) {
  gw_view rest = {stream->state, stream->bytes_left};
  stream->state = (void *)(rest.data + rest.len);
  stream->bytes_left = 0;
  return rest;
}

static bool is_list(const pb_field_t *field) {
  return PB_LTYPE(field->type) == PB_LTYPE_SUBMESSAGE;
}

static bool decode_field(pb_istream_t *stream, const pb_field_t *field) {
  if (stream->callback != BODY_MARK) return false; /* wrong wire type */
  gw_view slice = take_rest(stream);
  if (is_list(field)) {
    /* The items stay in the body, among its other fields, for gw_list_next. */
    gw_list *list = field->pData;
    list->tag = field->tag;
    list->num++;
  } else {
    *(gw_view *)field->pData = slice;
  }
  return true;
}

static bool encode_view(pb_ostream_t *stream, const pb_field_t *field,
                        gw_view v) {
  return pb_encode_tag_for_field(stream, field) &&
         pb_encode_string(stream, v.data, v.len);
}

static bool encode_field(pb_ostream_t *stream, const pb_field_t *field) {
  if (!is_list(field)) {
    gw_view v = *(const gw_view *)field->pData;
    return v.len == 0 || encode_view(stream, field, v);
  }
  gw_list list = *(const gw_list *)field->pData;
  gw_view item;
  while (gw_list_next(&list, &item)) {
    if (!encode_view(stream, field, item)) return false;
  }
  return true;
}

bool gw__codec_field(pb_istream_t *istream, pb_ostream_t *ostream,
                     const pb_field_t *field) {
  return istream != NULL ? decode_field(istream, field)
                         : encode_field(ostream, field);
}

/** Find the next field of the list's tag in the rest of its body. */
static bool find_item(gw_list *list, gw_view *item) {
  pb_istream_t stream = open_body(list->rest);
  pb_istream_t slice;
  pb_wire_type_t type;
  uint32_t tag;
  bool eof;
  while (pb_decode_tag(&stream, &type, &tag, &eof)) {
    if (tag != list->tag) {
      if (!pb_skip_field(&stream, type)) return false;
      continue;
    }
    if (!pb_make_string_substream(&stream, &slice)) return false;
    *item = take_rest(&slice);
    if (!pb_close_string_substream(&stream, &slice)) return false;
    list->rest = take_rest(&stream);
    return true;
  }
  return false;
}

bool gw_list_next(gw_list *list, gw_view *item) {
  if (list->num == 0) return false;
  if (list->items != NULL) {
    *item = *list->items++;
  } else if (!find_item(list, item)) {
    return false;
  }
  list->num--;
  return true;
}

/* ---- whole messages ------------------------------------------------------ */

static int encode(gw_out *out, const gw_head *head, const pb_msgdesc_t *desc,
                  const void *pb) {
  size_t room = out->cap - out->len;
  uint8_t *to = room != 0 ? out->data + out->len : out->data;
  pb_ostream_t stream = pb_ostream_from_buffer(to, room);
  if (!pb_encode(&stream, desc, pb)) return GW_ERR_FULL;
  size_t body_len = stream.bytes_written;
  if (head == NULL) {
    out->len += body_len;
    return 0;
  }
  /* The length stands in front and is known only now: encoding once and moving
   * the body by a few bytes is cheaper than encoding twice. */
  uint8_t front[GW_FRAME_HEAD_MAX];
  int front_len = gw__head_put(front, head, body_len);
  if (front_len < 0) return front_len;
  if (room - body_len < (size_t)front_len) return GW_ERR_FULL;
  memmove(to + front_len, to, body_len);
  memcpy(to, front, (size_t)front_len);
  out->len += (size_t)front_len + body_len;
  return 0;
}

static int decode(gw_view body, const pb_msgdesc_t *desc, void *pb) {
  pb_istream_t stream = open_body(body);
  /* The caller has zeroed it, and in proto3 that is every default. */
  return pb_decode_ex(&stream, desc, pb, PB_DECODE_NOINIT) ? 0
                                                           : GW_ERR_PROTOCOL;
}

/*
 * One row per message: our name, the schema's name, and its fields, each
 *   F(name)               the same in both structs
 *   E(name, type)         an enum, a number in ours
 *   M(name, ours, type)   a nested message, always sent
 *   L(name)               a repeated message
 */
/* clang-format off */
#define HELLO(F, E, M, L)                                                      \
  F(version) F(features) F(instance) F(token) F(resume) F(ping_interval_ms)    \
  F(agent) F(user) F(credit_bytes)
#define LIMITS(F, E, M, L)                                                     \
  F(max_frame_bytes) F(max_message_bytes) F(max_channel_bytes)                 \
  F(max_subscriptions) F(max_presence_bytes) F(max_calls) F(max_queue_bytes)   \
  F(publish_per_second)
#define WELCOME(F, E, M, L)                                                    \
  F(version) F(features) F(connection) F(client) F(user)                       \
  M(limits, limits, Limits) F(ping_interval_ms) F(ping_timeout_ms) F(time_ms)  \
  F(server) F(node) F(resume) F(resumed) F(token_ttl_ms)
#define PING(F, E, M, L) F(time)
#define CLOSE(F, E, M, L)                                                      \
  E(code, Code) F(reason) F(retry_after_ms) F(spread_ms) F(endpoint)
#define ERROR(F, E, M, L) E(code, Code) F(message) F(retry_after_ms) F(field)
#define SUBSCRIBE(F, E, M, L)                                                  \
  F(channel) F(recover) F(epoch) F(offset) F(token) E(overflow, Overflow)      \
  F(presence)
#define SUBSCRIBED(F, E, M, L)                                                 \
  F(epoch) F(offset) E(result, RecoveryResult) E(gap, GapReason) F(gap_from)   \
  F(gap_to) F(live)
#define UNSUBSCRIBED(F, E, M, L) E(code, Code) F(reason)
#define PUBLISH(F, E, M, L)                                                    \
  F(channel) F(data) F(json) F(key) F(after) F(no_echo) F(compare) F(epoch)    \
  F(offset) F(ttl_ms) F(item)
#define PUBLISHED(F, E, M, L) F(epoch) F(offset) F(duplicate)
#define PUBLICATION(F, E, M, L)                                                \
  F(offset) F(data) F(json) F(client) F(key) F(user) F(time_ms) F(no_echo)     \
  F(item)
#define RECOVERY(F, E, M, L)                                                   \
  F(from) F(to) F(live) E(gap, GapReason) F(gap_from) F(gap_to)
#define LAGGED(F, E, M, L) F(from) F(to) F(count) E(reason, GapReason)
#define PRESENCE_SET(F, E, M, L) F(state) F(data) F(json)
#define PRESENCE_GET(F, E, M, L) F(channel)
#define PRESENCE_MEMBER(F, E, M, L)                                            \
  F(client) F(user) F(state) F(data) F(json) F(since_ms)
#define PRESENCE_SNAPSHOT(F, E, M, L) F(version) L(members) F(more)
#define PRESENCE_CHANGE(F, E, M, L)                                            \
  E(kind, PresenceKind) M(member, presence_member, PresenceMember)
#define PRESENCE_DIFF(F, E, M, L) F(version) L(changes)
#define RPC(F, E, M, L)                                                        \
  F(method) F(data) F(json) F(timeout_ms) F(to) F(from) F(from_user)
#define RPC_RESULT(F, E, M, L) F(data) F(json)
#define REFRESH(F, E, M, L) F(token)
#define REFRESHED(F, E, M, L) F(token_ttl_ms)
#define CREDIT(F, E, M, L) F(bytes)
/* clang-format on */

#define PUT_F(name)       pb->name = m->name;
#define PUT_E(name, type) pb->name = (godwit_v1_##type)m->name;
#define PUT_M(name, ours, type) \
  pb->has_##name = true;        \
  put_##ours(&pb->name, &m->name);
#define PUT_L(name) pb->name = m->name;

#define GET_F(name)             m->name = pb->name;
#define GET_E(name, type)       m->name = (uint32_t)pb->name;
#define GET_M(name, ours, type) get_##ours(&m->name, &pb->name, body);
#define GET_L(name)   \
  m->name = pb->name; \
  m->name.rest = body;

#define MAP(ours, type, FIELDS)                                      \
  static void put_##ours(godwit_v1_##type *pb, const gw_##ours *m) { \
    FIELDS(PUT_F, PUT_E, PUT_M, PUT_L)                               \
  }                                                                  \
  static void get_##ours(gw_##ours *m, const godwit_v1_##type *pb,   \
                         gw_view body) {                             \
    (void)body; /* only lists look at it */                          \
    FIELDS(GET_F, GET_E, GET_M, GET_L)                               \
  }

#define CODEC(ours, type, FIELDS)                                              \
  MAP(ours, type, FIELDS)                                                      \
  int gw_encode_##ours(gw_out *out, const gw_head *head, const gw_##ours *m) { \
    godwit_v1_##type pb = {0};                                                 \
    put_##ours(&pb, m);                                                        \
    return encode(out, head, godwit_v1_##type##_fields, &pb);                  \
  }                                                                            \
  int gw_decode_##ours(gw_view body, gw_##ours *m) {                           \
    godwit_v1_##type pb = {0};                                                 \
    int err = decode(body, godwit_v1_##type##_fields, &pb);                    \
    if (err == 0) get_##ours(m, &pb, body);                                    \
    return err;                                                                \
  }

MAP(limits, Limits, LIMITS)
CODEC(hello, Hello, HELLO)
CODEC(welcome, Welcome, WELCOME)
CODEC(ping, Ping, PING)
CODEC(close, Close, CLOSE)
CODEC(error, Error, ERROR)
CODEC(subscribe, Subscribe, SUBSCRIBE)
CODEC(subscribed, Subscribed, SUBSCRIBED)
CODEC(unsubscribed, Unsubscribed, UNSUBSCRIBED)
CODEC(publish, Publish, PUBLISH)
CODEC(published, Published, PUBLISHED)
CODEC(publication, Publication, PUBLICATION)
CODEC(recovery, Recovery, RECOVERY)
CODEC(lagged, Lagged, LAGGED)
CODEC(presence_set, PresenceSet, PRESENCE_SET)
CODEC(presence_get, PresenceGet, PRESENCE_GET)
CODEC(presence_member, PresenceMember, PRESENCE_MEMBER)
CODEC(presence_snapshot, PresenceSnapshot, PRESENCE_SNAPSHOT)
CODEC(presence_change, PresenceChange, PRESENCE_CHANGE)
CODEC(presence_diff, PresenceDiff, PRESENCE_DIFF)
CODEC(rpc, Rpc, RPC)
CODEC(rpc_result, RpcResult, RPC_RESULT)
CODEC(refresh, Refresh, REFRESH)
CODEC(refreshed, Refreshed, REFRESHED)
CODEC(credit, Credit, CREDIT)
