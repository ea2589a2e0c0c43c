/* SPDX-License-Identifier: MIT */
/* app.c - an application on a client core, acting at random. */
#include "tests/sim/app_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_app_channel_name(uint32_t c, char name[16]) {
  snprintf(name, 16, "room:%u", c);
}

uint32_t sim_app_channel_of(const sim_app *a, uint32_t sub) {
  for (uint32_t c = 0; c < a->plan->num_channels; c++)
    if (a->channel[c].sub == sub) return c;
  return SIM_MAX_CHANNELS;
}

/* ---- events --------------------------------------------------------------- */

uint32_t sim_app_number_in(gw_payload payload) {
  char text[16] = {0};
  size_t len = payload.bytes.len;
  if (len == 0 || payload.bytes.data == NULL) return UINT32_MAX;
  const uint8_t *p = payload.bytes.data;
  if (payload.type == GW_PAYLOAD_JSON) {
    p++;
    len--;
  }
  for (size_t i = 0; i < len && i < sizeof text - 1; i++) {
    if (p[i] < '0' || p[i] > '9') break;
    text[i] = (char)p[i];
  }
  return text[0] == 0 ? UINT32_MAX : (uint32_t)strtoul(text, NULL, 10);
}

static uint32_t life_of(const sim_app *a) {
  return a->link != NULL ? sim_link_life(a->link) : sim_node_life(a->node);
}

static void churn(sim_app *a, uint32_t c) {
  app_channel *ch = &a->channel[c];
  gw_position at = gw_client_sub_position(a->client, ch->sub);
  if (at.epoch == 0) return;
  world_trace(a->w, "app %u leaves and takes up channel %u at %llu", a->index,
              c, (unsigned long long)at.offset);
  (void)!gw_client_unsubscribe(a->client, ch->sub);
  ch->entered = false;
  sim_app_subscribe(a, c, &at);
}

/** The server has stopped within this time after a right ended: mail to all
 * workers, and its timers. */
#define RIGHT_SLACK_MS 50u

static void check_right(const sim_app *a, uint32_t c, uint32_t number,
                        uint64_t made_ms) {
  uint64_t slack = 2 * a->plan->mail_delay_max_ms + a->plan->clock_lag_max_ms +
                   RIGHT_SLACK_MS;
  uint64_t end = a->link != NULL ? sim_link_right_ms(a->link, c) : 0;
  if (end != UINT64_MAX && made_ms > end + slack)
    world_fail(a->w, "app %u channel %u: #%u was made %llu ms after the right",
               a->index, c, number, (unsigned long long)(made_ms - end));
}

static void on_publication(sim_app *a, const gw_event *e) {
  uint32_t c = sim_app_channel_of(a, e->u.publication.sub);
  uint32_t number = sim_app_number_in(e->u.publication.payload);
  if (c == SIM_MAX_CHANNELS) {
    world_fail(a->w, "app %u got #%u of a subscription that it ended", a->index,
               number);
    return;
  }
  world_trace(a->w, "app %u channel %u: #%u at %llu", a->index, c, number,
              (unsigned long long)e->u.publication.position.offset);
  check_right(a, c, number, e->u.publication.time_ms - SIM_WALL_ZERO_MS);
  gw_position at = gw_client_sub_position(a->client, e->u.publication.sub);
  if (at.offset != e->u.publication.position.offset)
    world_fail(a->w,
               "app %u: position is %llu while #%u is handed over at %llu",
               a->index, (unsigned long long)at.offset, number,
               (unsigned long long)e->u.publication.position.offset);
  a->channel[c].at = e->u.publication.position;
  sim_book_delivered(a->book, a->index, c, number, e->u.publication.position,
                     life_of(a));
  sim_book_showed(a->book, a->index, number, e->u.publication.payload);
  if (a->plan->churn && a->acting &&
      sim_plan_acts(a->plan, a->index, SIM_ACT_CHURN) && world_chance(a->w, 5))
    churn(a, c);
}

