/* SPDX-License-Identifier: MIT */
/* link.c - connections between clients and hubs: what is sent is late, in pieces,
 * or lost. */
#include <stdlib.h>
#include <string.h>

#include "server/core/channel.h"
#include "tests/sim/node_parts.h"

static void link_flush(void *arg);

void sim_link_plan_flush(sim_link *l) {
  if (l->flush_planned) return;
  l->flush_planned = true;
  world_after(l->node->w, 0, link_flush, l);
}

/* ---- pieces -------------------------------------------------------------- */

static uint64_t latency(const sim_node *n) {
  return world_between(n->w, 0, n->plan->latency_max_ms);
}

static bool session_there(const sim_link *l) {
  return l->session != NULL && sim_worker_is_alive(l->worker);
}

static void end_session(sim_link *l, uint32_t code) {
  if (!session_there(l)) return;
  gw_session *s = l->session;
  l->session = NULL;
  sim_worker_enter(l->worker);
  gw_session_closed(s, code);
  sim_worker_plan(l->worker);
}

static void tell_closed(sim_link *l, uint32_t code) {
  if (l->client_gone) return;
  l->client_gone = true;
  l->events->on_closed(l->app, l, code);
}

static void up_arrives(void *arg);
static void down_arrives(void *arg);

/** What a slow reader takes for a piece, at most. */
#define SLOW_MS 30u

/** How long what is sent now takes: it comes after what was sent before. */
static uint64_t arrival(sim_link *l, pipe_way *way) {
  uint64_t at = l->node->w->now_ms + latency(l->node);
  if (at < way->last_ms) at = way->last_ms;
  if (way == &l->down && l->slow_until_ms > l->node->w->now_ms)
    at += world_between(l->node->w, 0, SLOW_MS);
  way->last_ms = at;
  return at - l->node->w->now_ms;
}

static void send_piece(sim_link *l, bool to_server, gw_view bytes, bool end) {
  piece *p = malloc(sizeof *p + bytes.len);
  if (p == NULL) abort();
  p->next = NULL;
  p->end = end;
  p->len = bytes.len;
  if (bytes.len > 0) memcpy(p->bytes, bytes.data, bytes.len);
  if (!to_server) l->in_flight += (uint32_t)bytes.len;
  pipe_way *way = to_server ? &l->up : &l->down;
  if (way->first == NULL)
    way->first = p;
  else
    way->last->next = p;
  way->last = p;
  world_after(l->node->w, arrival(l, way),
              to_server ? up_arrives : down_arrives, l);
}

static void send_message(sim_link *l, bool to_server, gw_view m) {
  world *w = l->node->w;
  while (l->node->plan->split && m.len > 1 && world_chance(w, 600)) {
    size_t cut = (size_t)world_between(w, 1, m.len - 1);
    send_piece(l, to_server, (gw_view){m.data, cut}, false);
    m = (gw_view){m.data + cut, m.len - cut};
  }
  send_piece(l, to_server, m, true);
}

static void arrive_at_server(sim_link *l, const piece *p) {
  if (!session_there(l) || l->closing) return;
  sim_worker_enter(l->worker);
  (void)!gw_session_feed(l->session, (gw_view){p->bytes, p->len}, p->end);
  sim_worker_plan(l->worker);
}

static void arrive_at_client(sim_link *l, const piece *p) {
  l->in_flight -= (uint32_t)p->len;
  if (!l->client_gone)
    l->events->on_data(l->app, l, (gw_view){p->bytes, p->len}, p->end);
  if (session_there(l)) sim_link_plan_flush(l);
}

/** Whether a piece is lost on its way. */
static bool is_lost(sim_link *l, pipe_way *way) {
  if (l->silent || (way->fails && way->left == 0)) return true;
  if (way->fails) way->left--;
  return false;
}

static piece *take_piece(pipe_way *way) {
  piece *p = way->first;
  if (p != NULL) way->first = p->next;
  return p;
}

static bool put_off(sim_link *l, uint64_t until_ms, sim_fn fn) {
  world *w = l->node->w;
  if (until_ms <= w->now_ms || l->silent) return false;
  world_after(w, until_ms - w->now_ms, fn, l);
  return true;
}

