/* SPDX-License-Identifier: MIT */
/* watch.c - connections as they show in a recording: their order, liveness,
 * credit and end. */
#include "server/cli/replay/watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/replay/watch_state.h"

/** Times of lines are rounded. */
#define ROUNDING_MS 2u

/** What is on its way when a recording ends is not missing yet. */
#define ON_ITS_WAY_MS 1000u

/** WebSocket close codes from here on carry a code of ours. */
#define OWN_CLOSE_CODES 4000u

/* ---- telling ---------------------------------------------------------------- */

static void violate(gw_watch *w, const gw_recorded_line *line,
                    const char *section, const char *format, va_list args) {
  char text[1024];
  (void)vsnprintf(text, sizeof text, format, args);
  const gw_violation v = {line, section, text};
  w->hooks.on_violation(w->hooks.user, &v);
}

void gw__violate(gw_watch *w, const char *section, const char *format, ...) {
  va_list args;
  va_start(args, format);
  violate(w, w->line, section, format, args);
  va_end(args);
}

void gw__violate_at(gw_watch *w, const gw_recorded_line *line,
                    const char *section, const char *format, ...) {
  va_list args;
  va_start(args, format);
  violate(w, line, section, format, args);
  va_end(args);
}

void *gw__watch_alloc(gw_watch *w, size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) w->is_out_of_memory = true;
  return memory;
}

/* ---- pings ------------------------------------------------------------------ */

static void open_ping(gw_watch *w, gw__ping *p, const gw_frame *frame) {
  gw_ping m;
  if (gw_decode_ping(frame->body, &m) < 0) return;
  *p = (gw__ping){true, m.time, w->line};
}

static void check_late(gw_watch *w, const gw__conn *c, const gw__ping *p,
                       const char *who) {
  uint64_t ms = w->line->t_ms - p->line->t_ms;
  if (c->ping_timeout_ms == 0 || ms <= c->ping_timeout_ms + ROUNDING_MS) return;
  gw__violate(w, GW__SECTION_CONNECTION,
              "the %s has not answered the Ping of line %u within %u ms", who,
              p->line->number, c->ping_timeout_ms);
}

/** who: whose Pong it is. */
static void close_ping(gw_watch *w, const gw__conn *c, gw__ping *p,
                       const gw_frame *frame, const char *who) {
  gw_ping m;
  if (gw_decode_ping(frame->body, &m) < 0) return;
  if (!p->is_open || p->time != m.time) {
    if (!c->is_cut)
      gw__violate(w, GW__SECTION_CONNECTION,
                  "a Pong of the %s that no Ping asked for", who);
    return;
  }
  check_late(w, c, p, who);
  gw__trip(w, p->line);
  p->is_open = false;
}

/** At the end of a connection, or of the recording. */
static void check_pings(gw_watch *w, gw__conn *c) {
  if (c->server_ping.is_open && !c->is_left)
    check_late(w, c, &c->server_ping, "client");
  if (c->client_ping.is_open && !c->is_told && !c->is_over && !c->is_left)
    check_late(w, c, &c->client_ping, "server");
  c->server_ping.is_open = c->client_ping.is_open = false;
}

/* ---- credit and lanes ------------------------------------------------------- */

static bool is_control(uint8_t type) {
  return type != GW_FRAME_CLOSE && type != GW_FRAME_SERVER_SUBSCRIBED &&
         !gw_type_is_data(type) && !gw_type_is_ignorable(type);
}

/** A message of the server: what it may hold, and whether it may be sent. */
static void check_message(gw_watch *w, gw__conn *c, gw_view message) {
  bool has_data = false, has_control = false;
  gw_frame frame;
  while (gw_recorded_frame(&message, &frame)) {
    has_data = has_data || gw_type_is_data(frame.head.type);
    has_control = has_control || is_control(frame.head.type);
  }
  if (has_data && has_control)
    gw__violate(w, GW__SECTION_CONNECTION,
                "control and data are in one message");
  if (!has_data || !c->has_credit) return;
  if (c->credit <= 0 && c->overdrawn == NULL) c->overdrawn = w->line;
  c->credit -= (int64_t)w->line->wire_bytes;
}

/** What waits when the server ends a connection needs no credit, so it is known
 * later whether it was needed. */
static void check_credit(gw_watch *w, gw__conn *c) {
  if (c->overdrawn != NULL && !c->is_told && !c->is_left &&
      w->line->t_ms - c->overdrawn->t_ms > ON_ITS_WAY_MS)
    gw__violate_at(w, c->overdrawn, GW__SECTION_CREDIT,
                   "data comes, and the client has granted no more");
  c->overdrawn = NULL;
}

