/* SPDX-License-Identifier: MIT */
/* counters.c - labels are types of frames, classes of codes and of statuses:
 * their number does not grow with what clients do. */
#include "server/middleware/counters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Threads count apart, so that they do not wait for each other's cache lines;
 * more share. */
#define LANES 16u
#define LINE  64u

#define NUM_TYPES   64u
#define NUM_CLASSES 10u
#define NUM_BUCKETS 7u

/* Upper bounds of how long connections last, in seconds; the last is none. */
static const uint32_t bounds_s[NUM_BUCKETS - 1] = {1, 10, 60, 600, 3600, 86400};

typedef struct lane {
  _Atomic uint64_t requests;
  _Atomic uint64_t refused[NUM_CLASSES]; /* by hundreds of the status */
  _Atomic uint64_t frames[NUM_TYPES];
  _Atomic uint64_t publications;
  _Atomic uint64_t connects;
  _Atomic uint64_t ends[NUM_CLASSES]; /* by hundreds of the code */
  _Atomic uint64_t durations[NUM_BUCKETS];
  _Atomic uint64_t duration_ms;
  uint8_t apart[LINE];
} lane;

struct gw_counters {
  lane lanes[LANES];
};

static atomic_uint num_threads;

static lane *own_lane(gw_counters *c) {
  static _Thread_local unsigned number; /* plus 1 */
  if (number == 0) number = atomic_fetch_add(&num_threads, 1) + 1;
  return &c->lanes[number % LANES];
}

static void count(_Atomic uint64_t *at, uint64_t num) {
  atomic_fetch_add_explicit(at, num, memory_order_relaxed);
}

gw_counters *gw_counters_new(void) {
  return calloc(1, sizeof(gw_counters));
}

void gw_counters_free(gw_counters *c) {
  free(c);
}

/* ---- counting --------------------------------------------------------------- */

static bool on_request(void *user, const gw_request *r, gw_refusal *refusal) {
  (void)r;
  (void)refusal;
  count(&own_lane(user)->requests, 1);
  return true;
}

static void on_refused(void *user, const gw_request *r,
                       const gw_refusal *refusal) {
  (void)r;
  uint32_t class = refusal->status / 100;
  count(&own_lane(user)->refused[class < NUM_CLASSES ? class : 0], 1);
}

static void on_connect(void *user, gw_connection *c) {
  (void)c;
  count(&own_lane(user)->connects, 1);
}

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *frame,
                     gw_refusal *refusal) {
  (void)c;
  (void)refusal;
  count(&own_lane(user)->frames[frame->type < NUM_TYPES ? frame->type : 0], 1);
  return true;
}

static bool on_publication(void *user, gw_connection *c, gw_draft *draft,
                           gw_refusal *refusal) {
  (void)c;
  (void)draft;
  (void)refusal;
  count(&own_lane(user)->publications, 1);
  return true;
}

static void on_disconnect(void *user, gw_connection *c, const gw_end *end) {
  lane *l = own_lane(user);
  uint32_t class = end->code / 100;
  size_t bucket = 0;
  count(&l->ends[class < NUM_CLASSES ? class : 0], 1);
  if (gw_connection_id(c) == 0) return;
  while (bucket < NUM_BUCKETS - 1 &&
         end->duration_ms > (uint64_t)bounds_s[bucket] * 1000)
    bucket++;
  count(&l->durations[bucket], 1);
  count(&l->duration_ms, end->duration_ms);
}

const gw_middleware gw_counters_link = {.size = sizeof(gw_middleware),
                                        .name = "metrics",
                                        .on_request = on_request,
                                        .on_refused = on_refused,
                                        .on_connect = on_connect,
                                        .on_frame = on_frame,
                                        .on_publication = on_publication,
                                        .on_disconnect = on_disconnect};

/* ---- writing ----------------------------------------------------------------- */

/** The sum of what is at an offset in all lanes. */
static uint64_t sum(const gw_counters *c, size_t offset) {
  uint64_t all = 0;
  for (size_t i = 0; i < LANES; i++) {
    const char *at = (const char *)&c->lanes[i] + offset;
    all += atomic_load_explicit((const _Atomic uint64_t *)(const void *)at,
                                memory_order_relaxed);
  }
  return all;
}

#define SUM(c, field) sum(c, offsetof(lane, field))
#define SUM_AT(c, field, i) \
  sum(c, offsetof(lane, field) + (i) * sizeof(_Atomic uint64_t))

static void head(FILE *to, const char *name, const char *type,
                 const char *help) {
  fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_frames(const gw_counters *c, FILE *to) {
  head(to, "godwit_chain_frames_total", "counter",
       "Frames that the middleware was shown");
  for (uint8_t i = 0; i < NUM_TYPES; i++) {
    uint64_t num = SUM_AT(c, frames, i);
    if (num != 0)
      fprintf(to, "godwit_chain_frames_total{type=\"%s\"} %" PRIu64 "\n",
              gw_type_name(i), num);
  }
}

/** By hundreds: those that there are. */
static void write_classes(const gw_counters *c, size_t offset,
                          const char *format, FILE *to) {
  for (unsigned i = 0; i < NUM_CLASSES; i++) {
    uint64_t num = sum(c, offset + i * sizeof(_Atomic uint64_t));
    if (num != 0) fprintf(to, format, i, num);
  }
}

static void write_durations(const gw_counters *c, FILE *to) {
  uint64_t all = 0;
  head(to, "godwit_connection_duration_seconds", "histogram",
       "How long welcomed connections lasted");
  for (size_t i = 0; i < NUM_BUCKETS - 1; i++) {
    all += SUM_AT(c, durations, i);
    fprintf(to,
            "godwit_connection_duration_seconds_bucket{le=\"%u\"} %" PRIu64
            "\n",
            bounds_s[i], all);
  }
  all += SUM_AT(c, durations, NUM_BUCKETS - 1);
  fprintf(to,
          "godwit_connection_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64
          "\ngodwit_connection_duration_seconds_sum %.3f\n"
          "godwit_connection_duration_seconds_count %" PRIu64 "\n",
          all, (double)SUM(c, duration_ms) / 1000, all);
}

void gw_counters_write(const gw_counters *c, FILE *to) {
  head(to, "godwit_chain_requests_total", "counter",
       "HTTP requests that the middleware was shown");
  fprintf(to, "godwit_chain_requests_total %" PRIu64 "\n", SUM(c, requests));
  head(to, "godwit_chain_refused_total", "counter",
       "HTTP requests that were refused, by class of the status");
  write_classes(c, offsetof(lane, refused),
                "godwit_chain_refused_total{status=\"%uxx\"} %" PRIu64 "\n",
                to);
  write_frames(c, to);
  head(to, "godwit_chain_publications_total", "counter",
       "Publications that the middleware was shown");
  fprintf(to, "godwit_chain_publications_total %" PRIu64 "\n",
          SUM(c, publications));
  head(to, "godwit_chain_connects_total", "counter", "Clients welcomed");
  fprintf(to, "godwit_chain_connects_total %" PRIu64 "\n", SUM(c, connects));
  head(to, "godwit_chain_ends_total", "counter",
       "Connections ended, by class of the code; 0: lost");
  write_classes(c, offsetof(lane, ends),
                "godwit_chain_ends_total{class=\"%u\"} %" PRIu64 "\n", to);
  write_durations(c, to);
}
