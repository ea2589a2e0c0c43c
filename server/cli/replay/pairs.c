/* SPDX-License-Identifier: MIT */
/* pairs.c - which frame of the core is which of the recorded client. */
#include <stdlib.h>

#include "server/cli/replay/player_state.h"
#include "server/cli/replay/trace.h"

/* ---- numbers ---------------------------------------------------------------- */

uint32_t gw__pair_core(gw__pair *table, uint32_t recorded, uint32_t not_found) {
  gw__pair *pair;
  HASH_FIND(hh, table, &recorded, sizeof recorded, pair);
  return pair != NULL ? pair->core : not_found;
}

void gw__pair_set(gw__player *p, gw__pair **table, uint32_t recorded,
                  uint32_t core) {
  gw__pair *pair;
  HASH_FIND(hh, *table, &recorded, sizeof recorded, pair);
  if (pair == NULL) {
    pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
      p->err = GW_ERR_NOMEM;
      return;
    }
    pair->recorded = recorded;
    HASH_ADD(hh, *table, recorded, sizeof pair->recorded, pair);
  }
  pair->core = core;
}

void gw__pairs_free(gw__pair **table) {
  gw__pair *pair, *next;
  HASH_ITER(hh, *table, pair, next) {
    /* The next is another. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_DEL(*table, pair);
    free(pair);
  }
}

/* ---- frames ----------------------------------------------------------------- */

/** These go by the clock and by how fast the application is. */
static bool is_compared(uint8_t type) {
  return type != GW_FRAME_PING && type != GW_FRAME_PONG &&
         type != GW_FRAME_CREDIT;
}

static gw__due **find(gw__due **list, uint8_t type) {
  while (*list != NULL && (*list)->type != type)
    list = &(*list)->next;
  return list;
}

bool gw__due_is_early(const gw__player *p, uint8_t type) {
  gw__due *core = p->core;
  return *find(&core, type) != NULL;
}

void gw__due_add(gw__player *p, uint8_t type, uint32_t request, uint32_t line) {
  bool is_core = line == 0;
  gw__due **other = find(is_core ? &p->recorded : &p->core, type);
  gw__due *due = *other;
  if (!is_compared(type)) return;
  if (due != NULL) {
    gw__pair_set(p, &p->requests, is_core ? due->request : request,
                 is_core ? request : due->request);
    *other = due->next;
    free(due);
    return;
  }
  due = calloc(1, sizeof *due);
  if (due == NULL) {
    p->err = GW_ERR_NOMEM;
    return;
  }
  *due = (gw__due){NULL, type, request, line};
  gw__due **end = is_core ? &p->core : &p->recorded;
  while (*end != NULL)
    end = &(*end)->next;
  *end = due;
}

static void tell(gw__player *p, gw__due **list) {
  while (*list != NULL) {
    gw__due *due = *list;
    if (due->line != 0)
      gw_trace_put(p->shown, p->now_ms, "differs",
                   "the recorded client sent %s in line %u, the core did not",
                   gw_type_name(due->type), due->line);
    else
      gw_trace_put(p->shown, p->now_ms, "differs",
                   "the core sent %s, the recorded client did not",
                   gw_type_name(due->type));
    *list = due->next;
    free(due);
  }
}

void gw__due_end(gw__player *p) {
  tell(p, &p->recorded);
  tell(p, &p->core);
  gw__pairs_free(&p->requests);
  gw__pairs_free(&p->calls);
  p->num_rpcs = 0;
}