static void add_credit(gw__conn *c, const gw_frame *frame) {
  gw_credit m;
  if (gw_decode_credit(frame->body, &m) == 0 && m.bytes <= GW_MAX_CREDIT_BYTES)
    c->credit += (int64_t)m.bytes;
}

/* ---- connections ------------------------------------------------------------ */

static gw__conn *find_conn(const gw_watch *w, uint32_t n) {
  gw__conn *c;
  HASH_FIND(hh, w->conns, &n, sizeof n, c);
  return c;
}

/** What the client has to do about the end of the connection before. */
static void check_return(gw_watch *w, const gw__conn *before) {
  if (before == NULL || before->is_left || before->code == 0) return;
  uint64_t ms = w->line->t_ms - before->ended_ms;
  if (gw_code_class(before->code) == GW_CLASS_TERMINAL)
    gw__violate(
        w, GW__SECTION_CONNECTION,
        "connection %u ended with %s, which is terminal, and the client "
        "came back",
        before->n, gw_code_name(before->code));
  else if (ms + ROUNDING_MS < before->retry_after_ms)
    gw__violate(w, GW__SECTION_CONNECTION,
                "the client came back after %" PRIu64
                " ms, and was told %s to stay away for %u ms",
                ms, gw_code_name(before->code), before->retry_after_ms);
}

/** No more comes of it. */
static void end(gw_watch *w, gw__conn *c) {
  if (c->is_over) return;
  check_pings(w, c);
  check_credit(w, c);
  c->is_over = true;
  gw__streams_leave(w, c);
}

static gw__conn *begin(gw_watch *w, uint32_t n) {
  gw__conn *c = gw__watch_alloc(w, sizeof *c);
  if (c == NULL) return NULL;
  c->n = n;
  HASH_ADD(hh, w->conns, n, sizeof c->n, c);
  if (w->last != NULL) end(w, w->last);
  check_return(w, w->last);
  w->last = c;
  return c;
}

static void on_closed(gw_watch *w, gw__conn *c) {
  const gw_recorded_line *line = w->line;
  end(w, c);
  if (c->is_told || c->is_left) return;
  c->ended_ms = line->t_ms;
  c->retry_after_ms = line->retry_after_ms;
  if (line->code > OWN_CLOSE_CODES) c->code = line->code - OWN_CLOSE_CODES;
}

/* ---- frames ----------------------------------------------------------------- */

/** Whether a side may send it at all. */
static bool is_of_server(uint8_t type) {
  return type == GW_FRAME_WELCOME || type == GW_FRAME_PING ||
         type == GW_FRAME_PONG || type == GW_FRAME_CLOSE ||
         type == GW_FRAME_ERROR || type == GW_FRAME_OK ||
         type == GW_FRAME_PUBLISHED || type == GW_FRAME_RPC_RESULT ||
         type == GW_FRAME_REFRESHED || type == GW_FRAME_SENT ||
         type == GW_FRAME_SERVER_SUBSCRIBED || gw_type_is_data(type);
}

static bool is_of_client(uint8_t type) {
  return !is_of_server(type) || type == GW_FRAME_PING ||
         type == GW_FRAME_PONG || type == GW_FRAME_CLOSE ||
         type == GW_FRAME_ERROR || type == GW_FRAME_RPC ||
         type == GW_FRAME_RPC_RESULT;
}

static void on_welcome(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  gw_welcome m;
  if (gw_decode_welcome(frame->body, &m) < 0) return;
  c->is_welcome = true;
  c->ping_timeout_ms = m.ping_timeout_ms;
  c->has_credit = (m.features & c->hello_features & GW_FEATURE_CREDIT) != 0;
  w->client = m.client;
}

static void on_hello(gw__conn *c, const gw_frame *frame) {
  gw_hello m;
  if (gw_decode_hello(frame->body, &m) < 0) return;
  c->has_hello = true;
  c->hello_features = m.features;
  c->credit = m.credit_bytes;
}

static void on_close(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  gw_close m;
  if (gw_decode_close(frame->body, &m) < 0) return;
  c->is_told = true;
  c->ended_ms = w->line->t_ms;
  c->code = m.code;
  c->retry_after_ms = m.retry_after_ms;
}