static void up_arrives(void *arg) {
  sim_link *l = arg;
  if (put_off(l, l->stalled_until_ms, up_arrives)) return;
  piece *p = take_piece(&l->up);
  if (p == NULL) return;
  if (!is_lost(l, &l->up)) arrive_at_server(l, p);
  free(p);
}

static void down_arrives(void *arg) {
  sim_link *l = arg;
  uint64_t until = l->stalled_until_ms;
  if (l->held_until_ms > until) until = l->held_until_ms;
  if (put_off(l, until, down_arrives)) return;
  piece *p = take_piece(&l->down);
  if (p == NULL) return;
  if (!is_lost(l, &l->down)) arrive_at_client(l, p);
  free(p);
}

static void server_close_arrives(void *arg) {
  sim_link *l = arg;
  uint64_t until = l->stalled_until_ms;
  if (l->held_until_ms > until) until = l->held_until_ms;
  if (put_off(l, until, server_close_arrives)) return;
  if (!is_lost(l, &l->down)) tell_closed(l, l->close_code);
}

static void server_close_done(void *arg) {
  end_session(arg, 0);
}

static bool is_well(const sim_link *l) {
  return session_there(l) && !l->client_gone && !l->client_closed &&
         !l->silent && !l->up.fails && !l->down.fails && !l->closing;
}

void sim_node_check_calm(const sim_node *n) {
  uint64_t num_links = 0, num_sessions = 0, queued = 0;
  for (const sim_link *l = n->links; l != NULL; l = l->next) {
    if (!is_well(l)) continue;
    num_links++;
    sim_watch_check_calm(&l->watch);
  }
  for (uint32_t i = 0; n->up && i < n->plan->num_workers; i++) {
    const gw_hub *h = n->worker[i]->hub;
    queued += gw_stat_get(&gw_hub_stats(h)->queue_bytes);
    num_sessions += gw_hub_num_sessions(h);
  }
  if (queued != 0)
    world_fail(n->w, "%llu bytes are still queued", (unsigned long long)queued);
  if (num_sessions != num_links)
    world_fail(n->w, "%llu sessions are left for %llu links",
               (unsigned long long)num_sessions, (unsigned long long)num_links);
}

/** Answers and refusals of requests that are allowed at a time. */
#define CONTROL_BYTES 4096u

/** What waits for one reader stays below its cap: data by the settings, and what
 * is said of the connection, which is little. */
static void check_cap(const sim_link *l) {
  uint32_t cap = l->node->settings.limits.max_queue_bytes + CONTROL_BYTES;
  if (l->session->out.bytes > cap)
    world_fail(l->node->w, "%u bytes wait for one reader",
               l->session->out.bytes);
}

/** The lane of a message; of control when its channel is gone, or not told. */
static enum gw_lane_id lane_of(const sim_link *l, const gw_buf *b) {
  gw_frame f;
  if (gw_frame_parse(gw_buf_payload(b), UINT32_MAX, &f) <= 0 ||
      !gw_type_is_data(f.head.type))
    return GW_LANE_CONTROL;
  if (f.head.type == GW_FRAME_MESSAGE || f.head.type == GW_FRAME_RPC)
    return GW_LANE_NORMAL;
  const gw_channel *ch = gws_channel_by_number(l->worker->hub, f.head.channel);
  return ch != NULL ? gws_channel_lane(ch) : GW_LANE_CONTROL;
}

/** What is of a lane waits for what is of those before it. */
static void check_lane(const sim_link *l, enum gw_lane_id next,
                       const gw_buf *first) {
  enum gw_lane_id lane = lane_of(l, first);
  if (lane > next && !l->closing)
    world_fail(l->node->w, "lane %u goes before lane %u", (unsigned)lane,
               (unsigned)next);
}

static void look_at_welcome(sim_link *l, const gw_buf *first) {
  gw_frame f;
  gw_welcome w;
  if (gw_frame_parse(gw_buf_payload(first), UINT32_MAX, &f) > 0 &&
      f.head.type == GW_FRAME_WELCOME && gw_decode_welcome(f.body, &w) == 0)
    l->is_resumed = w.resumed;
}

