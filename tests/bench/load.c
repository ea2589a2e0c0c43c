/* SPDX-License-Identifier: MIT */
/* load.c - godwit-load: one workload against one server, measured, reconciled,
 * and told as a line of JSON. run.py calls it for each peer in turn. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/cli/options.h"
#include "server/load/usage.h"
#include "tests/bench/load_drivers.h"
#include "tests/bench/load_fill.h"

static const gw_load_driver *const drivers[] = {
    &gw_load_godwit, &gw_load_topic, &gw_load_nats,
    &gw_load_nchan,  &gw_load_mqtt,  &gw_load_socketio,
};
#define NUM_DRIVERS (sizeof drivers / sizeof drivers[0])

/** Connections that come and go before memory is first looked at, so that what
 * a server sets up once is not counted. */
#define WARM_UP_CONNECTIONS 200u

/** Connections are opened in so many parts: the last ought to cost what the
 * first did. */
#define PARTS 10u

/** A server is given so long to give memory back after everybody has gone (more
 * than the 15 s that Godwit waits for who was lost), and has done so when it is this near to where it began, in percent. */
#define RETURN_MS      20000u
#define RETURN_STEP_MS 250u
#define RETURN_PERCENT 110u

/** Between the last answer and the first publication. */
#define QUIET_MS 100u

typedef struct bench {
  gw_load_options options;
  const char *driver;
  const char *pids;
  uint32_t warm_up_ms;
  uint32_t duration_ms;
  uint32_t hold_ms;
  uint32_t num_fill;
  bool only_connects;
  gw_load_processes server;
  uint64_t cpu_ns; /**< of the time that was measured */
  gw_load_threads threads;
  uint64_t busiest_ns;
} bench;

static gw_load *running;

static void on_signal(int number) {
  (void)number;
  if (running != NULL) gw_load_stop(running);
}

static int fail(const char *why) {
  fprintf(stderr, "godwit-load: %s\n", why);
  return GW_EXIT_FAILED;
}

/* ---- publications ----------------------------------------------------------- */

static void on_mark(void *user, bool begins) {
  bench *b = user;
  uint64_t now = gw_load_cpu_ns(&b->server);
  gw_load_threads threads;
  gw_load_threads_read(&threads, &b->server);
  b->cpu_ns = begins ? now : now - b->cpu_ns;
  if (begins)
    b->threads = threads;
  else
    b->busiest_ns = gw_load_threads_busiest_ns(&b->threads, &threads);
}

static double us(uint64_t ns) {
  return (double)ns / 1000.0;
}

static double per(double amount, uint64_t num) {
  return num > 0 ? amount / (double)num : 0;
}

static void print_published(const bench *b, const gw_load_result *r) {
  double seconds = (double)r->measured_ns / 1e9;
  printf("{\"cpu_us\":%.4f,\"busiest_us\":%.4f,"
         "\"cpu_us_per_publication\":%.4f,\"cpu_share\":%.4f,"
         "\"deliveries_per_s\":%.1f,\"publications_per_s\":%.1f,"
         "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"late_us\":%.1f,"
         "\"seconds\":%.3f,\"sent\":%" PRIu64 ",\"acked\":%" PRIu64
         ",\"delivered\":%" PRIu64 "}\n",
         per(us(b->cpu_ns), r->counts.delivered),
         per(us(b->busiest_ns), r->counts.delivered),
         per(us(b->cpu_ns), r->counts.sent), (double)b->cpu_ns / 1e9 / seconds,
         (double)r->counts.delivered / seconds,
         (double)r->counts.sent / seconds,
         us(gw_histogram_quantile(&r->latency, 0.5)),
         us(gw_histogram_quantile(&r->latency, 0.99)), us(r->latency.max),
         us(r->late_ns), seconds, r->total.sent, r->total.acked,
         r->total.delivered);
}

static int publish(bench *b, gw_load *l) {
  gw_load_result *r = malloc(sizeof *r);
  if (r == NULL) return GW_ERR_NOMEM;
  int err = gw_load_open(l, 0);
  if (err == 0) err = gw_load_wait(l, QUIET_MS);
  if (err == 0) err = gw_load_publish(l, b->warm_up_ms, b->duration_ms, r);
  if (err == 0 && r->counts.delivered == 0) {
    gw_load_fail(l, "nothing was delivered");
    err = GW_ERR_STATE;
  }
  if (err == 0) print_published(b, r);
  free(r);
  return err;
}

/* ---- storms ------------------------------------------------------------------ */