static void frame_out(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  uint8_t type = frame->head.type;
  bool is_first = !c->has_hello && !c->is_cut;
  if (is_first != (type == GW_FRAME_HELLO) && !c->is_cut)
    gw__violate(w, GW__SECTION_CONNECTION, "%s is %s frame of the client",
                gw_type_name(type), is_first ? "the first" : "a later");
  if (c->is_left)
    gw__violate(w, GW__SECTION_CONNECTION, "%s after the client's Close",
                gw_type_name(type));
  if (!is_of_client(type))
    gw__violate(w, GW__SECTION_FRAMES, "%s is no frame of a client",
                gw_type_name(type));
  if (type == GW_FRAME_HELLO) on_hello(c, frame);
  if (type == GW_FRAME_CREDIT) add_credit(c, frame);
  if (type == GW_FRAME_PING) open_ping(w, &c->client_ping, frame);
  if (type == GW_FRAME_PONG) close_ping(w, c, &c->server_ping, frame, "client");
  if (type == GW_FRAME_CLOSE) c->is_left = true;
  if (type == GW_FRAME_ERROR || type == GW_FRAME_RPC_RESULT)
    (void)gw__request_answer(w, &c->calls, c->is_cut, frame, true);
  gw__stream_out(w, c, frame, gw__request_begin(w, &c->requests, frame));
}

/** The request that a frame of the server answers. */
static gw__request *answered(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  gw_presence_snapshot snapshot;
  uint8_t type = frame->head.type;
  if (type == GW_FRAME_RPC) {
    (void)gw__request_begin(w, &c->calls, frame);
    return NULL;
  }
  if (type == GW_FRAME_PING || type == GW_FRAME_PONG) return NULL;
  bool is_last = type != GW_FRAME_PRESENCE_SNAPSHOT ||
                 gw_decode_presence_snapshot(frame->body, &snapshot) < 0 ||
                 !snapshot.more;
  return gw__request_answer(w, &c->requests, c->is_cut, frame, is_last);
}

static void frame_in(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  uint8_t type = frame->head.type;
  if (c->is_told)
    gw__violate(w, GW__SECTION_CONNECTION, "%s after the server's Close",
                gw_type_name(type));
  if (!is_of_server(type))
    gw__violate(w, GW__SECTION_FRAMES, "%s is no frame of a server",
                gw_type_name(type));
  else if (!c->is_welcome && !c->is_cut && type != GW_FRAME_WELCOME &&
           type != GW_FRAME_CLOSE && type != GW_FRAME_ERROR)
    gw__violate(w, GW__SECTION_CONNECTION, "%s comes before Welcome",
                gw_type_name(type));
  if (type == GW_FRAME_WELCOME) on_welcome(w, c, frame);
  if (type == GW_FRAME_CLOSE) on_close(w, c, frame);
  if (type == GW_FRAME_PING) open_ping(w, &c->server_ping, frame);
  if (type == GW_FRAME_PONG) close_ping(w, c, &c->client_ping, frame, "server");
  gw__stream_in(w, c, frame, answered(w, c, frame));
}

/** Names of streams come and go with frames, so that it is looked for before and
 * after. */
static gw_view channel_of(gw__conn *c, const gw_frame *frame) {
  const gw__stream *s = gw__stream_of(c, &frame->head);
  gw_publish publish;
  if (s != NULL) return s->name;
  if (frame->head.type == GW_FRAME_PUBLISH &&
      gw_decode_publish(frame->body, &publish) == 0)
    return publish.channel;
  return (gw_view){NULL, 0};
}

static bool is_known(uint8_t type) {
  return strcmp(gw_type_name(type), "UNKNOWN") != 0;
}

/** Room for any message. */
typedef union any_message {
#define MEMBER(M) gw_##M M;
  GW_MESSAGES(MEMBER)
#undef MEMBER
} any_message;

static bool is_well_formed(const gw_frame *frame) {
  static const struct {
    uint8_t type;
    enum gw_message_id id;
  } messages[] = {
#define ROW(TYPE, M) {GW_FRAME_##TYPE, GW_MESSAGE_##M}
      ROW(HELLO, hello),
      ROW(WELCOME, welcome),
      ROW(PING, ping),
      ROW(PONG, ping),
      ROW(CLOSE, close),
      ROW(ERROR, error),
      ROW(SUBSCRIBE, subscribe),
      ROW(SUBSCRIBED, subscribed),
      ROW(UNSUBSCRIBED, unsubscribed),
      ROW(PUBLISH, publish),
      ROW(PUBLISHED, published),
      ROW(PUBLICATION, publication),
      ROW(RECOVERY, recovery),
      ROW(LAGGED, lagged),
      ROW(PRESENCE_SET, presence_set),
      ROW(PRESENCE_GET, presence_get),
      ROW(PRESENCE_SNAPSHOT, presence_snapshot),
      ROW(PRESENCE_DIFF, presence_diff),
      ROW(RPC, rpc),
      ROW(RPC_RESULT, rpc_result),
      ROW(REFRESH, refresh),
      ROW(REFRESHED, refreshed),
      ROW(SERVER_SUBSCRIBED, server_subscribed),
      ROW(CHANNEL_META, channel_meta),
      ROW(MESSAGE, message),
      ROW(SEND, send),
      ROW(SENT, sent),
      ROW(CREDIT, credit),
#undef ROW
  };
  any_message m;
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    if (messages[i].type == frame->head.type)
      return gw_decode(frame->body, messages[i].id, &m) == 0;
  return true; /* it has no body */
}

