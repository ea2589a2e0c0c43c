/* SPDX-License-Identifier: MIT */
/* sample.c - drawing members. */
#include "server/core/sample.h"

#include "server/core/channel.h"

gw_sample *gws_sample_new(uint32_t max) {
  gw_sample *s = gw_mem_alloc(sizeof *s + max * sizeof s->drawn[0]);
  if (s == NULL) return NULL;
  s->max = max;
  s->num = 0;
  return s;
}

void gws_sample_free(gw_sample *s) {
  if (s == NULL) return;
  for (uint32_t i = 0; i < s->num; i++)
    s->drawn[i]->place = 0;
  gw_mem_free(s);
}

static void put(gw_sample *s, uint32_t i, gw_member *m) {
  s->drawn[i] = m;
  m->place = i + 1;
}

void gws_sample_enter(gw_sample *s, gw_hub *h, gw_member *m, uint32_t clients) {
  if (m->place != 0) return;
  if (s->num < s->max) {
    put(s, s->num++, m);
    return;
  }
  uint64_t at = gws_hub_random(h) % clients;
  if (at >= s->max) return;
  s->drawn[at]->place = 0;
  put(s, (uint32_t)at, m);
}

void gws_sample_leave(gw_sample *s, gw_member *m) {
  if (m->place == 0) return;
  uint32_t i = m->place - 1;
  m->place = 0;
  if (i != --s->num) put(s, i, s->drawn[s->num]);
}

void gws_sample_fill(gw_sample *s, const gw_presence *p) {
  gw_hub *h = p->channel->hub;
  uint32_t first = s->num, seen = 0;
  if (s->num == s->max) return;
  for (gw_member *m = p->members; m != NULL; m = m->hh.next) {
    if (m->told == NULL || (m->place != 0 && m->place <= first)) continue;
    seen++;
    if (s->num < s->max) {
      put(s, s->num++, m);
      continue;
    }
    uint64_t at = gws_hub_random(h) % seen;
    if (at >= s->max - first) continue;
    s->drawn[first + at]->place = 0;
    put(s, first + (uint32_t)at, m);
  }
}
