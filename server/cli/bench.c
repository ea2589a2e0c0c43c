/* SPDX-License-Identifier: MIT */
/* bench.c - `godwit bench`: load on a server, and how it bore it. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/cli/cmd.h"
#include "server/cli/options.h"
#include "server/load/driver.h"
#include "server/load/usage.h"

#define NAME        "godwit bench"
#define DEFAULT_URL "ws://localhost:8000/v1/ws"

/** Publications before measuring, in which everything gets warm. */
#define WARM_UP_MS 500u

/** Publications under way in each channel, when its subscribers are gone. */
#define STORM_WINDOW 32u

/** A publication that is sent this much too late says that this machine had
 * other things to do. */
#define LATE_NS 10000000u

typedef struct bench {
  gw_load_options load;
  uint32_t duration_ms;
  const char *pids;
  bool as_json;
  gw_load_processes server;
  uint64_t cpu_ns; /**< of the server, while it was measured */
  uint64_t memory_before;
  uint64_t memory_open;
  uint64_t memory_peak;
  uint64_t connect_ns;
  gw_load_counts told; /**< at the last line of progress */
  uint64_t told_ns;
  uint64_t since_ns;
  bool has_line; /**< of progress, on a terminal */
  gw_load_result result;
  gw_load_comeback comeback;
} bench;

/* What Ctrl-C stops. */
static gw_load *running;

static void on_signal(int number) {
  gw_load_stop(running); /* sets a flag. NOLINT(bugprone-signal-handler) */
  /* The second one ends the process. */
  signal(number, SIG_DFL);
}

/* ---- progress -------------------------------------------------------------- */

static double seconds(uint64_t ns) {
  return (double)ns / 1e9;
}

static void end_progress(bench *b) {
  if (b->has_line) fputs("\r\033[K", stderr);
  b->has_line = false;
}

static void on_second(void *user, gw_load *l) {
  bench *b = user;
  uint64_t now = gw_load_now_ns();
  gw_load_counts counts = gw_load_count(l);
  double passed = seconds(now - b->told_ns);
  bool is_terminal = isatty(STDERR_FILENO) != 0;
  fprintf(stderr, "%s  %3.0f s  %10.0f publications/s  %12.0f deliveries/s%s",
          is_terminal ? "\r" : "", seconds(now - b->since_ns),
          (double)(counts.sent - b->told.sent) / passed,
          (double)(counts.delivered - b->told.delivered) / passed,
          is_terminal ? "" : "\n");
  b->has_line = is_terminal;
  b->told = counts;
  b->told_ns = now;
}

static void on_mark(void *user, bool begins) {
  bench *b = user;
  uint64_t now = gw_load_cpu_ns(&b->server);
  b->cpu_ns = begins ? now : now - b->cpu_ns;
}

/* ---- the outcome ------------------------------------------------------------ */

static double per_second(const bench *b, uint64_t num) {
  return (double)num / seconds(b->result.measured_ns);
}

static double latency_ms(const bench *b, double part) {
  return (double)gw_histogram_quantile(&b->result.latency, part) / 1e6;
}

static double cpu_us(const bench *b) {
  uint64_t num = b->result.counts.delivered;
  return num > 0 ? (double)b->cpu_ns / 1000.0 / (double)num : 0;
}

static double connection_bytes(const bench *b, uint32_t num) {
  return ((double)b->memory_open - (double)b->memory_before) / num;
}

static void print_json(const bench *b, uint32_t num) {
  const gw_load_result *r = &b->result;
  printf("{\"connections\":%" PRIu32 ",\"channels\":%" PRIu32
         ",\"connects_per_s\":%.1f,\"seconds\":%.3f,\"sent\":%" PRIu64
         ",\"acked\":%" PRIu64 ",\"delivered\":%" PRIu64
         ",\"publications_per_s\":%.1f,\"deliveries_per_s\":%.1f,"
         "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
         "\"max_ms\":%.3f,\"late_ms\":%.3f",
         num, b->load.num_rooms, num / seconds(b->connect_ns),
         seconds(r->measured_ns), r->total.sent, r->total.acked,
         r->total.delivered, per_second(b, r->counts.sent),
         per_second(b, r->counts.delivered), latency_ms(b, 0.5),
         latency_ms(b, 0.9), latency_ms(b, 0.99), latency_ms(b, 0.999),
         (double)r->latency.max / 1e6, (double)r->late_ns / 1e6);
  if (b->server.num > 0)
    printf(",\"cpu_us_per_delivery\":%.4f,\"cpu_share\":%.4f,"
           "\"bytes_per_connection\":%.0f",
           cpu_us(b), seconds(b->cpu_ns) / seconds(r->measured_ns),
           connection_bytes(b, num));
  puts("}");
}

