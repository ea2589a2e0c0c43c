/* SPDX-License-Identifier: MIT */
/* book.c - the checker's books. */
#include "tests/sim/book.h"

#include <stdlib.h>
#include <string.h>

#define MAX_EPOCHS 256

typedef struct written {
  sim_writing what;
  bool acked;
  bool failed;
  gw_position at;   /* of the acknowledgement */
  uint64_t sent_in; /* bit per life of the server */
} written;

typedef struct gap {
  uint32_t reason;
  gw_position after; /* last position before it */
  uint64_t from, to;
  gw_position on; /* the stream goes on after this */
} gap;

typedef struct view {
  bool begun;
  gw_position first; /* nothing up to here was promised */
  gw_position at;
  uint32_t *seen;    /* per publication: times delivered in this subscription */
  bool *ever;        /* per publication: delivered in any */
  uint32_t *last_of; /* per writer: its last number + 1 */
  gap *gaps;
  size_t num_gaps;
} view;

/** Streams of a channel, in the order in which they came to be. */
typedef struct stream {
  uint64_t epoch;
  uint32_t channel;
  uint32_t life;
  uint32_t *number; /* per offset: publication + 1; 0: not known */
  size_t cap;
} stream;

struct sim_book {
  world *w;
  const sim_plan *plan;
  uint32_t num_apps;
  written *all;
  uint32_t num;
  uint32_t cap;
  uint32_t num_views;
  view *views; /* of each application and channel */
  stream streams[MAX_EPOCHS];
  size_t num_streams;
  sim_book_sums sums;
};

static void *grow(void *old, size_t count, size_t size) {
  void *p = realloc(old, count * size);
  if (p == NULL) abort();
  return p;
}

sim_book *sim_book_new(world *w, const sim_plan *plan) {
  sim_book *b = calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->w = w;
  b->plan = plan;
  b->num_apps = plan->num_apps;
  b->num_views = plan->num_apps * plan->num_channels;
  b->views = calloc(b->num_views, sizeof *b->views);
  if (b->views == NULL) abort();
  for (uint32_t i = 0; i < b->num_views; i++) {
    b->views[i].last_of = calloc(b->num_apps, sizeof(uint32_t));
    if (b->views[i].last_of == NULL) abort();
  }
  return b;
}

void sim_book_free(sim_book *b) {
  for (size_t i = 0; i < b->num_streams; i++)
    free(b->streams[i].number);
  for (uint32_t i = 0; i < b->num_views; i++) {
    free(b->views[i].last_of);
    free(b->views[i].seen);
    free(b->views[i].ever);
    free(b->views[i].gaps);
  }
  free(b->views);
  free(b->all);
  free(b);
}

static view *view_of(const sim_book *b, uint32_t app, uint32_t channel) {
  return &b->views[app * b->plan->num_channels + channel];
}

static void grow_views(sim_book *b, uint32_t old_cap) {
  for (uint32_t i = 0; i < b->num_views; i++) {
    view *v = &b->views[i];
    v->seen = grow(v->seen, b->cap, sizeof *v->seen);
    v->ever = grow(v->ever, b->cap, sizeof *v->ever);
    memset(v->seen + old_cap, 0, (b->cap - old_cap) * sizeof *v->seen);
    memset(v->ever + old_cap, 0, (b->cap - old_cap) * sizeof *v->ever);
  }
}

uint32_t sim_book_written(sim_book *b, const sim_writing *what) {
  if (b->num == b->cap) {
    uint32_t old = b->cap;
    b->cap = old == 0 ? 256 : old * 2;
    b->all = grow(b->all, b->cap, sizeof *b->all);
    grow_views(b, old);
  }
  b->all[b->num] = (written){.what = *what};
  b->sums.written++;
  return b->num++;
}

/** What tells one payload from another. */
static uint64_t sum_of(gw_payload payload) {
  uint64_t sum = payload.type + payload.bytes.len * 2;
  for (size_t i = 0; i < payload.bytes.len; i++)
    sum = (sum << 7 | sum >> 57) * 31 + payload.bytes.data[i];
  return sum;
}

void sim_book_filled(sim_book *b, uint32_t number, gw_payload payload) {
  b->all[number].what.sum = sum_of(payload);
}

