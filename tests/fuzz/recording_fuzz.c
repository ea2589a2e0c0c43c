/* SPDX-License-Identifier: MIT */
/* recording_fuzz.c - recordings of anybody: read, watched, and played into the
 * client core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/replay/player.h"

/** A player's time passes in turns of the core: more of it shows nothing else. */
#define MAX_BYTES 65536u

static void must(bool holds) {
  if (!holds) abort();
}

static void on_frame(void *user, const gw_recorded_line *line,
                     const gw_frame *frame, gw_view channel) {
  (void)user;
  (void)frame;
  must(line->number > 1);
  must(channel.len == 0 || channel.data != NULL);
}

static void on_violation(void *user, const gw_violation *v) {
  (void)user;
  must(v->line->number > 1);
  must(strlen(v->text) > 0 && strlen(v->section) > 0);
}

static void replay(const gw_recording *r) {
  const gw_watch_hooks hooks = {on_frame, on_violation, NULL};
  const gw_timeline shown = {.is_brief = true};
  gw_watch *w = gw_watch_new(&hooks);
  must(w != NULL);
  for (size_t i = 0; i < r->num_lines; i++)
    must(gw_watch_line(w, &r->lines[i]) == 0);
  gw_watch_finish(w);
  gw_watch_free(w);
  must(gw_player_run(r, &shown) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gw_recording r = {0};
  gw_recording_fault fault;
  if (size == 0 || size > MAX_BYTES) return 0;
  FILE *from = fmemopen((void *)data, size, "rb");
  must(from != NULL);
  int err = gw_recording_read(&r, from, &fault);
  fclose(from);
  if (err == 0)
    replay(&r);
  else
    must(strlen(fault.why) > 0 && fault.remedy != NULL);
  gw_recording_deinit(&r);
  return 0;
}