static void on_published(sim_app *a, const gw_event *e) {
  for (size_t i = 0; i < a->num_pending; i++) {
    if (a->pending[i].key != e->u.published.key) continue;
    uint32_t number = a->pending[i].number;
    a->pending[i] = a->pending[--a->num_pending];
    world_trace(a->w, "app %u: #%u %s", a->index, number,
                gw_code_name(e->u.published.code));
    if (e->u.published.code == GW_CODE_OK)
      sim_book_acked(a->book, number, e->u.published.position, life_of(a));
    else
      sim_book_failed(a->book, number, e->u.published.code);
    return;
  }
  /* A process that died may have heard of it, and not noted it. */
  if (e->u.published.key >= a->first_key)
    world_fail(a->w, "app %u: news of a key that is settled", a->index);
}

static void comes_back(void *arg) {
  const app_return *r = arg;
  sim_app *a = r->app;
  if (a->client != NULL)
    sim_app_subscribe(a, r->channel, r->at.epoch != 0 ? &r->at : NULL);
}

/** For want of a token: it goes on where it stopped as soon as it gets one. */
static void on_sub_ended(sim_app *a, uint32_t c, const gw_event *e) {
  app_channel *ch = &a->channel[c];
  uint32_t code = e->u.sub.code;
  bool is_token =
      code == GW_CODE_NO_TOKEN || gw_code_class(code) == GW_CLASS_REAUTH;
  if (!a->plan->channel_tokens || !is_token) {
    world_fail(a->w, "app %u channel %u ended: %s", a->index, c,
               gw_code_name(code));
    return;
  }
  ch->back = (app_return){a, c, e->u.sub.position};
  ch->sub = 0;
  ch->entered = false;
  world_after(a->w, world_between(a->w, 0, 3000), comes_back, &ch->back);
}

static void on_sub_state(sim_app *a, const gw_event *e) {
  uint32_t c = sim_app_channel_of(a, e->u.sub.sub);
  sim_app_on_team_state(a, e);
  if (c == SIM_MAX_CHANNELS) return;
  app_channel *ch = &a->channel[c];
  world_trace(a->w, "app %u channel %u: %s at %llu", a->index, c,
              gw_sub_state_name(e->u.sub.to),
              (unsigned long long)e->u.sub.position.offset);
  if (e->u.sub.to == GW_SUB_ENDED) on_sub_ended(a, c, e);
  if (e->u.sub.to != GW_SUB_LIVE && e->u.sub.to != GW_SUB_RECOVERING) return;
  ch->at = e->u.sub.position;
  sim_book_begins(a->book, a->index, c, e->u.sub.position, life_of(a),
                  ch->fresh);
  ch->fresh = false;
}

static void on_gap(sim_app *a, const gw_event *e) {
  uint32_t c = sim_app_channel_of(a, e->u.gap.sub);
  if (c == SIM_MAX_CHANNELS) return;
  world_trace(a->w, "app %u channel %u: gap %u from %llu to %llu, on at %llu",
              a->index, c, e->u.gap.reason, (unsigned long long)e->u.gap.from,
              (unsigned long long)e->u.gap.to,
              (unsigned long long)e->u.gap.position.offset);
  a->channel[c].at = e->u.gap.position;
  sim_book_gap(a->book, a->index, c, e->u.gap.reason, e->u.gap.from,
               e->u.gap.to, e->u.gap.position, life_of(a));
}

static void on_reply(sim_app *a, const gw_event *e) {
  if (e->u.reply.more) return;
  for (size_t i = 0; i < a->num_calls; i++) {
    if (a->call[i].request != e->u.reply.request) continue;
    sim_app_on_answer(a, &a->call[i], e);
    a->call[i] = a->call[--a->num_calls];
    world_trace(a->w, "app %u: call %u %s", a->index, e->u.reply.request,
                gw_code_name(e->u.reply.code));
    return;
  }
  world_fail(a->w, "app %u: a second answer to call %u: %s", a->index,
             e->u.reply.request, gw_code_name(e->u.reply.code));
}

