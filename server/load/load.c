/* SPDX-License-Identifier: MIT */
/* load.c - the steps of a run. */
#include "server/load/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "server/load/run.h"

#define NS_PER_MS 1000000u
#define NS_PER_S  1000000000u

#define HANDSHAKES_AT_ONCE 64u

/** Files that a process has open besides the connections. */
#define OTHER_FILES 32u

/* ---- small things --------------------------------------------------------- */

uint64_t gw_load_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t gw_load_raise_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void gw_load_fail(gw_load *l, const char *format, ...) {
  va_list args;
  if (l->is_failed) return;
  l->is_failed = true;
  va_start(args, format);
  (void)vsnprintf(l->why, sizeof l->why, format, args);
  va_end(args);
}

const char *gw_load_why(const gw_load *l) {
  return l->why;
}

const gw_load_options *gw_load_get_options(const gw_load *l) {
  return &l->options;
}

gw_load_counts gw_load_count(const gw_load *l) {
  return l->total;
}

uint32_t gw_load_num_wanted(const gw_load *l) {
  return l->num_peers;
}

uint32_t gw_load_num_ready(const gw_load *l) {
  return l->num_ready;
}

void gw_load_stop(gw_load *l) {
  l->is_stopped = 1;
}

bool gw_load_was_stopped(const gw_load *l) {
  return l->is_stopped != 0;
}

/* ---- connections ----------------------------------------------------------- */

void gw_load_say(gw_load_peer *p, gw_view message) {
  uint8_t space[2048];
  gw_out out = {space, 0, sizeof space};
  uint8_t opcode = p->load->driver->is_text ? GW_LOAD_TEXT : GW_LOAD_BINARY;
  if (gw_load_frame_put(&out, opcode, message) == 0)
    gw_load_conn_send(&p->conn, (gw_view){out.data, out.len});
  else
    gw_load_fail(p->load, "a message is too long to be sent");
}

void gw_load_ready(gw_load_peer *p) {
  gw_load *l = p->load;
  if (p->is_ready) return;
  p->is_ready = true;
  l->num_ready++;
  l->num_handshakes--;
  if (l->storm_ns != 0)
    gw_histogram_add(&l->comeback->live, gw_load_now_ns() - l->storm_ns);
}

static void on_connected(void *owner) {
  gw_load_peer *p = owner;
  const gw_load_driver *driver = p->load->driver;
  uint8_t path[256] = "";
  gw_out out = {path, 0, sizeof path - 1};
  if (driver->put_path != NULL && driver->put_path(p, &out) < 0) {
    gw_load_fail(p->load, "a path is too long");
    return;
  }
  gw_load_conn_upgrade(&p->conn,
                       out.len > 0 ? (const char *)path
                                   : p->load->sockets.address.path,
                       driver->subprotocol);
}

static void on_open(void *owner) {
  gw_load_peer *p = owner;
  if (p->load->driver->on_open != NULL)
    p->load->driver->on_open(p);
  else
    gw_load_ready(p);
}

static size_t on_data(void *owner, gw_view data) {
  gw_load_peer *p = owner;
  p->load->now_ns = gw_load_now_ns();
  return p->load->driver->on_data(p, data);
}

static void on_end(void *owner, const char *why) {
  gw_load_peer *p = owner;
  gw_load_fail(p->load, "connection %" PRIu32 " (%s) ended: %s", p->index,
               p->room->name, why);
}

void gw__load_connect(gw_load *l, gw_load_peer *p) {
  if (l->is_failed) return;
  int err = gw_load_conn_open(&p->conn, &l->sockets, p, p->index);
  if (err < 0) {
    gw_load_fail(l, "connection %" PRIu32 " cannot be opened: %s", p->index,
                 strerror(-err));
    return;
  }
  l->num_handshakes++;
}

static void open_next(gw_load *l) {
  gw__load_connect(l, &l->peers[l->num_opened]);
  if (!l->is_failed) l->num_opened++;
}

/* ---- life ------------------------------------------------------------------ */

static void place_peers(gw_load *l) {
  const gw_load_options *o = &l->options;
  for (uint32_t i = 0; i < l->num_peers; i++) {
    gw_load_peer *p = &l->peers[i];
    bool is_subscriber = i < o->num_subscribers;
    gw_load_room *r =
        &l->rooms[(is_subscriber ? i : i - o->num_subscribers) % o->num_rooms];
    p->load = l;
    p->room = r;
    p->index = i;
    p->roles = is_subscriber ? GW_LOAD_SUBSCRIBES : GW_LOAD_PUBLISHES;
    if (is_subscriber) r->num_subscribers++;
    if (o->is_member && i < o->num_rooms) p->roles |= GW_LOAD_PUBLISHES;
    if ((p->roles & GW_LOAD_PUBLISHES) != 0) r->publisher = p;
  }
}

