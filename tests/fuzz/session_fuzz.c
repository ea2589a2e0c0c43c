/* SPDX-License-Identifier: MIT */
/* session_fuzz.c - whole sessions: real clients and a real node, joined by links
 * that cut, stall, reset and lose. The input is a list of commands and faults,
 * two bytes each; in the end all is mended, and then everything must have come
 * to rest: streams without a hole, each publication settled once, all in the same
 * place. */
#include <stdlib.h>
#include <string.h>

#include "client/ports/test.h"
#include "tests/fuzz/support/node.h"

#define NUM_CLIENTS  3u
#define NUM_CHANNELS 3u
#define MAX_KEYS     128u
#define MAX_STEPS    300u
#define MAX_SEEN     256u
/* Longer than the longest backoff, the time until silence is noticed, and the
 * grace time together. */
#define CALM_MS 20000u
/* The small limits let in few publications at a time: so long for all of them. */
#define MAX_CALMS 5u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A message on its way. */
typedef struct piece {
  struct piece *next;
  size_t len;
  uint8_t bytes[];
} piece;

/** A client, and its link to the connection of the same number. */
typedef struct app {
  gw_test_port port;
  uint32_t generation; /* that the connection is of */
  piece *up, *down;
  bool holds_up, holds_down; /* the link is stalled */
  bool is_lost;              /* bytes vanish */
  bool is_told_closed;       /* the hub's close has been noticed */
  uint32_t sub[NUM_CHANNELS];
  gw_position at[NUM_CHANNELS];
  uint8_t state[MAX_KEYS]; /* per key: 1 published, 2 settled */
  /* what the subscription was given, as keys of publishers */
  uint64_t seen[NUM_CHANNELS][MAX_SEEN];
  unsigned num_seen[NUM_CHANNELS];
} app;

static app apps[NUM_CLIENTS];

/** Which publication stands at an offset, in the order of their discovery. */
static struct stamp {
  gw_position at;
  uint64_t client, key;
} stamps[512];
static unsigned num_stamps;

/* ---- links ----------------------------------------------------------------- */

static void add(piece **way, gw_view bytes) {
  piece *p = malloc(sizeof *p + bytes.len);
  must(p != NULL);
  *p = (piece){.len = bytes.len};
  memcpy(p->bytes, bytes.data, bytes.len);
  while (*way != NULL)
    way = &(*way)->next;
  *way = p;
}

static piece *first_of(piece **way) {
  piece *p = *way;
  if (p != NULL) *way = p->next;
  return p;
}

static void lose(piece **way) {
  for (piece *p; (p = first_of(way)) != NULL;)
    free(p);
}

static bool is_linked(unsigned i) {
  const gw_test_port *p = &apps[i].port;
  return p->wanted && p->is_open && p->generation == apps[i].generation;
}

/** The client's end learns that it is over. */
static void end_client(unsigned i, uint32_t code) {
  app *a = &apps[i];
  lose(&a->up);
  lose(&a->down);
  if (is_linked(i)) gw_test_close(&a->port, code);
}

/** The server's end does. */
static void end_server(unsigned i) {
  lose(&apps[i].up);
  fuzz_conn_drop(i, 0);
}

static void on_send(gw_test_port *p, uint32_t generation, gw_view message) {
  unsigned i = (unsigned)((app *)(void *)p - apps);
  if (!apps[i].is_lost && generation == apps[i].generation)
    add(&apps[i].up, message);
}

static void on_close(gw_test_port *p, uint32_t generation, uint32_t code,
                     gw_view reason) {
  unsigned i = (unsigned)((app *)(void *)p - apps);
  (void)generation, (void)code, (void)reason;
  /* The server learns of it when it is fed, or by its ping. */
  lose(&apps[i].down);
}

static void on_output(unsigned i, gw_view message) {
  if (i < NUM_CLIENTS && !apps[i].is_lost) add(&apps[i].down, message);
}

static void connect(unsigned i) {
  app *a = &apps[i];
  if (!a->port.wanted || a->port.is_open) return;
  lose(&a->up);
  lose(&a->down);
  a->is_lost = a->holds_up = a->holds_down = a->is_told_closed = false;
  fuzz_conn_open(i, GW_ENCODING_BINARY);
  a->generation = a->port.generation;
  gw_test_open(&a->port);
}