static void on_call(sim_app *a, const gw_event *e) {
  gw_payload none = {GW_PAYLOAD_BYTES, {NULL, 0}};
  switch (world_random(a->w) % 4) {
  case 0:
    (void)!gw_client_answer(a->client, e->u.call.call, GW_CODE_HANDLER_FAILED,
                            gw_view_of("no"), none);
    break;
  case 1:
    break; /* never */
  default:
    (void)!gw_client_answer(a->client, e->u.call.call, GW_CODE_OK,
                            (gw_view){NULL, 0}, e->u.call.payload);
  }
}

static void signs_in(void *arg) {
  sim_app *a = arg;
  gw_client_info info;
  uint64_t now = a->w->now_ms;
  if (a->client == NULL || a->away_until_ms > now) return;
  if (a->asleep_until_ms >= now) {
    world_after(a->w, a->asleep_until_ms - now + 1, signs_in, a);
    return;
  }
  gw_client_info_get(a->client, &info);
  bool is_out = info.state == GW_STATE_FAILED || info.state == GW_STATE_CLOSED;
  if (is_out && gw_client_connect(a->client) != 0)
    world_fail(a->w, "app %u: connect", a->index);
}

/** Whether all that it is subscribed to is told what it is not sent. */
static bool is_never_closed(const sim_app *a) {
  const sim_plan *p = a->plan;
  return sim_plan_overflow(p, a->index) != GW_OVERFLOW_CLOSE && !p->maps &&
         !p->machines && !p->groups;
}

/** A client without a connection has no transport: it has closed it, or was told
 * that it is closed. */
static void check_transport(const sim_app *a, enum gw_state to) {
  bool is_without = to == GW_STATE_WAITING || to == GW_STATE_SUSPENDED ||
                    to == GW_STATE_CLOSED || to == GW_STATE_FAILED;
  if (is_without && a->link != NULL)
    world_fail(a->w, "app %u is %s and leaves a transport open", a->index,
               gw_state_name(to));
}

static void on_state(sim_app *a, const gw_event *e) {
  uint32_t code = e->u.state.code;
  world_trace(a->w, "app %u: %s -> %s (%s)", a->index,
              gw_state_name(e->u.state.from), gw_state_name(e->u.state.to),
              gw_code_name(code));
  check_transport(a, e->u.state.to);
  if (code == GW_CODE_SLOW_READER && is_never_closed(a))
    world_fail(a->w, "app %u is closed for being slow, and chose not to be",
               a->index);
  if (e->u.state.to != GW_STATE_FAILED) return;
  if (code == GW_CODE_NO_TOKEN || gw_code_class(code) == GW_CLASS_REAUTH)
    world_after(a->w, world_between(a->w, 0, 3000), signs_in, a);
}

static void on_token(sim_app *a, const gw_event *e) {
  uint32_t sub = e->u.token.sub;
  uint32_t thing = sub == 0 ? SIM_CONNECTION : sim_app_channel_of(a, sub);
  if (sub != 0 && thing == SIM_MAX_CHANNELS)
    world_fail(a->w, "app %u is asked for a token of what it ended", a->index);
  else
    sim_wallet_on_ask(a->wallet, e, thing);
}

void sim_app_event(sim_app *a, const gw_event *e) {
  if (sim_side_event(a->side, e) || sim_order_event(a->order, e) ||
      sim_desk_event(&a->desk, a->w, e))
    return;
  switch (e->type) {
  case GW_EVENT_STATE:
    on_state(a, e);
    break;
  case GW_EVENT_TOKEN:
    on_token(a, e);
    break;
  case GW_EVENT_SUB_STATE:
    on_sub_state(a, e);
    break;
  case GW_EVENT_PUBLICATION:
    if (!sim_app_on_team_publication(a, e)) on_publication(a, e);
    break;
  case GW_EVENT_GAP:
    on_gap(a, e);
    break;
  case GW_EVENT_PUBLISHED:
    on_published(a, e);
    break;
  case GW_EVENT_REPLY:
    on_reply(a, e);
    break;
  case GW_EVENT_CALL:
    on_call(a, e);
    break;
  case GW_EVENT_PRESENCE:
  case GW_EVENT_PRESENCE_SYNC:
    sim_app_on_presence(a, e);
    break;
  case GW_EVENT_MESSAGE:
    sim_app_on_message(a, e);
    break;
  case GW_EVENT_RTT:
  case GW_EVENT_META:
    break;
  }
}