static int storm(bench *b, gw_load *l) {
  gw_load_comeback *c = malloc(sizeof *c);
  if (c == NULL) return GW_ERR_NOMEM;
  int err = gw_load_open(l, 0);
  if (err == 0) err = gw_load_wait(l, b->hold_ms / 2);
  uint64_t memory = gw_load_memory_bytes(&b->server);
  gw_load_reset_peak(&b->server);
  on_mark(b, true);
  if (err == 0) err = gw_load_storm(l, c);
  on_mark(b, false);
  if (err == 0)
    printf("{\"clients\":%" PRIu32 ",\"recovered\":%" PRIu64
           ",\"seconds\":%.3f,\"p50_s\":%.3f,\"p99_s\":%.3f,\"cpu_s\":%.3f,"
           "\"memory_open\":%" PRIu64 ",\"memory_peak\":%" PRIu64 "}\n",
           b->options.num_subscribers, c->recovered, (double)c->ns / 1e9,
           (double)gw_histogram_quantile(&c->live, 0.5) / 1e9,
           (double)gw_histogram_quantile(&c->live, 0.99) / 1e9,
           (double)b->cpu_ns / 1e9, memory, gw_load_peak_bytes(&b->server));
  free(c);
  return err;
}

/* ---- connections ------------------------------------------------------------ */

static int warm_up(const bench *b) {
  gw_load_options options = b->options;
  const char *why;
  if (options.num_subscribers > WARM_UP_CONNECTIONS)
    options.num_subscribers = WARM_UP_CONNECTIONS;
  if (options.num_rooms > options.num_subscribers)
    options.num_rooms = options.num_subscribers;
  gw_load *l = gw_load_new(&options, &why);
  if (l == NULL) return GW_ERR_NOMEM;
  int err = gw_load_open(l, 0);
  if (err == 0) err = gw_load_wait(l, QUIET_MS);
  if (err < 0) fail(gw_load_why(l));
  gw_load_free(l);
  return err;
}

/** What was seen of the connections at one moment. */
typedef struct sight {
  uint64_t memory;
  uint64_t kernel;
  uint64_t cpu_ns;
  uint64_t time_ns;
} sight;

static sight look(const bench *b) {
  return (sight){.memory = gw_load_memory_bytes(&b->server),
                 .kernel = gw_load_kernel_bytes(),
                 .cpu_ns = gw_load_cpu_ns(&b->server),
                 .time_ns = gw_load_now_ns()};
}

static double grown(uint64_t before, uint64_t after, uint32_t num) {
  return ((double)after - (double)before) / num;
}

typedef struct connecting {
  sight before; /**< nobody is connected */
  sight opened; /**< everybody has just come */
  sight quiet;  /**< and nothing has happened for some time */
  sight idle;
  sight closed;
  uint64_t part_cpu_ns[PARTS];
} connecting;

static void print_connected(const bench *b, const connecting *c) {
  uint32_t num = b->options.num_subscribers;
  double seconds = (double)(c->opened.time_ns - c->before.time_ns) / 1e9;
  double idle_s = (double)(c->idle.time_ns - c->quiet.time_ns) / 1e9;
  printf("{\"connections\":%" PRIu32 ",\"cpu_us\":%.3f,"
         "\"first_part_cpu_us\":%.3f,\"last_part_cpu_us\":%.3f,"
         "\"connects_per_s\":%.1f,\"bytes\":%.1f,\"kernel_bytes\":%.1f,"
         "\"idle_cpu_us_per_s\":%.1f,\"memory_before\":%" PRIu64
         ",\"memory_open\":%" PRIu64 ",\"memory_closed\":%" PRIu64 "}\n",
         num, us(c->opened.cpu_ns - c->before.cpu_ns) / num,
         us(c->part_cpu_ns[0]) / (num / PARTS),
         us(c->part_cpu_ns[PARTS - 1]) / (num / PARTS), num / seconds,
         grown(c->before.memory, c->quiet.memory, num),
         /* Both ends are on this machine. */
         grown(c->before.kernel, c->quiet.kernel, num) / 2,
         us(c->idle.cpu_ns - c->quiet.cpu_ns) / idle_s, c->before.memory,
         c->quiet.memory, c->closed.memory);
}

/** Wait until the memory is given back, or ought to be. */
static int wait_for_memory(const bench *b, gw_load *l, uint64_t before) {
  int err = gw_load_wait(l, b->hold_ms / 2);
  for (uint32_t ms = 0; ms < RETURN_MS && err == 0; ms += RETURN_STEP_MS) {
    if (gw_load_memory_bytes(&b->server) <= before * RETURN_PERCENT / 100)
      break;
    err = gw_load_wait(l, RETURN_STEP_MS);
  }
  return err;
}

static int connect_all(bench *b, gw_load *l) {
  connecting c;
  int err = 0;
  c.before = look(b);
  for (uint32_t i = 0; i < PARTS && err == 0; i++) {
    uint64_t cpu_ns = gw_load_cpu_ns(&b->server);
    uint32_t left = gw_load_num_wanted(l) - gw_load_num_ready(l);
    err = gw_load_open(l, i + 1 == PARTS ? left
                                         : b->options.num_subscribers / PARTS);
    c.part_cpu_ns[i] = gw_load_cpu_ns(&b->server) - cpu_ns;
  }
  c.opened = look(b);
  if (err == 0) err = gw_load_wait(l, b->hold_ms / 2);
  c.quiet = look(b);
  if (err == 0) err = gw_load_wait(l, b->hold_ms / 2);
  c.idle = look(b);
  gw_load_close(l);
  if (err == 0) err = wait_for_memory(b, l, c.before.memory);
  c.closed = look(b);
  if (err == 0) print_connected(b, &c);
  return err;
}

