/* SPDX-License-Identifier: MIT */
/* player.c - the port of a core that lives in a recording: its clock, its
 * transport, its host. */
#include "server/cli/replay/player.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/replay/player_state.h"
#include "server/cli/replay/trace.h"

/** Turns that the core may take at one time: more is a loop of ours. */
#define MAX_TURNS 10000u

/* ---- port ------------------------------------------------------------------- */

static void port_open(void *user, uint32_t generation, gw_view endpoint) {
  gw__player *p = user;
  (void)endpoint;
  p->generation = generation;
  p->is_wanted = true;
}

static void port_send(void *user, uint32_t generation, gw_view message) {
  gw__player *p = user;
  gw_frame frame;
  if (generation != p->generation) return;
  while (gw_recorded_frame(&message, &frame)) {
    gw__due_add(p, frame.head.type, frame.head.request, 0);
  }
}

static void port_close(void *user, uint32_t generation, uint32_t code,
                       gw_view reason) {
  gw__player *p = user;
  if (generation != p->generation) return;
  p->is_wanted = false;
  gw_trace_put(p->shown, p->now_ms, "closes", "%u %.*s", code, (int)reason.len,
               reason.len > 0 ? (const char *)reason.data : "");
}

static void port_set_timer(void *user, uint64_t delay_ms) {
  gw__player *p = user;
  p->timer_ms = delay_ms == UINT64_MAX ? UINT64_MAX : p->now_ms + delay_ms;
}

static uint64_t port_now(void *user) {
  const gw__player *p = user;
  return p->now_ms;
}

/** The core draws waits by this: the shortest, so that it is ahead of the recorded
 * client rather than behind. One of tokens, a part of their life that is taken off
 * at random, comes out as the largest part as well. */
static uint64_t port_random(void *user) {
  const gw__player *p = user;
  uint64_t range = p->token_tenth + 1;
  return (UINT64_C(1) << 32) / range * range - 1;
}

static void port_event(void *user, const gw_event *e) {
  gw__player *p = user;
  gw_trace_event(p->shown, p->client, e);
  if (e->type == GW_EVENT_CALL && p->num_rpcs > 0) {
    gw__pair_set(p, &p->calls, p->rpcs[0], e->u.call.call);
    memmove(p->rpcs, p->rpcs + 1, --p->num_rpcs * sizeof *p->rpcs);
  } else if (e->type == GW_EVENT_TOKEN) {
    gw__asked *asked = calloc(1, sizeof *asked);
    if (asked == NULL) {
      p->err = GW_ERR_NOMEM;
      return;
    }
    *asked = (gw__asked){p->asked, e->u.token.ask, e->u.token.sub};
    p->asked = asked;
  }
}

static void port_log(void *user, enum gw_log_level level, const char *text) {
  gw__player *p = user;
  if (level <= GW_LOG_WARN)
    gw_trace_put(p->shown, p->now_ms, "log", "%s", text);
}

/* ---- time ------------------------------------------------------------------- */

/** A connection waits until the recorded client opened one; what waits in it,
 * subscriptions and publications that were refused, does not. */
static void hold_back(gw__player *p, bool is_held_back) {
  gw_retry_policy never = gw_retry_default;
  never.base_ms = never.cap_ms = UINT32_MAX;
  never.jitter_permille = 0;
  if (p->is_held_back == is_held_back) return;
  p->is_held_back = is_held_back;
  gw_client_set_retry(p->client, is_held_back ? &never : &gw_retry_default);
}

static void take_turns(gw__player *p) {
  for (unsigned i = 0; i < MAX_TURNS && p->timer_ms <= p->now_ms; i++) {
    p->timer_ms = UINT64_MAX;
    gw_client_on_timer(p->client);
  }
}

void gw__player_settle(gw__player *p) {
  gw_client_info info;
  take_turns(p);
  gw_client_info_get(p->client, &info);
  if (info.state != GW_STATE_WAITING && info.state != GW_STATE_SUSPENDED)
    return;
  hold_back(p, true);
  take_turns(p);
}

/** With each wish of the core on the way. */
static void go_to(gw__player *p, uint64_t t_ms) {
  for (unsigned i = 0; i < MAX_TURNS && p->timer_ms <= t_ms; i++) {
    if (p->timer_ms > p->now_ms) p->now_ms = p->timer_ms;
    gw__player_settle(p);
  }
  p->now_ms = t_ms;
}

/* ---- what the client did ---------------------------------------------------- */

/** on_frame for each frame of a message. */
static void each_frame(gw__player *p, const gw_recorded_line *line,
                       void (*on_frame)(gw__player *, const gw_recorded_line *,
                                        const gw_frame *)) {
  gw_view rest = line->bytes;
  gw_frame frame;
  while (gw_recorded_frame(&rest, &frame)) {
    on_frame(p, line, &frame);
  }
}

static void move_ahead(gw__player *p, const gw_recorded_line *line,
                       const gw_frame *frame) {
  (void)line;
  if (frame->head.type == GW_FRAME_SUBSCRIBE) gw__player_move(p, frame);
}