void sim_book_showed(sim_book *b, uint32_t app, uint32_t number,
                     gw_payload payload) {
  if (number < b->num && b->all[number].what.sum != sum_of(payload))
    world_fail(b->w, "app %u got another payload of #%u", app, number);
}

/* ---- streams ------------------------------------------------------------- */

static int stream_of(sim_book *b, uint32_t channel, uint64_t epoch,
                     uint32_t life) {
  for (size_t i = 0; i < b->num_streams; i++) {
    stream *s = &b->streams[i];
    if (s->epoch != epoch) continue;
    if (s->channel != channel)
      world_fail(b->w, "two channels have the epoch %016llx",
                 (unsigned long long)epoch);
    return (int)i;
  }
  if (b->num_streams == MAX_EPOCHS) {
    world_fail(b->w, "more than %d epochs", MAX_EPOCHS);
    return -1;
  }
  b->streams[b->num_streams] =
      (stream){.epoch = epoch, .channel = channel, .life = life};
  return (int)b->num_streams++;
}

/** Note which publication stands at a position; it must always be the same. */
static void note(sim_book *b, uint32_t number, gw_position at, uint32_t life) {
  int i = stream_of(b, b->all[number].what.channel, at.epoch, life);
  if (i < 0) return;
  stream *s = &b->streams[i];
  if (at.offset >= s->cap) {
    size_t cap = s->cap == 0 ? 64 : s->cap;
    while (cap <= at.offset)
      cap *= 2;
    s->number = grow(s->number, cap, sizeof *s->number);
    memset(s->number + s->cap, 0, (cap - s->cap) * sizeof *s->number);
    s->cap = cap;
  }
  if (s->number[at.offset] != 0 && s->number[at.offset] != number + 1)
    world_fail(b->w, "offset %llu of channel %u is both #%u and #%u",
               (unsigned long long)at.offset, s->channel,
               s->number[at.offset] - 1, number);
  s->number[at.offset] = number + 1;
}

static uint32_t number_at(sim_book *b, uint32_t channel, gw_position at) {
  for (size_t i = 0; i < b->num_streams; i++) {
    stream *s = &b->streams[i];
    if (s->epoch == at.epoch && s->channel == channel)
      return at.offset < s->cap ? s->number[at.offset] : 0;
  }
  return 0;
}

/** Place of a stream among those of its channel; later lives are later. */
static uint32_t age(sim_book *b, uint64_t epoch) {
  for (size_t i = 0; i < b->num_streams; i++)
    if (b->streams[i].epoch == epoch) return b->streams[i].life;
  return 0;
}

/* ---- news ---------------------------------------------------------------- */

void sim_book_acked(sim_book *b, uint32_t number, gw_position at,
                    uint32_t life) {
  written *p = &b->all[number];
  if (p->acked || p->failed) world_fail(b->w, "#%u settled twice", number);
  p->acked = true;
  p->at = at;
  b->sums.acked++;
  if (at.epoch == 0 || at.offset == 0)
    world_fail(b->w, "#%u acknowledged without a position", number);
  else
    note(b, number, at, life);
}

void sim_book_sent(sim_book *b, uint32_t number, uint32_t life) {
  if (number < b->num && life < 64)
    b->all[number].sent_in |= UINT64_C(1) << life;
}

void sim_book_not_taken(sim_book *b, uint32_t number) {
  b->all[number].failed = true;
}

void sim_book_failed(sim_book *b, uint32_t number, uint32_t code) {
  written *p = &b->all[number];
  if (p->acked || p->failed) world_fail(b->w, "#%u settled twice", number);
  p->failed = true;
  b->sums.failed++;
  if (!p->what.may_fail)
    world_fail(b->w, "#%u failed: %s", number, gw_code_name(code));
}

/* ---- what may be missing ------------------------------------------------- */

static bool gap_explains(sim_book *b, const gap *g, gw_position at) {
  if (at.epoch == g->after.epoch && at.epoch == g->on.epoch)
    return at.offset >= g->from && at.offset <= g->on.offset;
  if (at.epoch == g->after.epoch) return at.offset >= g->from;
  if (at.epoch == g->on.epoch) return at.offset <= g->on.offset;
  return age(b, at.epoch) >= age(b, g->after.epoch) &&
         age(b, at.epoch) <= age(b, g->on.epoch);
}