/* ---- command line ------------------------------------------------------------ */

static const char about[] =
    "Puts one workload on one server and prints what it saw as a line of JSON.\n"
    "Drivers: godwit topic nats nchan mqtt socketio. Exits with 1 when anything\n"
    "was lost, repeated or refused.\n";
static const char examples[] =
    "  godwit-load --url ws://127.0.0.1:8000/v1/ws --window 32\n";

static int parse(bench *b, int argc, char **argv) {
  gw_load_options *o = &b->options;
  const gw_option options[] = {
      {"--driver", GW_OPTION_TEXT, &b->driver, "NAME", "protocol [godwit]"},
      {"--url", GW_OPTION_TEXT, &o->url, "URL", "ws://HOST:PORT/PATH"},
      {"--insecure", GW_OPTION_FLAG, &o->is_insecure, NULL,
       "take any certificate of a wss:// server"},
      {"--pid", GW_OPTION_TEXT, &b->pids, "PID,...", "the server's processes"},
      {"--connections", GW_OPTION_NUMBER, &o->num_subscribers, "N", "[100]"},
      {"--channels", GW_OPTION_NUMBER, &o->num_rooms, "N", "[1]"},
      {"--window", GW_OPTION_NUMBER, &o->window, "N", "in flight per channel"},
      {"--rate", GW_OPTION_NUMBER, &o->rate, "N", "a second per channel"},
      {"--size", GW_OPTION_NUMBER, &o->payload_bytes, "BYTES", "[128]"},
      {"--member", GW_OPTION_FLAG, &o->is_member, NULL,
       "the first subscriber of each channel publishes"},
      {"--storm", GW_OPTION_NUMBER, &o->num_missed, "N",
       "cut all, publish N per channel, let all come back; with --window"},
      {"--echo", GW_OPTION_FLAG, &o->is_echo, NULL, "echo, not publish"},
      {"--presence", GW_OPTION_FLAG, &o->presence, NULL, "enter and watch it"},
      {"--warm-up", GW_OPTION_DURATION, &b->warm_up_ms, "TIME", "[300ms]"},
      {"--duration", GW_OPTION_DURATION, &b->duration_ms, "TIME", "[1s]"},
      {"--connect", GW_OPTION_FLAG, &b->only_connects, NULL,
       "connect, hold, close; publish nothing"},
      {"--hold", GW_OPTION_DURATION, &b->hold_ms, "TIME", "[2s]"},
      {"--fill", GW_OPTION_NUMBER, &b->num_fill, "N",
       "instead, publish once to each of N other channels"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {"godwit-load", "--url URL", about,
                          options,       NULL,        examples};
  switch (gw_options_parse(&usage, &argc, argv)) {
  case GW_PARSED_HELP:
    return -1;
  case GW_PARSED_BAD:
    return GW_EXIT_USAGE;
  default:
    break;
  }
  if (argc > 0 || o->url == NULL) return gw_usage_error(&usage, "--url, only");
  for (size_t i = 0; i < NUM_DRIVERS; i++) {
    if (strcmp(drivers[i]->name, b->driver) == 0) o->driver = drivers[i];
  }
  if (o->driver == NULL)
    return gw_usage_error(&usage, "no driver is called %s", b->driver);
  if (b->pids != NULL && gw_load_processes_read(&b->server, b->pids) < 0)
    return gw_usage_error(&usage, "--pid: no such processes");
  return 0;
}

int main(int argc, char **argv) {
  const char *why;
  bench b = {.driver = "godwit",
             .options = {.num_subscribers = 100,
                         .num_rooms = 1,
                         .payload_bytes = 128,
                         .on_mark = on_mark},
             .warm_up_ms = 300,
             .duration_ms = 1000,
             .hold_ms = 2000};
  int code = parse(&b, argc, argv);
  if (code != 0) return code < 0 ? GW_EXIT_OK : code;
  if (b.num_fill > 0) {
    uint32_t len = b.options.payload_bytes;
    return gw_load_fill(b.options.url, b.num_fill, len, &why) < 0 ? fail(why)
                                                                  : GW_EXIT_OK;
  }
  b.options.has_publishers = !b.only_connects;
  b.options.on_user = &b;
  if (b.only_connects && warm_up(&b) < 0) return GW_EXIT_FAILED;
  gw_load *l = gw_load_new(&b.options, &why);
  if (l == NULL) return fail(why);
  running = l;
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  int err = b.only_connects            ? connect_all(&b, l)
            : b.options.num_missed > 0 ? storm(&b, l)
                                       : publish(&b, l);
  if (err < 0) (void)fail(gw_load_why(l));
  if (err == 0 && gw_load_was_stopped(l)) err = GW_ERR_STATE;
  running = NULL;
  gw_load_free(l);
  return err < 0 ? GW_EXIT_FAILED : GW_EXIT_OK;
}