/* ---- acts ---------------------------------------------------------------- */

void sim_app_subscribe(sim_app *a, uint32_t c, const gw_position *since) {
  char name[16];
  sim_app_channel_name(c, name);
  gw_sub_options options = {.presence = a->plan->presence,
                            .delta = sim_plan_takes_delta(a->plan, a->index),
                            .asks_token = a->plan->channel_tokens};
  if (since != NULL) {
    options.recover = true;
    options.since = *since;
  }
  options.overflow = sim_plan_overflow(a->plan, a->index);
  int64_t sub = gw_client_subscribe(a->client, gw_view_of(name), &options);
  if (sub <= 0) {
    world_fail(a->w, "app %u: subscribe: %s", a->index, gw_err_name((int)sub));
    return;
  }
  a->channel[c].sub = (uint32_t)sub;
  a->channel[c].fresh = true;
  sim_roll_reset(&a->channel[c].roll);
}

/** What follows the number: with deltas, parts of it change from one publication
 * to the next, and the rest is the same. */
static void fill(const sim_app *a, char *text, size_t len, uint32_t number) {
  memset(text, 'x', len);
  for (size_t i = 0; i < len && a->plan->deltas; i++) {
    size_t part = i / 24;
    uint32_t turn = (part + number) % 5 == 0 ? number : 0;
    text[i] = (char)('a' + (i * 7 + part * 3 + turn) % 26);
  }
}

static void add_pending(sim_app *a, uint64_t key, uint32_t number) {
  if (a->num_pending == a->cap_pending) {
    a->cap_pending = a->cap_pending * 2 + 16;
    a->pending = realloc(a->pending, a->cap_pending * sizeof *a->pending);
    if (a->pending == NULL) abort();
  }
  a->pending[a->num_pending++] = (app_pending){key, number};
}

static void publish(sim_app *a) {
  uint32_t c = (uint32_t)(world_random(a->w) % a->plan->num_channels);
  if (a->num_pending == MAX_PENDING) return;
  gw_publish_options options = {0};
  options.no_echo = a->plan->no_echo && world_chance(a->w, 300);
  if (a->plan->compare && world_chance(a->w, 100)) {
    options.compare = true;
    options.expected = gw_client_sub_position(a->client, a->channel[c].sub);
  }
  uint32_t item = 0;
  char about[16];
  if (a->plan->items && world_chance(a->w, 700)) {
    item = (uint32_t)world_between(a->w, 1, 5);
    snprintf(about, sizeof about, "thing %u", item);
    options.item = gw_view_of(about);
  }
  sim_writing writing = {.app = a->index,
                         .channel = c,
                         .item = item,
                         .no_echo = options.no_echo,
                         .may_fail = options.compare};
  uint32_t number = sim_book_written(a->book, &writing);
  char text[2048];
  bool json = world_chance(a->w, 500);
  int len = snprintf(text, sizeof text, json ? "\"%u:" : "%u:", number);
  size_t pad = (size_t)world_between(a->w, 0, a->plan->max_payload_bytes);
  fill(a, text + len, pad, number);
  len += (int)pad;
  if (json) text[len++] = '"';
  gw_payload payload = {json ? GW_PAYLOAD_JSON : GW_PAYLOAD_BYTES,
                        {(const uint8_t *)text, (size_t)len}};
  sim_book_filled(a->book, number, payload);
  char name[16];
  sim_app_channel_name(c, name);
  uint64_t key = 0;
  int r =
      gw_client_publish(a->client, gw_view_of(name), payload, &options, &key);
  if (r != 0) {
    sim_book_not_taken(a->book, number);
    if (r != GW_ERR_FULL && r != GW_ERR_STATE)
      world_fail(a->w, "app %u: publish: %s", a->index, gw_err_name(r));
    return;
  }
  world_trace(a->w, "app %u writes #%u to channel %u", a->index, number, c);
  if (a->is_dying) {
    sim_book_not_taken(a->book, number);
    return;
  }
  add_pending(a, key, number);
}