/**
 * A publication that a server took before it crashed, without the writer hearing
 * of it, is taken again by the next one. A view that was told a gap over the
 * first place, or began behind it, shows the second, which is late: what the
 * writer wrote after it may have been shown from the old stream.
 */
static bool is_late(sim_book *b, const view *v, const written *p,
                    gw_position at) {
  for (uint32_t life = 1; life < age(b, at.epoch) && life < 64; life++) {
    if ((p->sent_in >> life & 1) == 0) continue;
    if (life <= age(b, v->first.epoch)) return true;
    for (size_t i = 0; i < v->num_gaps; i++)
      if (age(b, v->gaps[i].after.epoch) <= life &&
          life <= age(b, v->gaps[i].on.epoch))
        return true;
  }
  return false;
}

static bool is_explained(sim_book *b, const view *v, gw_position at) {
  if (at.epoch == v->first.epoch && at.offset <= v->first.offset) return true;
  if (at.epoch != v->first.epoch && age(b, at.epoch) <= age(b, v->first.epoch))
    return true;
  for (size_t i = 0; i < v->num_gaps; i++)
    if (gap_explains(b, &v->gaps[i], at)) return true;
  return false;
}

/** Offsets that were passed over must hold what this view does not get twice. */
static void check_passed(sim_book *b, uint32_t app, uint32_t channel,
                         uint64_t upto) {
  view *v = view_of(b, app, channel);
  for (uint64_t o = v->at.offset + 1; o <= upto; o++) {
    uint32_t n = number_at(b, channel, (gw_position){v->at.epoch, o});
    if (n == 0) continue; /* acknowledged or delivered to nobody (yet) */
    written *p = &b->all[n - 1];
    if (v->ever[n - 1] || (p->what.no_echo && p->what.app == app)) continue;
    world_fail(b->w, "app %u channel %u passed over #%u at offset %llu", app,
               channel, n - 1, (unsigned long long)o);
  }
}

void sim_book_begins(sim_book *b, uint32_t app, uint32_t channel,
                     gw_position at, uint32_t life, bool fresh) {
  view *v = view_of(b, app, channel);
  (void)stream_of(b, channel, at.epoch, life);
  if (!v->begun) {
    v->begun = true;
    v->first = at;
    v->at = at;
  }
  if (fresh && b->cap > 0) {
    memset(v->seen, 0, b->cap * sizeof *v->seen);
    memset(v->last_of, 0, b->num_apps * sizeof *v->last_of);
  }
  if (at.epoch == v->at.epoch && at.offset > v->at.offset) {
    check_passed(b, app, channel, at.offset);
    v->at = at;
  }
  if (at.epoch != v->at.epoch || at.offset != v->at.offset)
    world_fail(b->w, "app %u channel %u goes on at %llu, was at %llu, no gap",
               app, channel, (unsigned long long)at.offset,
               (unsigned long long)v->at.offset);
}

void sim_book_delivered(sim_book *b, uint32_t app, uint32_t channel,
                        uint32_t number, gw_position at, uint32_t life) {
  view *v = view_of(b, app, channel);
  if (number >= b->num || b->all[number].what.channel != channel) {
    world_fail(b->w, "app %u got #%u, which nobody wrote there", app, number);
    return;
  }
  written *p = &b->all[number];
  b->sums.delivered++;
  note(b, number, at, life);
  if (at.epoch != v->at.epoch || at.offset <= v->at.offset)
    world_fail(b->w, "app %u channel %u: #%u at %llu after %llu", app, channel,
               number, (unsigned long long)at.offset,
               (unsigned long long)v->at.offset);
  check_passed(b, app, channel, at.offset - 1);
  if (v->seen[number]++ > 0)
    world_fail(b->w, "app %u channel %u: #%u twice", app, channel, number);
  v->ever[number] = true;
  if (number < v->last_of[p->what.app] && !is_late(b, v, p, at))
    world_fail(b->w, "app %u channel %u: #%u after #%u of the same writer", app,
               channel, number, v->last_of[p->what.app] - 1);
  if (number >= v->last_of[p->what.app]) v->last_of[p->what.app] = number + 1;
  if (p->what.no_echo && p->what.app == app)
    world_fail(b->w, "app %u: echo of #%u, which wanted none", app, number);
  v->at = at;
}