static void print_text(const bench *b, uint32_t num) {
  const gw_load_result *r = &b->result;
  printf("connections    %" PRIu32 " in %.2f s, %.0f a second\n", num,
         seconds(b->connect_ns), num / seconds(b->connect_ns));
  printf("publications   %" PRIu64 " sent, all acknowledged; %.0f a second\n",
         r->total.sent, per_second(b, r->counts.sent));
  printf("deliveries     %" PRIu64
         ", none lost, none repeated, all in order; %.0f a second\n",
         r->total.delivered, per_second(b, r->counts.delivered));
  printf("latency        median %.3f ms, 99%% %.3f ms, 99.9%% %.3f ms, longest "
         "%.3f ms\n",
         latency_ms(b, 0.5), latency_ms(b, 0.99), latency_ms(b, 0.999),
         (double)r->latency.max / 1e6);
  if (b->server.num > 0)
    printf("server         %.3f us of CPU a delivery, %.0f%% of one CPU, %.0f "
           "bytes a connection\n",
           cpu_us(b), 100 * seconds(b->cpu_ns) / seconds(r->measured_ns),
           connection_bytes(b, num));
  if (r->late_ns > LATE_NS)
    printf("Publications left up to %.0f ms late: this machine has too much to "
           "do for exact latencies.\n",
           (double)r->late_ns / 1e6);
}

/* ---- the outcome of a storm -------------------------------------------------- */

static void print_storm_json(const bench *b) {
  const gw_load_comeback *c = &b->comeback;
  printf("{\"clients\":%" PRIu32 ",\"channels\":%" PRIu32 ",\"missed\":%" PRIu32
         ",\"recovered\":%" PRIu64
         ",\"seconds\":%.3f,\"p50_s\":%.3f,\"p99_s\":%.3f",
         b->load.num_subscribers, b->load.num_rooms, b->load.num_missed,
         c->recovered, seconds(c->ns),
         seconds(gw_histogram_quantile(&c->live, 0.5)),
         seconds(gw_histogram_quantile(&c->live, 0.99)));
  if (b->server.num > 0)
    printf(",\"cpu_s\":%.3f,\"memory_open\":%" PRIu64
           ",\"memory_peak\":%" PRIu64,
           seconds(b->cpu_ns), b->memory_open, b->memory_peak);
  puts("}");
}

static void print_storm_text(const bench *b) {
  const gw_load_comeback *c = &b->comeback;
  printf("cut            %" PRIu32 " connections, which missed %" PRIu32
         " publications in each of %" PRIu32 " channels\n",
         b->load.num_subscribers, b->load.num_missed, b->load.num_rooms);
  printf("back           all within %.2f s, half of them within %.2f s\n",
         seconds(c->ns), seconds(gw_histogram_quantile(&c->live, 0.5)));
  printf("recovered      %" PRIu64
         " publications, none lost, none repeated, all in order\n",
         c->recovered);
  if (b->server.num > 0)
    printf("server         %.2f s of CPU, %.0f MB of memory at most, %.0f MB "
           "before\n",
           seconds(b->cpu_ns), (double)b->memory_peak / 1e6,
           (double)b->memory_open / 1e6);
}

static void print(const bench *b, uint32_t num) {
  if (b->load.num_missed > 0 && b->as_json) print_storm_json(b);
  if (b->load.num_missed > 0 && !b->as_json) print_storm_text(b);
  if (b->load.num_missed == 0 && b->as_json) print_json(b, num);
  if (b->load.num_missed == 0 && !b->as_json) print_text(b, num);
}

/* ---- the run ---------------------------------------------------------------- */

static int run_storm(bench *b, gw_load *l) {
  fprintf(stderr, "cutting all, and letting them come back\n");
  gw_load_reset_peak(&b->server);
  on_mark(b, true);
  int err = gw_load_storm(l, &b->comeback);
  on_mark(b, false);
  b->memory_peak = gw_load_peak_bytes(&b->server);
  if (err == 0 && gw_load_was_stopped(l)) {
    fputs(NAME ": interrupted before everybody was back\n", stderr);
    return GW_ERR_STATE;
  }
  return err;
}

static int put_load_on(bench *b, gw_load *l) {
  uint32_t num = gw_load_num_wanted(l);
  b->memory_before = gw_load_memory_bytes(&b->server);
  b->since_ns = gw_load_now_ns();
  fprintf(stderr, "connecting %" PRIu32 " to %s\n", num, b->load.url);
  int err = gw_load_open(l, 0);
  if (err < 0 && gw_load_num_ready(l) == 0)
    fputs("Is a godwit server running there? `godwit serve` starts one here; "
          "--url names another.\n",
          stderr);
  if (err < 0) return err;
  if (gw_load_num_ready(l) < num) {
    fputs(NAME ": interrupted before everybody was connected\n", stderr);
    return GW_ERR_STATE;
  }
  b->told_ns = gw_load_now_ns();
  b->connect_ns = b->told_ns - b->since_ns;
  b->memory_open = gw_load_memory_bytes(&b->server);
  b->since_ns = b->told_ns;
  if (b->load.num_missed > 0) return run_storm(b, l);
  return gw_load_publish(l, WARM_UP_MS, b->duration_ms, &b->result);
}