static void call(sim_app *a) {
  if (a->num_calls == MAX_CALLS) return;
  gw_call_options options = {.timeout_ms = 2000};
  gw_client_info info;
  gw_client_info_get(a->client, &info);
  if (world_chance(a->w, 500)) options.to = info.client;
  gw_payload payload = {GW_PAYLOAD_BYTES, gw_view_of("ping")};
  int64_t request =
      world_chance(a->w, 200)
          ? gw_client_presence_get(a->client, gw_view_of("room:0"))
          : gw_client_call(a->client, gw_view_of("echo"), payload, &options);
  if (request > 0)
    a->call[a->num_calls++] = (app_call){(uint32_t)request, NO_LETTER};
}

static bool does(const sim_app *a, enum sim_act act) {
  return sim_plan_acts(a->plan, a->index, act) && !a->is_dying;
}

static void act_once(sim_app *a) {
  uint64_t burst = world_chance(a->w, 30) && does(a, SIM_ACT_BURST) ? 20 : 1;
  for (uint64_t i = 0; i < burst && does(a, SIM_ACT_PUBLISH); i++)
    publish(a);
  if (does(a, SIM_ACT_SIDE)) sim_side_act(a->side);
  if (does(a, SIM_ACT_ORDER)) sim_order_act(a->order);
  if (a->plan->calls && does(a, SIM_ACT_CALL) && world_chance(a->w, 200))
    call(a);
  if (!a->is_dying) sim_app_act_among_people(a);
}

static void act(void *arg) {
  sim_app *a = arg;
  if (!a->acting) return;
  sim_dice *before = world_use(a->w, &a->dice);
  a->acts++;
  if (a->client != NULL && !a->is_dying && a->asleep_until_ms <= a->w->now_ms)
    act_once(a);
  world_after(a->w, world_between(a->w, 1, a->plan->think_max_ms), act, a);
  (void)world_use(a->w, before);
}

/* ---- life ---------------------------------------------------------------- */

sim_app *sim_app_new(world *w, const sim_plan *plan, const sim_books *books,
                     sim_node *node, uint32_t index) {
  sim_app *a = calloc(1, sizeof *a);
  if (a == NULL) abort();
  a->w = w;
  a->plan = plan;
  a->node = node;
  a->book = books->book;
  a->post = books->post;
  a->team = books->team;
  a->apps = books->apps;
  a->index = index;
  a->wallet = sim_wallet_new(w, books->issuer, index);
  a->timer_ms = UINT64_MAX;
  sim_dice_init(&a->dice, w->seed, 1 + index);
  a->rate = plan->drift ? (uint32_t)world_between(w, 950, 1050) : 1000;
  a->disk = sim_disk_new();
  sim_app_boot(a);
  a->side = sim_side_new(w, plan, books->side, a->client, index);
  a->order = sim_order_new(w, plan, books->order, a->client, index);
  return a;
}

void sim_app_free(sim_app *a) {
  gw_client_free(a->client);
  a->client = NULL;
  sim_side_free(a->side);
  sim_order_free(a->order);
  for (uint32_t c = 0; c < SIM_MAX_CHANNELS; c++)
    sim_roll_reset(&a->channel[c].roll);
  free(a->pending);
  sim_app_free_processes(a);
  sim_disk_free(a->disk);
  sim_wallet_free(a->wallet);
  free(a);
}