/** What leaves with Hello the application wanted before the connection opened. */
static void want_first_message(gw__player *p, const gw_recorded_line *open) {
  const gw_recorded_line *end = p->recording->lines + p->recording->num_lines;
  for (const gw_recorded_line *line = open + 1; line < end; line++) {
    if (line->n != open->n || line->type == GW_RECORDED_OPENED) continue;
    if (line->type == GW_RECORDED_OUT) each_frame(p, line, move_ahead);
    return;
  }
}

static void on_open(gw__player *p, const gw_recorded_line *line) {
  hold_back(p, false);
  want_first_message(p, line);
  if (!p->is_wanted) {
    int err = gw_client_connect(p->client);
    if (err < 0) p->err = err;
    gw__player_settle(p);
  }
  gw__player_give_token(p, 0);
  gw__player_settle(p);
  if (p->is_wanted) {
    p->n = line->n;
    return;
  }
  gw_client_info info;
  gw_client_info_get(p->client, &info);
  gw_trace_put(p->shown, p->now_ms, "differs",
               "the recorded client connects in line %u, the core does not: it "
               "is %s",
               line->number, gw_state_name(info.state));
}

static void move(gw__player *p, const gw_recorded_line *line,
                 const gw_frame *frame) {
  uint8_t type = frame->head.type;
  if (!gw__due_is_early(p, type)) {
    gw__player_move(p, frame);
    gw__player_settle(p);
  }
  gw__due_add(p, type, frame->head.request, line->number);
}

/** The recorded client closed: so has the core, or it sees no reason. */
static void on_close(gw__player *p, const gw_recorded_line *line) {
  if (!p->is_wanted) return;
  gw_trace_put(
      p->shown, p->now_ms, "differs",
      "the recorded client gave the connection up in line %u (%u), the "
      "core did not",
      line->number, line->code);
  p->is_wanted = false;
  gw_client_on_closed(p->client, p->generation, 0, (gw_view){NULL, 0});
}

/* ---- what it was told ------------------------------------------------------- */

/** A token that a message lets live. */
static uint64_t ttl_of(const gw_frame *frame) {
  gw_welcome welcome;
  gw_subscribed subscribed;
  gw_refreshed refreshed;
  if (frame->head.type == GW_FRAME_WELCOME &&
      gw_decode_welcome(frame->body, &welcome) == 0)
    return welcome.token_ttl_ms;
  if (frame->head.type == GW_FRAME_SUBSCRIBED &&
      gw_decode_subscribed(frame->body, &subscribed) == 0)
    return subscribed.token_ttl_ms;
  if (frame->head.type == GW_FRAME_REFRESHED &&
      gw_decode_refreshed(frame->body, &refreshed) == 0)
    return refreshed.token_ttl_ms;
  return 0;
}

static bool is_answer(const gw_head *head) {
  return head->request != 0 && head->type != GW_FRAME_RPC &&
         head->type != GW_FRAME_PING && head->type != GW_FRAME_PONG;
}

/** The publication whose delta is not in the recording, with what has its
 * length. */
static int put_frame(const gw__player *p, gw_out *out, const gw_frame *frame,
                     const gw_head *head) {
  gw_publication m;
  if (p->recording->has_payloads || head->type != GW_FRAME_PUBLICATION ||
      gw_decode_publication(frame->body, &m) < 0 || m.delta.len == 0)
    return gw_frame_put(out, head, frame->body);
  m.data = m.delta;
  m.delta = (gw_view){NULL, 0};
  m.delta_base = 0;
  return gw_encode_publication(out, head, &m);
}

/** Frames with the numbers that the core gave its requests. What is no frame goes
 * as it is. Each frame is fed by itself, as each may let a token live. */
static void on_in(gw__player *p, const gw_recorded_line *line) {
  gw_view rest = line->bytes;
  gw_frame frame;
  gw_out out = {.cap = rest.len + GW_FRAME_HEAD_MAX};
  out.data = malloc(out.cap);
  if (out.data == NULL) {
    p->err = GW_ERR_NOMEM;
    return;
  }
  while (gw_recorded_frame(&rest, &frame)) {
    gw_head head = frame.head;
    if (is_answer(&head))
      head.request = gw__pair_core(p->requests, head.request, head.request);
    if (head.type == GW_FRAME_RPC && p->num_rpcs < 64)
      p->rpcs[p->num_rpcs++] = head.request;
    p->token_tenth = ttl_of(&frame) / 10;
    out.len = 0;
    if (put_frame(p, &out, &frame, &head) == 0)
      gw_client_on_data(p->client, p->generation, (gw_view){out.data, out.len},
                        rest.len == 0);
  }
  free(out.data);
  p->token_tenth = 0;
  if (rest.len > 0) gw_client_on_data(p->client, p->generation, rest, true);
}

static void on_closed(gw__player *p, const gw_recorded_line *line) {
  if (p->is_wanted) {
    p->is_wanted = false;
    if (line->retry_after_ms != 0)
      gw_client_on_refused(p->client, p->generation, line->code,
                           line->retry_after_ms, line->bytes);
    else
      gw_client_on_closed(p->client, p->generation, line->code, line->bytes);
  }
  gw__player_settle(p);
  gw__due_end(p);
  p->n = 0;
}