static void name_rooms(gw_load *l) {
  const gw_load_options *o = &l->options;
  uint32_t run = 0;
  char any[32];
  (void)!getrandom(&run, sizeof run, 0);
  (void)snprintf(any, sizeof any, "bench-%08" PRIx32, run);
  for (uint32_t i = 0; i < o->num_rooms; i++) {
    gw_load_room *r = &l->rooms[i];
    r->index = i;
    (void)snprintf(r->name, sizeof r->name, "%s-%" PRIu32,
                   o->room_name != NULL ? o->room_name : any, i);
  }
}

static const char *check(const gw_load_options *o) {
  if (o->num_rooms == 0) return "there is no channel";
  if (o->num_subscribers < o->num_rooms)
    return "there are more channels than connections";
  if (o->payload_bytes < GW_LOAD_HEAD_BYTES)
    return "a payload has 32 bytes at least, for its number and time";
  if (o->payload_bytes > GW_LOAD_MAX_PAYLOAD_BYTES)
    return "a payload has 48 KiB at most";
  if (o->window > GW_LOAD_MAX_WINDOW) return "the window is 64 at most";
  if (o->has_publishers && o->window == 0 && o->rate == 0)
    return "there is neither a rate nor a window";
  if (o->num_missed > 0 && !o->driver->can_recover)
    return "this server has no recovery, so there can be no storm";
  if (o->num_missed > 0 && (o->is_member || o->window == 0))
    return "a storm takes publishers of their own, and a window";
  if (o->num_missed > GW_LOAD_MAX_MISSED)
    return "more are missed than a history holds";
  if (o->room_name != NULL && strlen(o->room_name) > GW_LOAD_NAME_MAX - 12)
    return "the name of the channels is too long";
  return NULL;
}

static const char *init(gw_load *l) {
  const gw_load_options *o = &l->options;
  const char *why = check(o);
  if (why == NULL) why = gw_load_address_read(&l->sockets.address, o->url);
  if (why != NULL) return why;
  if (l->sockets.address.is_secure) {
    l->sockets.tls = gw_load_tls_new(o->ca_file, o->is_insecure, &why);
    if (l->sockets.tls == NULL) return why;
  }
  bool has_own = o->has_publishers && !o->is_member;
  l->num_peers = o->num_subscribers + (has_own ? o->num_rooms : 0);
  uint64_t files = gw_load_raise_files();
  if (l->num_peers + OTHER_FILES > files)
    return "the limit of open files (ulimit -n) is below the connections";
  l->sockets.events = (gw_load_conn_events){.on_connected = on_connected,
                                            .on_open = on_open,
                                            .on_data = on_data,
                                            .on_end = on_end};
  l->sockets.is_stream = l->driver->is_stream;
  l->rooms = calloc(o->num_rooms, sizeof *l->rooms);
  l->peers = calloc(l->num_peers, sizeof *l->peers);
  if (l->rooms == NULL || l->peers == NULL ||
      gw_load_sockets_init(&l->sockets) < 0)
    return "out of memory";
  name_rooms(l);
  place_peers(l);
  return gw__load_rooms_init(l);
}

gw_load *gw_load_new(const gw_load_options *options, const char **why) {
  gw_load *l = calloc(1, sizeof *l);
  *why = "out of memory";
  if (l == NULL) return NULL;
  l->options = *options;
  l->driver = options->driver;
  l->sockets.epoll = -1;
  /* Waiting is to be as exact as the clock. */
  (void)prctl(PR_SET_TIMERSLACK, 1UL);
  *why = init(l);
  if (*why == NULL) return l;
  gw_load_free(l);
  return NULL;
}

void gw_load_free(gw_load *l) {
  gw_load_close(l);
  gw__load_rooms_deinit(l);
  if (l->sockets.space != NULL || l->sockets.epoll >= 0)
    gw_load_sockets_deinit(&l->sockets);
  SSL_CTX_free(l->sockets.tls);
  free(l->rooms);
  free(l->peers);
  free(l);
}

/* ---- steps ------------------------------------------------------------------ */