void sim_app_start(sim_app *a) {
  a->acting = true;
  for (uint32_t c = 0; c < a->plan->num_channels; c++)
    sim_app_subscribe(a, c, NULL);
  sim_side_start(a->side);
  sim_order_start(a->order);
  if (gw_client_connect(a->client) != 0)
    world_fail(a->w, "app %u: connect", a->index);
  world_after(a->w, world_between(a->w, 0, a->plan->first_act_max_ms), act, a);
}

void sim_app_stop_acting(sim_app *a) {
  a->acting = false;
  a->dies_in = 0;
}

/* ---- faults -------------------------------------------------------------- */

const sim_order *sim_app_order(const sim_app *a) {
  return a->order;
}

sim_side *sim_app_side(sim_app *a) {
  return a->side;
}

sim_link *sim_app_link(sim_app *a) {
  return a->link;
}

static void wakes(void *arg) {
  sim_app *a = arg;
  if (a->client != NULL && a->asleep_until_ms <= a->w->now_ms)
    gw_client_on_wake(a->client, GW_WAKE_VISIBLE);
}

void sim_app_sleep(sim_app *a, uint64_t ms) {
  a->asleep_until_ms = a->w->now_ms + ms;
  if (a->link != NULL) sim_link_hold(a->link, a->asleep_until_ms);
  world_after(a->w, ms, wakes, a);
}

static void comes_online(void *arg) {
  sim_app *a = arg;
  if (a->client != NULL && a->offline_until_ms <= a->w->now_ms)
    gw_client_on_wake(a->client, GW_WAKE_ONLINE);
}

void sim_app_offline(sim_app *a, uint64_t ms) {
  a->offline_until_ms = a->w->now_ms + ms;
  if (a->link != NULL) sim_link_silence(a->link);
  world_after(a->w, ms, comes_online, a);
  if (a->client != NULL) gw_client_on_wake(a->client, GW_WAKE_OFFLINE);
}

void sim_app_away(sim_app *a, uint64_t ms) {
  a->away_until_ms = a->w->now_ms + ms;
  if (a->client == NULL) return;
  world_trace(a->w, "app %u closes", a->index);
  sim_wallet_on_close(a->wallet);
  gw_client_close(a->client);
  world_after(a->w, ms, signs_in, a);
}

/* ---- the end ------------------------------------------------------------- */

void sim_app_check_calm(sim_app *a) {
  gw_client_info info;
  gw_client_info_get(a->client, &info);
  /* A link that is slow, and was silent for long enough, is just being probed. */
  uint64_t now = a->w->now_ms * a->rate / 1000;
  bool is_probing = info.state == GW_STATE_DEGRADED &&
                    now - info.since_ms < a->plan->ping_timeout_ms;
  if (info.state != GW_STATE_READY && !is_probing)
    world_fail(a->w, "app %u is %s at the end", a->index,
               gw_state_name(info.state));
  if (info.outbox_count != 0)
    world_fail(a->w, "app %u still has %u publications to send", a->index,
               info.outbox_count);
  if (info.num_bad_deltas != 0)
    world_fail(a->w, "app %u got %llu deltas that it has no base of", a->index,
               (unsigned long long)info.num_bad_deltas);
  if (a->num_calls != 0)
    world_fail(a->w, "app %u still waits for %zu answers", a->index,
               a->num_calls);
  for (uint32_t c = 0; c < a->plan->num_channels; c++)
    if (gw_client_sub_state(a->client, a->channel[c].sub) != GW_SUB_LIVE)
      world_fail(
          a->w, "app %u channel %u is %s at the end", a->index, c,
          gw_sub_state_name(gw_client_sub_state(a->client, a->channel[c].sub)));
  sim_wallet_check(a->wallet);
  uint64_t seconds = a->w->now_ms / 1000;
  if (a->opens > 20 + 4 * seconds)
    world_fail(a->w, "app %u tried to connect %llu times in %llu s", a->index,
               (unsigned long long)a->opens, (unsigned long long)seconds);
}

gw_position sim_app_position(const sim_app *a, uint32_t channel) {
  return gw_client_sub_position(a->client, a->channel[channel].sub);
}