void sim_book_gap(sim_book *b, uint32_t app, uint32_t channel, uint32_t reason,
                  uint64_t from, uint64_t to, gw_position at, uint32_t life) {
  view *v = view_of(b, app, channel);
  (void)stream_of(b, channel, at.epoch, life);
  if (reason == GW_GAP_NONE)
    world_fail(b->w, "app %u: gap without reason", app);
  v->gaps = grow(v->gaps, v->num_gaps + 1, sizeof *v->gaps);
  v->gaps[v->num_gaps++] = (gap){reason, v->at, from, to, at};
  b->sums.gaps++;
  if (reason == GW_GAP_SLOW_READER) b->sums.skipped += to - from + 1;
  if (at.epoch == v->at.epoch && at.offset < v->at.offset)
    world_fail(b->w, "app %u channel %u: a gap leads back", app, channel);
  if (from > v->at.offset + 1) check_passed(b, app, channel, from - 1);
  v->at = at;
}

/* ---- what a slow reader may be spared ------------------------------------ */

static const stream *stream_at(const sim_book *b, uint64_t epoch) {
  for (size_t i = 0; i < b->num_streams; i++)
    if (b->streams[i].epoch == epoch) return &b->streams[i];
  return NULL;
}

/** Whether all of a stream was kept all the time. */
static bool is_kept(const sim_book *b, const stream *s) {
  for (uint64_t o = (uint64_t)b->plan->history_size + 1; o < s->cap; o++)
    if (s->number[o] != 0) return false;
  return true;
}

/** Whether something later is about the same thing as what stands at an
 * offset. */
static bool is_superseded(const sim_book *b, const stream *s, uint64_t offset) {
  uint32_t item = b->all[s->number[offset] - 1].what.item;
  for (uint64_t o = offset + 1; item != 0 && o < s->cap; o++)
    if (s->number[o] != 0 && b->all[s->number[o] - 1].what.item == item)
      return true;
  return false;
}

static void check_skipped(sim_book *b, uint32_t app, const stream *s,
                          uint64_t offset) {
  uint32_t overflow = sim_plan_overflow(b->plan, app);
  if (overflow == GW_OVERFLOW_SAMPLE || s->number[offset] == 0) return;
  if (overflow != GW_OVERFLOW_CONFLATE || !is_superseded(b, s, offset))
    world_fail(b->w,
               "app %u channel %u was not sent #%u at offset %llu, which is "
               "kept, for being slow",
               app, s->channel, s->number[offset] - 1,
               (unsigned long long)offset);
}

/** What is kept is skipped by those only who chose so, and as they chose. */
static void check_gaps(sim_book *b, uint32_t app, const view *v) {
  for (size_t i = 0; i < v->num_gaps; i++) {
    const gap *g = &v->gaps[i];
    const stream *s = stream_at(b, g->on.epoch);
    if (g->reason != GW_GAP_SLOW_READER) continue;
    if (sim_plan_overflow(b->plan, app) == GW_OVERFLOW_CLOSE)
      world_fail(b->w, "app %u was spared what it wanted to be closed for",
                 app);
    if (s == NULL || !is_kept(b, s)) continue;
    for (uint64_t o = g->from; o <= g->to && o < s->cap; o++)
      check_skipped(b, app, s, o);
  }
}

/* ---- the end ------------------------------------------------------------- */

void sim_book_check(sim_book *b) {
  for (uint32_t a = 0; a < b->num_apps; a++)
    for (uint32_t c = 0; c < b->plan->num_channels; c++)
      check_gaps(b, a, view_of(b, a, c));
  for (uint32_t n = 0; n < b->num; n++) {
    const written *p = &b->all[n];
    if (!p->acked && !p->failed) {
      world_fail(b->w, "#%u of app %u was never settled", n, p->what.app);
      return;
    }
    if (!p->acked) continue;
    for (uint32_t a = 0; a < b->num_apps; a++) {
      const view *v = view_of(b, a, p->what.channel);
      if (!v->begun || v->ever[n]) continue;
      if (p->what.no_echo && p->what.app == a) continue;
      if (!is_explained(b, v, p->at)) {
        world_fail(b->w,
                   "#%u (channel %u, offset %llu) never reached app %u, "
                   "and no gap says so",
                   n, p->what.channel, (unsigned long long)p->at.offset, a);
        return;
      }
    }
  }
}

sim_book_sums sim_book_sum(const sim_book *b) {
  return b->sums;
}