/* ---- lines ------------------------------------------------------------------ */

static void play_connection(gw__player *p, const gw_recorded_line *line) {
  switch (line->type) {
  case GW_RECORDED_OPENED:
    gw_client_on_open(p->client, p->generation);
    break;
  case GW_RECORDED_OUT:
    each_frame(p, line, move);
    break;
  case GW_RECORDED_IN:
    if (p->is_wanted) on_in(p, line);
    break;
  case GW_RECORDED_CLOSE:
    on_close(p, line);
    break;
  case GW_RECORDED_CLOSED:
    on_closed(p, line);
    break;
  default:
    break;
  }
}

static void play(gw__player *p, const gw_recorded_line *line) {
  go_to(p, line->t_ms);
  if (line->type == GW_RECORDED_OPEN) {
    if (p->n != 0) gw__due_end(p);
    on_open(p, line);
  } else if (line->type == GW_RECORDED_WAKE) {
    gw_client_on_wake(p->client, (enum gw_wake)line->code);
  } else if (line->type == GW_RECORDED_NOTE) {
    gw_trace_put(p->shown, p->now_ms, "note", "%s",
                 (const char *)line->bytes.data);
  } else if (line->type == GW_RECORDED_CUT) {
    gw_trace_put(p->shown, p->now_ms, "differs",
                 "connection %u is cut in front and is not played", line->n);
  } else if (line->n == p->n) {
    play_connection(p, line);
  }
  gw__player_settle(p);
}

/* ---- the client ------------------------------------------------------------- */

/** What the first Hello, and the first Publish, say about the options. */
typedef struct found {
  bool has_hello;
  gw_hello hello;
  uint64_t first_key;
} found;

static void look_at(found *f, const gw_frame *frame) {
  gw_publish publish;
  if (frame->head.type == GW_FRAME_HELLO && !f->has_hello) {
    f->has_hello = gw_decode_hello(frame->body, &f->hello) == 0;
  } else if (frame->head.type == GW_FRAME_PUBLISH &&
             gw_decode_publish(frame->body, &publish) == 0 &&
             publish.key != 0 &&
             (f->first_key == 0 || publish.key < f->first_key)) {
    f->first_key = publish.key;
  }
}

static void find_options(const gw_recording *r, found *f) {
  for (size_t i = 0; i < r->num_lines; i++) {
    gw_view rest = r->lines[i].bytes;
    gw_frame frame;
    if (r->lines[i].type != GW_RECORDED_OUT) continue;
    while (gw_recorded_frame(&rest, &frame)) {
      look_at(f, &frame);
    }
  }
}

/** What the core would not say of itself is left out. */
static gw_view usable(gw_view text, size_t max) {
  return text.len <= max && gw_view_is_text(text) ? text : (gw_view){NULL, 0};
}

static uint32_t credit_of(const gw_hello *hello) {
  if ((hello->features & GW_FEATURE_CREDIT) == 0) return GW_CREDIT_NONE;
  return hello->credit_bytes < GW_MAX_CREDIT_BYTES ? hello->credit_bytes
                                                   : GW_MAX_CREDIT_BYTES;
}

static gw_client *new_client(gw__player *p) {
  static const uint8_t instance[GW_INSTANCE_BYTES];
  found f = {0};
  gw_view endpoint = gw_view_of("recording");
  find_options(p->recording, &f);
  const gw_client_options options = {
      .endpoints = &endpoint,
      .num_endpoints = 1,
      .user = usable(f.hello.user, GW_MAX_USER_BYTES),
      .agent = usable(f.hello.agent, GW_MAX_AGENT_BYTES),
      .instance = {instance, sizeof instance},
      .first_key = f.first_key,
      .ping_interval_ms = f.hello.ping_interval_ms,
      .credit_bytes = credit_of(&f.hello),
      .max_frame_bytes = GW_MAX_FRAME_BYTES_HARD,
      .asks_token = f.hello.token.len > 0,
  };
  const gw_port port = {.open = port_open,
                        .send = port_send,
                        .close = port_close,
                        .set_timer = port_set_timer,
                        .now = port_now,
                        .random = port_random,
                        .event = port_event,
                        .log = port_log};
  p->last_key = f.first_key != 0 ? f.first_key - 1 : 0;
  return gw_client_new(&options, &port, p);
}

static void deinit(gw__player *p) {
  while (p->asked != NULL) {
    gw__asked *next = p->asked->next;
    free(p->asked);
    p->asked = next;
  }
  gw__pairs_free(&p->subs);
  gw_client_free(p->client);
}

int gw_player_run(const gw_recording *r, const gw_timeline *shown) {
  gw__player p = {
      .recording = r, .shown = shown, .timer_ms = UINT64_MAX, .now_ms = 1};
  p.client = new_client(&p);
  if (p.client == NULL) return GW_ERR_NOMEM;
  for (size_t i = 0; i < r->num_lines && p.err == 0; i++)
    play(&p, &r->lines[i]);
  gw__due_end(&p);
  deinit(&p);
  return p.err;
}
