/* SPDX-License-Identifier: MIT */
/* tally.c - counts frames and bytes, and prints the sums. */
#include "server/cli/replay/tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/cli/text.h"

static const char *const directions[] = {"out", "in"};

static unsigned side_of(const gw_recorded_line *line) {
  return line->type == GW_RECORDED_IN;
}

void gw_tally_line(gw_tally *t, const gw_recorded_line *line) {
  t->last_ms = line->t_ms;
  if (line->type == GW_RECORDED_OPEN || line->type == GW_RECORDED_CUT)
    t->connections++;
  if (line->type != GW_RECORDED_IN && line->type != GW_RECORDED_OUT) return;
  t->messages[side_of(line)]++;
  t->bytes[side_of(line)] += line->wire_bytes;
}

void gw_tally_frame(gw_tally *t, const gw_recorded_line *line,
                    const gw_frame *frame) {
  t->frames[side_of(line)][frame->head.type]++;
}

/* ---- for machines ----------------------------------------------------------- */

static void put_side(const gw_tally *t, unsigned side) {
  const char *comma = "";
  printf(",\"%s\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"frames\":{",
         directions[side], t->messages[side], t->bytes[side]);
  for (unsigned type = 0; type < 256; type++) {
    if (t->frames[side][type] == 0) continue;
    printf("%s\"%s\":%" PRIu64, comma, gw_type_name((uint8_t)type),
           t->frames[side][type]);
    comma = ",";
  }
  printf("}}");
}

static void put_json(const gw_tally *t, const gw_round_trips *trips,
                     const gw_recording *r) {
  printf("{\"summary\":{\"sdk\":");
  gw_text_put_string(stdout, gw_view_of(r->sdk));
  printf(",\"host\":");
  gw_text_put_string(stdout, gw_view_of(r->host));
  printf(",\"start\":");
  gw_text_put_string(stdout, gw_view_of(r->start));
  printf(",\"ms\":%" PRIu64 ",\"connections\":%" PRIu64, t->last_ms,
         t->connections);
  put_side(t, 0);
  put_side(t, 1);
  printf(",\"roundTrips\":{\"num\":%" PRIu64 ",\"minMs\":%" PRIu64
         ",\"meanMs\":%" PRIu64 ",\"maxMs\":%" PRIu64 "}",
         trips->num, trips->min_ms,
         trips->num != 0 ? trips->sum_ms / trips->num : 0, trips->max_ms);
  printf(",\"violations\":%" PRIu64 "}}\n", t->violations);
}

/* ---- for people ------------------------------------------------------------- */

static void put_text(const gw_tally *t, const gw_round_trips *trips,
                     const gw_recording *r) {
  printf("\nrecorded by godwit %s on ", r->sdk);
  gw_text_put(stdout, gw_view_of(r->host));
  printf(", from ");
  gw_text_put(stdout, gw_view_of(r->start));
  printf(", %" PRIu64 ".%03" PRIu64 " s, %" PRIu64 " connections\n",
         t->last_ms / 1000, t->last_ms % 1000, t->connections);
  for (unsigned side = 0; side < 2; side++)
    printf("  %-4s %" PRIu64 " messages, %" PRIu64 " bytes\n", directions[side],
           t->messages[side], t->bytes[side]);
  printf("  %-18s %10s %10s\n", "frames", "out", "in");
  for (unsigned type = 0; type < 256; type++) {
    if (t->frames[0][type] + t->frames[1][type] == 0) continue;
    printf("  %-18s %10" PRIu64 " %10" PRIu64 "\n", gw_type_name((uint8_t)type),
           t->frames[0][type], t->frames[1][type]);
  }
  if (trips->num != 0)
    printf("  %" PRIu64 " round trips: %" PRIu64 " ms at least, %" PRIu64
           " on average, %" PRIu64 " at most\n",
           trips->num, trips->min_ms, trips->sum_ms / trips->num,
           trips->max_ms);
  if (t->violations == 0)
    printf("  every promise that shows on the wire was kept\n");
  else
    printf("  %" PRIu64 " times a promise was not kept\n", t->violations);
}

void gw_tally_put(const gw_tally *t, const gw_round_trips *trips,
                  const gw_recording *r, bool as_json) {
  if (as_json)
    put_json(t, trips, r);
  else
    put_text(t, trips, r);
}