static int run(bench *b) {
  const char *why;
  gw_load *l = gw_load_new(&b->load, &why);
  if (l == NULL) {
    fprintf(stderr, NAME ": %s\n", why);
    return GW_EXIT_FAILED;
  }
  running = l;
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  int err = put_load_on(b, l);
  end_progress(b);
  if (err < 0 && *gw_load_why(l) != '\0')
    fprintf(stderr, NAME ": %s\n", gw_load_why(l));
  if (err == 0) print(b, gw_load_num_wanted(l));
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  gw_load_free(l);
  return err < 0 ? GW_EXIT_FAILED : GW_EXIT_OK;
}

/* ---- command line ------------------------------------------------------------ */

static const char about[] =
    "Connects subscribers, publishes to their channels for a while, and tells how\n"
    "fast the server was. Each publication has a number: exits with 1 when one was\n"
    "lost, repeated, out of order or not acknowledged, 2 for a wrong command line.\n"
    "Do not point it at what others are using.\n";

static const char examples[] =
    "  godwit bench --connections 1000 --channels 10 --rate 50\n"
    "  godwit bench --connections 500 --storm 20 --json\n";

static void complete(gw_load_options *o) {
  if (o->url == NULL) o->url = getenv("GODWIT_URL");
  if (o->user == NULL) o->user = getenv("GODWIT_USER");
  if (o->token == NULL) o->token = getenv("GODWIT_TOKEN");
  if (o->url == NULL || *o->url == '\0') o->url = DEFAULT_URL;
}

static int parse(bench *b, int argc, char **argv) {
  gw_load_options *o = &b->load;
  const gw_option options[] = {
      {"--connections", GW_OPTION_NUMBER, &o->num_subscribers, "N",
       "subscribers, dealt out to the channels [100]"},
      {"--channels", GW_OPTION_NUMBER, &o->num_rooms, "N",
       "each with a publisher of its own [1]"},
      {"--rate", GW_OPTION_NUMBER, &o->rate, "R",
       "publications a second to each channel [10]"},
      {"--window", GW_OPTION_NUMBER, &o->window, "N",
       "instead, as fast as it goes with N under way"},
      {"--storm", GW_OPTION_NUMBER, &o->num_missed, "N",
       "instead, cut all, publish N to each channel, let all come back"},
      {"--size", GW_OPTION_NUMBER, &o->payload_bytes, "BYTES",
       "of each payload, from 32 [128]"},
      {"--duration", GW_OPTION_DURATION, &b->duration_ms, "TIME",
       "to publish [10s]"},
      {"--channel", GW_OPTION_TEXT, &o->room_name, "NAME",
       "of the channels, -0, -1 ... are added [of its own]"},
      {"--presence", GW_OPTION_FLAG, &o->presence, NULL,
       "subscribers enter the presence, and watch it"},
      {"--pid", GW_OPTION_TEXT, &b->pids, "PID,...",
       "of a server on this machine: its CPU and memory"},
      {"--json", GW_OPTION_FLAG, &b->as_json, NULL, "the outcome as an object"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_option connection[] = {
      {"--url", GW_OPTION_TEXT, &o->url, "URL",
       "server; also GODWIT_URL [" DEFAULT_URL "]"},
      {"--user", GW_OPTION_TEXT, &o->user, "ID",
       "who everybody is, where no token is asked for; also GODWIT_USER"},
      {"--token", GW_OPTION_TEXT, &o->token, "TOKEN", "also GODWIT_TOKEN"},
      {"--ca", GW_OPTION_TEXT, &o->ca_file, "FILE",
       "certificates to trust for wss://, beside the system's"},
      {"--insecure", GW_OPTION_FLAG, &o->is_insecure, NULL,
       "trust any certificate"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {NAME,    "[options]", about,
                          options, connection,  examples};
  switch (gw_options_parse(&usage, &argc, argv)) {
  case GW_PARSED_HELP:
    return -1;
  case GW_PARSED_BAD:
    return GW_EXIT_USAGE;
  default:
    break;
  }
  if (argc > 0) return gw_usage_error(&usage, "what is %s?", argv[0]);
  if (o->rate != 0 && o->window != 0)
    return gw_usage_error(&usage, "--rate and --window exclude each other");
  if (o->num_missed != 0 && o->rate != 0)
    return gw_usage_error(&usage, "--rate and --storm exclude each other");
  if (o->num_missed != 0 && o->window == 0) o->window = STORM_WINDOW;
  if (o->rate == 0 && o->window == 0) o->rate = 10;
  if (b->pids != NULL && gw_load_processes_read(&b->server, b->pids) < 0)
    return gw_usage_error(&usage, "--pid: there are no such processes");
  complete(o);
  return 0;
}

int gw_cmd_bench(int argc, char **argv) {
  bench *b = calloc(1, sizeof *b);
  if (b == NULL) return GW_EXIT_FAILED;
  b->duration_ms = 10000;
  b->load = (gw_load_options){.driver = &gw_load_godwit,
                              .num_subscribers = 100,
                              .num_rooms = 1,
                              .has_publishers = true,
                              .payload_bytes = 128,
                              .on_second = on_second,
                              .on_mark = on_mark,
                              .on_user = b};
  int code = parse(b, argc, argv);
  if (code == 0) code = run(b);
  free(b);
  return code < 0 ? GW_EXIT_OK : code;
}
