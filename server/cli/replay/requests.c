/* SPDX-License-Identifier: MIT */
/* requests.c - which frame answers which, once. */
#include <stdlib.h>

#include "server/cli/replay/watch_state.h"

/** Requests, and what answers them besides Error. */
static const struct {
  uint8_t request;
  uint8_t answer;
} pairs[] = {
    {GW_FRAME_HELLO, GW_FRAME_WELCOME},
    {GW_FRAME_SUBSCRIBE, GW_FRAME_SUBSCRIBED},
    {GW_FRAME_UNSUBSCRIBE, GW_FRAME_UNSUBSCRIBED},
    {GW_FRAME_PUBLISH, GW_FRAME_PUBLISHED},
    {GW_FRAME_PRESENCE_SET, GW_FRAME_OK},
    {GW_FRAME_PRESENCE_LEAVE, GW_FRAME_OK},
    {GW_FRAME_PRESENCE_GET, GW_FRAME_PRESENCE_SNAPSHOT},
    {GW_FRAME_RPC, GW_FRAME_RPC_RESULT},
    {GW_FRAME_REFRESH, GW_FRAME_REFRESHED},
    {GW_FRAME_SEND, GW_FRAME_SENT},
};
#define NUM_PAIRS (sizeof pairs / sizeof *pairs)

static bool is_request(uint8_t type) {
  for (size_t i = 0; i < NUM_PAIRS; i++)
    if (pairs[i].request == type) return true;
  return false;
}

static bool fits(uint8_t request, uint8_t answer) {
  if (answer == GW_FRAME_ERROR) return true;
  for (size_t i = 0; i < NUM_PAIRS; i++)
    if (pairs[i].request == request) return pairs[i].answer == answer;
  return false;
}

gw__request *gw__request_begin(gw_watch *w, gw__request **table,
                               const gw_frame *frame) {
  gw__request *r;
  uint32_t id = frame->head.request;
  if (id == 0 || !is_request(frame->head.type)) return NULL;
  HASH_FIND(hh, *table, &id, sizeof id, r);
  if (r != NULL && !r->is_answered)
    gw__violate(
        w, GW__SECTION_FRAMES,
        "the id %u is used again, and the %s of line %u is not answered", id,
        gw_type_name(r->type), r->line->number);
  if (r == NULL) {
    r = gw__watch_alloc(w, sizeof *r);
    if (r == NULL) return NULL;
    r->id = id;
    HASH_ADD(hh, *table, id, sizeof id, r);
  }
  r->type = frame->head.type;
  r->line = w->line;
  r->is_answered = false;
  r->stream = NULL;
  r->key = 0;
  return r;
}

gw__request *gw__request_answer(gw_watch *w, gw__request **table, bool is_cut,
                                const gw_frame *frame, bool is_last) {
  gw__request *r;
  uint32_t id = frame->head.request;
  uint8_t type = frame->head.type;
  if (id == 0) return NULL;
  HASH_FIND(hh, *table, &id, sizeof id, r);
  if (r == NULL) {
    if (!is_cut)
      gw__violate(w, GW__SECTION_FRAMES, "%s answers %u, which nobody asked",
                  gw_type_name(type), id);
    return NULL;
  }
  if (r->is_answered) {
    gw__violate(w, GW__SECTION_FRAMES,
                "%s answers %u, the %s of line %u, a second time",
                gw_type_name(type), id, gw_type_name(r->type), r->line->number);
    return NULL;
  }
  if (!fits(r->type, type)) {
    gw__violate(w, GW__SECTION_FRAMES, "%s answers %u, the %s of line %u",
                gw_type_name(type), id, gw_type_name(r->type), r->line->number);
    return NULL;
  }
  if (is_last) {
    r->is_answered = true;
    gw__trip(w, r->line);
  }
  return r;
}

void gw__trip(gw_watch *w, const gw_recorded_line *from) {
  uint64_t ms = w->line->t_ms - from->t_ms;
  gw_round_trips *t = &w->trips;
  if (t->num == 0 || ms < t->min_ms) t->min_ms = ms;
  if (ms > t->max_ms) t->max_ms = ms;
  t->sum_ms += ms;
  t->num++;
}

void gw__requests_free(gw__request **table) {
  gw__request *r, *next;
  HASH_ITER(hh, *table, r, next) {
    /* The next is another. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_DEL(*table, r);
    free(r);
  }
}