/** Messages arrive, in pieces of how many bytes. */
static bool carry(unsigned i, size_t bytes) {
  app *a = &apps[i];
  bool moved = false;
  for (piece *p; !a->holds_up && (p = first_of(&a->up)) != NULL; free(p)) {
    moved = true;
    for (size_t k = 0; k < p->len; k += bytes) {
      size_t len = p->len - k < bytes ? p->len - k : bytes;
      fuzz_conn_feed(i, (gw_view){p->bytes + k, len}, k + len == p->len);
    }
  }
  for (piece *p; !a->holds_down && (p = first_of(&a->down)) != NULL; free(p)) {
    moved = true;
    for (size_t k = 0; k < p->len && is_linked(i); k += bytes) {
      size_t len = p->len - k < bytes ? p->len - k : bytes;
      gw_client_on_data(a->port.client, a->generation,
                        (gw_view){p->bytes + k, len}, k + len == p->len);
    }
  }
  return moved;
}

/** The hub's close comes behind its last words. */
static void notice_closes(unsigned i) {
  if (!node.conns[i].is_closing || apps[i].down != NULL) return;
  uint32_t code = node.conns[i].ws_code;
  fuzz_conn_drop(i, 0);
  if (!apps[i].is_lost) end_client(i, code);
}

static void settle(size_t bytes) {
  bool moves = true;
  for (unsigned turn = 0; moves; turn++) {
    must(turn < 10000); /* both ends talk for ever */
    moves = false;
    for (unsigned i = 0; i < NUM_CLIENTS; i++) {
      moves |= gw_test_tick(&apps[i].port);
      moves |= carry(i, bytes);
      notice_closes(i);
    }
    fuzz_node_settle();
    for (unsigned i = 0; i < NUM_CLIENTS; i++)
      moves |= !apps[i].holds_down && apps[i].down != NULL;
  }
}

/* ---- what the applications see ----------------------------------------------- */

static void stamp(const gw_event *e) {
  gw_position at = e->u.publication.position;
  uint64_t client = e->u.publication.client, key = e->u.publication.key;
  for (unsigned i = 0; i < num_stamps; i++) {
    if (stamps[i].at.epoch != at.epoch || stamps[i].at.offset != at.offset)
      continue;
    must(stamps[i].client == client && stamps[i].key == key);
    return;
  }
  if (num_stamps < sizeof stamps / sizeof stamps[0])
    stamps[num_stamps++] = (struct stamp){at, client, key};
}

/** A publication comes once, also when it was sent again to another life of the
 * server. */
static void check_once(app *a, int c, uint64_t client, uint64_t key) {
  uint64_t name = client * 0x9E3779B97F4A7C15u + key;
  for (unsigned i = 0; i < a->num_seen[c]; i++)
    must(a->seen[c][i] != name);
  if (a->num_seen[c] < MAX_SEEN) a->seen[c][a->num_seen[c]++] = name;
}

static int channel_of(const app *a, uint32_t sub) {
  for (unsigned c = 0; c < NUM_CHANNELS; c++)
    if (a->sub[c] == sub && sub != 0) return (int)c;
  return -1;
}

static void on_event(gw_test_port *p, const gw_event *e) {
  app *a = (app *)(void *)p;
  gw_position to;
  int c;
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    stamp(e);
    c = channel_of(a, e->u.publication.sub);
    if (c < 0) break;
    to = e->u.publication.position;
    check_once(a, c, e->u.publication.client, e->u.publication.key);
    /* More than the next only where a repeat was left out. */
    must(a->at[c].epoch == 0 ||
         (to.epoch == a->at[c].epoch && to.offset > a->at[c].offset));
    a->at[c] = to;
    break;
  case GW_EVENT_GAP:
    c = channel_of(a, e->u.gap.sub);
    if (c >= 0) a->at[c] = e->u.gap.position;
    break;
  case GW_EVENT_PUBLISHED:
    if (e->u.published.key >= MAX_KEYS) break;
    must(a->state[e->u.published.key] == 1);
    a->state[e->u.published.key] = 2;
    break;
  default:
    break;
  }
}

/* ---- commands ------------------------------------------------------------------ */