static void on_frame(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  uint8_t type = frame->head.type;
  bool is_opaque =
      (frame->head.flags & (GW_FLAG_MORE | GW_FLAG_COMPRESSED)) != 0;
  gw_view before = channel_of(c, frame);
  if (!is_known(type)) {
    if (!gw_type_is_ignorable(type))
      gw__violate(w, GW__SECTION_FRAMES, "a frame of the unknown type %u",
                  type);
  } else if (is_opaque) {
    gw__violate(w, GW__SECTION_FRAMES,
                "%s is cut or compressed in a way that is not known here",
                gw_type_name(type));
  } else if (!is_well_formed(frame)) {
    gw__violate(w, GW__SECTION_FRAMES, "the body of %s is malformed",
                gw_type_name(type));
  } else if (w->line->type == GW_RECORDED_OUT) {
    frame_out(w, c, frame);
  } else {
    frame_in(w, c, frame);
  }
  gw_view after = channel_of(c, frame);
  w->hooks.on_frame(w->hooks.user, w->line, frame,
                    after.len > 0 ? after : before);
}

static void on_message(gw_watch *w, gw__conn *c) {
  gw_view rest = w->line->bytes;
  if (w->line->type == GW_RECORDED_IN) check_message(w, c, rest);
  while (rest.len > 0) {
    gw_frame frame;
    int64_t used = gw_frame_parse(rest, GW_MAX_FRAME_BYTES_HARD, &frame);
    if (used <= 0) {
      gw__violate(w, GW__SECTION_FRAMES,
                  used == 0 ? "the message ends inside a frame"
                            : "%zu bytes of the message are no frame",
                  rest.len);
      return;
    }
    on_frame(w, c, &frame);
    rest.data += used;
    rest.len -= (size_t)used;
  }
}

/* ---- lines ------------------------------------------------------------------ */

static void on_line(gw_watch *w, gw__conn *c) {
  switch (w->line->type) {
  case GW_RECORDED_CUT:
    c->is_cut = true;
    break;
  case GW_RECORDED_OUT:
  case GW_RECORDED_IN:
    on_message(w, c);
    break;
  case GW_RECORDED_TEXT:
    gw__violate(w, "Encodings", "a text message where binary ones were agreed");
    break;
  case GW_RECORDED_CLOSE:
    /* Of an end that came before it is only the other half. */
    c->is_left = c->is_left || (!c->is_told && !c->is_over);
    break;
  case GW_RECORDED_CLOSED:
    on_closed(w, c);
    break;
  default:
    break;
  }
}

int gw_watch_line(gw_watch *w, const gw_recorded_line *line) {
  w->line = line;
  if (line->n == 0) return 0;
  gw__conn *c = find_conn(w, line->n);
  if (c == NULL) c = begin(w, line->n);
  if (c != NULL) on_line(w, c);
  return w->is_out_of_memory ? GW_ERR_NOMEM : 0;
}

void gw_watch_finish(gw_watch *w) {
  gw__conn *c, *next;
  HASH_ITER(hh, w->conns, c, next) {
    if (c->is_over) continue;
    check_pings(w, c);
    check_credit(w, c);
  }
}

const gw_round_trips *gw_watch_round_trips(const gw_watch *w) {
  return &w->trips;
}

gw_watch *gw_watch_new(const gw_watch_hooks *hooks) {
  gw_watch *w = calloc(1, sizeof *w);
  if (w != NULL) w->hooks = *hooks;
  return w;
}

/* A walk takes out what it stands on, which so is in the table, and the next is
 * another.
 * NOLINTBEGIN(clang-analyzer-unix.Malloc,clang-analyzer-core.NullDereference) */

static void free_conns(gw_watch *w) {
  gw__conn *c, *next;
  HASH_ITER(hh, w->conns, c, next) {
    gw__requests_free(&c->requests);
    gw__requests_free(&c->calls);
    gw__streams_free(c);
    HASH_DEL(w->conns, c);
    free(c);
  }
}

void gw_watch_free(gw_watch *w) {
  gw__known *known, *next_known;
  gw__sent *sent, *next_sent;
  if (w == NULL) return;
  free_conns(w);
  HASH_ITER(hh, w->known, known, next_known) {
    HASH_DEL(w->known, known);
    free(known);
  }
  HASH_ITER(hh, w->sent, sent, next_sent) {
    HASH_DEL(w->sent, sent);
    free(sent);
  }
  free(w);
}

/* NOLINTEND(clang-analyzer-unix.Malloc,clang-analyzer-core.NullDereference) */