/** Hand what the hub has to the link, as far as the link takes it. */
static void link_flush(void *arg) {
  sim_link *l = arg;
  l->flush_planned = false;
  if (!session_there(l)) return;
  gw_buf *bufs[8];
  check_cap(l);
  sim_worker_enter(l->worker);
  while (l->in_flight < l->node->plan->window_bytes) {
    enum gw_lane_id next = gw_outq_next_lane(&l->session->out);
    size_t num = gw_session_take(l->session, bufs, 8, 16384);
    if (num == 0) break;
    check_lane(l, next, bufs[0]);
    look_at_welcome(l, bufs[0]);
    for (size_t i = 0; i < num; i++) {
      if (l->node->up && !sim_node_is_broken_now(l->node)) {
        sim_watch_server(&l->watch, gw_buf_payload(bufs[i]), l->closing);
        send_message(l, false, gw_buf_payload(bufs[i]));
      }
      gw_buf_unref(bufs[i]);
    }
    if (!l->node->up) return;
  }
  sim_worker_plan(l->worker);
  if (!l->closing) return;
  bool stuck = gw_session_has_output(l->session);
  world_after(l->node->w, stuck ? 3000 : arrival(l, &l->down),
              server_close_arrives, l);
  world_after(l->node->w, stuck ? 3000 : latency(l->node), server_close_done,
              l);
}

/* ---- life ---------------------------------------------------------------- */

static void refuse(void *arg) {
  tell_closed(arg, 1006);
}

static void accept_link(void *arg) {
  sim_link *l = arg;
  sim_node *n = l->node;
  if (l->client_gone || l->client_closed) return;
  if (!n->up) {
    tell_closed(l, 1006);
    return;
  }
  l->life = n->life;
  l->worker = n->worker[world_random(n->w) % n->plan->num_workers];
  sim_worker_enter(l->worker);
  l->session =
      gw_hub_open(l->worker->hub, l, GW_ENCODING_BINARY, gw_view_of("sim"));
  sim_worker_plan(l->worker);
  if (l->session == NULL) {
    tell_closed(l, 1006);
    return;
  }
  l->opened = true;
  l->events->on_open(l->app, l);
  if (n->plan->fault_silence && !n->is_calm && world_chance(n->w, 30))
    sim_link_silence(l); /* before the Hello arrives */
}

sim_link *sim_link_open(sim_node *n, const sim_link_events *events, void *app,
                        uint32_t generation) {
  sim_link *l = calloc(1, sizeof *l);
  if (l == NULL) abort();
  l->node = n;
  l->events = events;
  l->app = app;
  l->generation = generation;
  l->life = n->life;
  l->watch.w = n->w;
  l->watch.census = n->census;
  l->next = n->links;
  n->links = l;
  world_after(n->w, latency(n) + 1, n->up ? accept_link : refuse, l);
  return l;
}

uint32_t sim_link_generation(const sim_link *l) {
  return l->generation;
}
uint32_t sim_link_life(const sim_link *l) {
  return l->life;
}

uint64_t sim_link_asked_ms(const sim_link *l) {
  return l->asked_ms;
}

uint64_t sim_link_right_ms(const sim_link *l, uint32_t channel) {
  const sim_plan *plan = l->node->plan;
  const uint32_t things[] = {SIM_CONNECTION, channel};
  const bool needed[] = {plan->tokens, plan->channel_tokens};
  uint64_t right_ms = UINT64_MAX;
  for (int i = 0; i < 2; i++) {
    if (!needed[i]) continue;
    uint32_t number = l->token[things[i]];
    if (number == 0 && l->is_resumed) number = l->shown[things[i]];
    uint64_t end =
        number == 0 ? 0 : sim_issuer_end_ms(l->node->issuer, number, l->life);
    if (end < right_ms) right_ms = end;
  }
  return right_ms;
}