static gw_view channel_name(unsigned c) {
  static const char *const names[NUM_CHANNELS] = {"a", "b:1", "c"};
  return gw_view_of(names[c]);
}

static void publish(app *a, uint8_t how) {
  gw_publish_options o = {.no_echo = (how & 64) != 0,
                          .item = gw_view_of(how & 128 ? "i" : "")};
  gw_payload text = {GW_PAYLOAD_BYTES, gw_view_of("x")};
  uint64_t key;
  if (gw_client_publish(a->port.client, channel_name(how % NUM_CHANNELS), text,
                        &o, &key) == 0 &&
      key < MAX_KEYS)
    a->state[key] = 1;
}

static void subscribe(app *a, uint8_t how) {
  unsigned c = how % NUM_CHANNELS;
  gw_sub_options o = {.recover = (how & 32) != 0,
                      .presence = (how & 64) != 0,
                      .overflow = how >> 7};
  if (a->sub[c] != 0) return;
  int64_t sub = gw_client_subscribe(a->port.client, channel_name(c), &o);
  if (sub > 0) a->sub[c] = (uint32_t)sub;
  a->at[c] = (gw_position){0};
  a->num_seen[c] = 0;
}

static void unsubscribe(app *a, uint8_t how) {
  unsigned c = how % NUM_CHANNELS;
  if (a->sub[c] != 0) (void)gw_client_unsubscribe(a->port.client, a->sub[c]);
  a->sub[c] = 0;
}

static void command(app *a, uint8_t what, uint8_t how) {
  gw_payload text = {GW_PAYLOAD_JSON, gw_view_of("{}")};
  uint32_t sub = a->sub[how % NUM_CHANNELS];
  switch (what % 8) {
  case 0:
    subscribe(a, how);
    break;
  case 1:
    unsubscribe(a, how);
    break;
  case 2:
  case 3:
    publish(a, how);
    break;
  case 4:
    if (sub != 0)
      (void)!gw_client_presence_set(a->port.client, sub, gw_view_of("s"), text);
    break;
  case 5:
    if (sub != 0) (void)!gw_client_presence_leave(a->port.client, sub);
    break;
  case 6:
    (void)!gw_client_call(a->port.client, gw_view_of("m"), text,
                          &(gw_call_options){.to = how & 1 ? how : 0});
    break;
  default:
    if (how & 64)
      gw_client_close(a->port.client);
    else
      (void)!gw_client_connect(a->port.client);
  }
}

/* ---- faults -------------------------------------------------------------------- */

static void crash(void) {
  fuzz_node_crash();
  fuzz_node_begin();
  for (unsigned i = 0; i < NUM_CLIENTS; i++)
    end_client(i, 0);
}

static void fault(unsigned i, uint8_t what) {
  app *a = &apps[i];
  switch (what % 10) {
  case 0:
    end_client(i, 0);
    end_server(i);
    break;
  case 1:
    end_client(i, 0); /* the server has yet to find out */
    break;
  case 2:
    end_server(i); /* the client has */
    lose(&a->down);
    a->is_lost = true;
    break;
  case 3:
    a->is_lost = true;
    break;
  case 4:
    a->holds_up = !a->holds_up;
    break;
  case 5:
    a->holds_down = !a->holds_down;
    break;
  case 6:
    node.conns[i].is_stalled = !node.conns[i].is_stalled;
    break;
  case 7:
    node.holds_mail = !node.holds_mail;
    break;
  case 8:
    gw_client_on_wake(a->port.client, (enum gw_wake)(what / 10 % 4));
    break;
  default:
    crash();
  }
}

/** How long until something is due, at most ms. */
static uint64_t until_due(uint64_t ms) {
  uint64_t due = node.now_ms + ms;
  for (unsigned i = 0; i < NUM_CLIENTS; i++)
    if (apps[i].port.timer_ms < due) due = apps[i].port.timer_ms;
  for (unsigned w = 0; w < FUZZ_WORKERS; w++)
    if (gw_hub_deadline(node.hubs[w]) < due)
      due = gw_hub_deadline(node.hubs[w]);
  return due > node.now_ms ? due - node.now_ms : 1;
}

static void pass(uint64_t ms) {
  while (ms > 0) {
    uint64_t some = until_due(ms);
    fuzz_node_pass(some);
    ms -= some < ms ? some : ms;
    for (unsigned i = 0; i < NUM_CLIENTS; i++)
      connect(i);
    settle(SIZE_MAX);
  }
}