static int result_of(const gw_load *l) {
  return l->is_failed ? GW_ERR_STATE : 0;
}

static bool goes_on(const gw_load *l) {
  return !l->is_failed && l->is_stopped == 0;
}

int gw_load_open(gw_load *l, uint32_t num) {
  uint32_t most = l->options.max_handshakes;
  uint32_t before = l->num_ready;
  uint64_t patience = gw_load_now_ns() + GW__LOAD_PATIENCE_NS;
  uint32_t until = num == 0 || num > l->num_peers - l->num_opened
                       ? l->num_peers
                       : l->num_opened + num;
  if (most == 0) most = HANDSHAKES_AT_ONCE;
  while (goes_on(l) && l->num_ready < until) {
    while (!l->is_failed && l->num_opened < until && l->num_handshakes < most)
      open_next(l);
    gw_load_sockets_turn(&l->sockets, patience);
    uint64_t now = gw_load_now_ns();
    if (l->num_ready != before) {
      before = l->num_ready;
      patience = now + GW__LOAD_PATIENCE_NS;
    } else if (now > patience) {
      gw_load_fail(l,
                   "%" PRIu32 " of %" PRIu32 " connections are ready, and the "
                   "others get no answer",
                   l->num_ready, until);
    }
  }
  return result_of(l);
}

int gw_load_wait(gw_load *l, uint32_t ms) {
  uint64_t until = gw_load_now_ns() + (uint64_t)ms * NS_PER_MS;
  while (goes_on(l) && gw_load_now_ns() < until)
    gw_load_sockets_turn(&l->sockets, until);
  return result_of(l);
}

/** Publish until then; on_second each second. */
static void publish_until(gw_load *l, uint64_t until) {
  uint64_t now = gw_load_now_ns();
  while (goes_on(l) && now < until) {
    gw__load_rooms_pump(l);
    uint64_t due = gw__load_rooms_due_ns(l);
    uint64_t wake = until < due ? until : due;
    gw_load_sockets_turn(&l->sockets,
                         wake < l->second_ns ? wake : l->second_ns);
    now = gw_load_now_ns();
    if (now >= l->second_ns) {
      l->second_ns += NS_PER_S;
      if (l->options.on_second != NULL)
        l->options.on_second(l->options.on_user, l);
    }
  }
}

void gw__load_settle(gw_load *l) {
  gw_load_counts before = l->total;
  uint64_t patience = gw_load_now_ns() + GW__LOAD_PATIENCE_NS;
  while (!l->is_failed && !gw__load_rooms_is_complete(l)) {
    gw_load_sockets_turn(&l->sockets, patience);
    uint64_t now = gw_load_now_ns();
    if (memcmp(&before, &l->total, sizeof before) != 0) {
      before = l->total;
      patience = now + GW__LOAD_PATIENCE_NS;
    } else if (now > patience) {
      gw_load_fail(l,
                   "lost: of %" PRIu64 " publications %" PRIu64
                   " were acknowledged, with %" PRIu64 " deliveries",
                   l->total.sent, l->total.acked, l->total.delivered);
    }
  }
}

static void mark(gw_load *l, bool begins) {
  if (l->options.on_mark != NULL)
    l->options.on_mark(l->options.on_user, begins);
  l->is_measuring = begins;
}

int gw_load_publish(gw_load *l, uint32_t warm_up_ms, uint32_t ms,
                    gw_load_result *result) {
  memset(result, 0, sizeof *result);
  l->result = result;
  uint64_t now = gw_load_now_ns();
  l->is_publishing = true;
  l->second_ns = now + NS_PER_S;
  gw__load_rooms_begin(l);
  publish_until(l, now + (uint64_t)warm_up_ms * NS_PER_MS);

  uint64_t since = gw_load_now_ns();
  gw_load_counts before = l->total;
  mark(l, true);
  publish_until(l, since + (uint64_t)ms * NS_PER_MS);
  mark(l, false);
  result->measured_ns = gw_load_now_ns() - since;
  result->counts =
      (gw_load_counts){.sent = l->total.sent - before.sent,
                       .acked = l->total.acked - before.acked,
                       .delivered = l->total.delivered - before.delivered};
  l->is_publishing = false;
  gw__load_settle(l);
  result->total = l->total;
  return result_of(l);
}

void gw_load_close(gw_load *l) {
  for (uint32_t i = 0; l->peers != NULL && i < l->num_opened; i++)
    gw_load_conn_close(&l->peers[i].conn);
  l->num_ready = 0;
}