/** What a session that is resumed rests on: nobody is asked about it. */
static void look_at_tokens(sim_link *l, gw_view message) {
  const sim_issuer *issuer = l->node->issuer;
  gw_frame f;
  gw_hello hello;
  gw_subscribe sub;
  for (int64_t used; (used = gw_frame_parse(message, UINT32_MAX, &f)) > 0;) {
    message.data += used;
    message.len -= (size_t)used;
    if (f.head.type == GW_FRAME_HELLO && gw_decode_hello(f.body, &hello) == 0)
      l->shown[SIM_CONNECTION] = sim_issuer_find(issuer, hello.token);
    if (f.head.type != GW_FRAME_SUBSCRIBE ||
        gw_decode_subscribe(f.body, &sub) < 0 || sub.token.len == 0)
      continue;
    uint32_t thing = sim_issuer_thing(GW_ASK_SUBSCRIBE, sub.channel);
    if (thing < SIM_NUM_THINGS)
      l->shown[thing] = sim_issuer_find(issuer, sub.token);
  }
}

void sim_link_send(sim_link *l, gw_view message) {
  if (l->client_gone || l->client_closed || !l->opened) return;
  sim_watch_client(&l->watch, message);
  look_at_tokens(l, message);
  send_message(l, true, message);
}

static void client_close_arrives(void *arg) {
  sim_link *l = arg;
  if (put_off(l, l->stalled_until_ms, client_close_arrives)) return;
  if (!is_lost(l, &l->up)) end_session(l, 1000);
}

/** By then the client is somewhere else. */
static void close_is_told(void *arg) {
  tell_closed(arg, 1000);
}

void sim_link_close(sim_link *l, uint32_t code) {
  (void)code;
  world *w = l->node->w;
  if (l->client_gone || l->client_closed) return;
  l->client_closed = true;
  world_after(w, arrival(l, &l->up), client_close_arrives, l);
  if (l->opened && world_chance(w, 500))
    world_after(w, world_between(w, 1, 3000), close_is_told, l);
  else
    l->client_gone = true;
}

void sim_link_drop(sim_link *l) {
  sim_link_close(l, 1000);
  l->client_gone = true;
}

static void free_pieces(pipe_way *way) {
  while (way->first != NULL) {
    piece *p = way->first;
    way->first = p->next;
    free(p);
  }
}

void sim_links_free(sim_node *n) {
  while (n->links != NULL) {
    sim_link *l = n->links;
    n->links = l->next;
    free_pieces(&l->up);
    free_pieces(&l->down);
    free(l);
  }
}

/* ---- faults -------------------------------------------------------------- */

static void reset_at_client(void *arg) {
  sim_link *l = arg;
  world *w = l->node->w;
  if (l->held_until_ms > w->now_ms)
    world_after(w, l->held_until_ms - w->now_ms, reset_at_client, l);
  else
    tell_closed(l, 1006);
}

static void reset_at_server(void *arg) {
  end_session(arg, 1006);
}

/** Both ends learn that the link has failed. */
static void fail_soon(sim_link *l) {
  world *w = l->node->w;
  world_after(w, world_between(w, 0, 3000), reset_at_client, l);
  world_after(w, world_between(w, 0, 3000), reset_at_server, l);
}

void sim_link_reset(sim_link *l) {
  if (!l->opened) return;
  l->silent = true;
  fail_soon(l);
}

void sim_link_cut(sim_link *l, uint32_t pieces) {
  /* What a way has lost does not let pass what comes behind it. */
  if (!l->opened || l->up.fails || l->down.fails) return;
  l->up.fails = l->down.fails = true;
  l->up.left = l->down.left = pieces;
  fail_soon(l);
}

void sim_link_half(sim_link *l, bool down) {
  pipe_way *way = down ? &l->down : &l->up;
  if (!l->opened) return;
  way->fails = true;
  way->left = 0;
  world_after(l->node->w, 200000, reset_at_server, l);
}

void sim_link_slow(sim_link *l, uint64_t ms) {
  l->slow_until_ms = l->node->w->now_ms + ms;
}

/** The other side's silence is noticed by each end's own timers; a server's end
 * that gives up is closed by its hub, at last by the kernel. */
void sim_link_silence(sim_link *l) {
  if (!l->opened) return;
  l->silent = true;
  if (l->session == NULL) return;
  world_after(l->node->w, 200000, reset_at_server, l);
}

void sim_link_stall(sim_link *l, uint64_t ms) {
  l->stalled_until_ms = l->node->w->now_ms + ms;
}

void sim_link_hold(sim_link *l, uint64_t until_ms) {
  l->held_until_ms = until_ms;
}