static void step(uint8_t what, uint8_t how) {
  unsigned i = what / 8 % NUM_CLIENTS;
  switch (what % 8) {
  case 5:
    fault(i, how);
    break;
  case 6:
    connect(i);
    break;
  case 7:
    pass((uint64_t)how << (what >> 6));
    break;
  default:
    command(&apps[i], (uint8_t)(what % 8 + how / 8), how);
  }
  settle(how % 7 == 0 ? 1 : SIZE_MAX);
}

/* ---- run ------------------------------------------------------------------------ */

static void begin(void) {
  fuzz_node_init();
  node.settings.limits.max_frame_bytes = 16384;
  node.settings.limits.max_queue_bytes = 4000;
  node.settings.max_channels = 16;
  node.settings.ping_interval_ms = 2000;
  node.settings.ping_timeout_ms = 1000;
  node.on_output = on_output;
  fuzz_node_begin();
  num_stamps = 0;
  for (unsigned i = 0; i < NUM_CLIENTS; i++) {
    app *a = &apps[i];
    uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)(i + 1)};
    gw_client_options o = {.instance = {instance, sizeof instance},
                           .user = gw_view_of("u"),
                           .retry = {.base_ms = 100,
                                     .cap_ms = 1000,
                                     .multiplier_permille = 2000,
                                     .jitter_permille = 500,
                                     .stable_ms = 5000},
                           .credit_bytes = i == 2 ? 500 : 0};
    *a = (app){0};
    must(gw_test_port_init(&a->port, &o, &node.now_ms, i + 1) != NULL);
    a->port.keep_records = false;
    a->port.hooks.send = on_send;
    a->port.hooks.close = on_close;
    a->port.hooks.event = on_event;
    (void)!gw_client_connect(a->port.client);
    gw_test_tick(&a->port);
    connect(i);
  }
  settle(SIZE_MAX);
}

static bool is_waiting(void) {
  for (unsigned i = 0; i < NUM_CLIENTS; i++) {
    gw_client_info info;
    gw_client_info_get(apps[i].port.client, &info);
    if (info.outbox_count != 0) return true;
  }
  return false;
}

static void mend(void) {
  node.holds_mail = false;
  for (unsigned i = 0; i < NUM_CLIENTS; i++) {
    node.conns[i].is_stalled = false;
    apps[i].holds_up = apps[i].holds_down = false;
    (void)!gw_client_connect(apps[i].port.client);
    gw_client_on_wake(apps[i].port.client, GW_WAKE_ONLINE);
  }
  settle(SIZE_MAX);
  pass(CALM_MS);
  for (unsigned i = 1; i < MAX_CALMS && is_waiting(); i++)
    pass(CALM_MS);
}

static void check_calm(void) {
  gw_position at[NUM_CHANNELS] = {{0}};
  for (unsigned i = 0; i < NUM_CLIENTS; i++) {
    const app *a = &apps[i];
    gw_client_info info;
    gw_client_info_get(a->port.client, &info);
    must(info.state == GW_STATE_READY && info.outbox_count == 0);
    for (unsigned k = 0; k < MAX_KEYS; k++)
      must(a->state[k] != 1);
    for (unsigned c = 0; c < NUM_CHANNELS; c++) {
      if (a->sub[c] == 0) continue;
      gw_position p = gw_client_sub_position(a->port.client, a->sub[c]);
      must(gw_client_sub_state(a->port.client, a->sub[c]) == GW_SUB_LIVE);
      must(at[c].epoch == 0 ||
           (at[c].epoch == p.epoch && at[c].offset == p.offset));
      at[c] = p;
    }
  }
}

static void end(void) {
  for (unsigned i = 0; i < NUM_CLIENTS; i++) {
    gw_test_port_deinit(&apps[i].port);
    lose(&apps[i].up);
    lose(&apps[i].down);
  }
  node.on_output = NULL;
  fuzz_node_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  begin();
  for (size_t k = 0; k + 1 < size && k < 2 * MAX_STEPS; k += 2)
    step(data[k], data[k + 1]);
  mend();
  check_calm();
  end();
  return 0;
}
