/* SPDX-License-Identifier: MIT */
/* machine.c - transitions of state machines. */
#include "server/core/machine.h"

#include <stdio.h>
#include <string.h>

#include "server/core/buf.h"

bool gws_is_machine_key(gw_view key) {
  size_t len = strlen(GWS_MACHINE_PREFIX);
  return key.len > len && memcmp(key.data, GWS_MACHINE_PREFIX, len) == 0;
}

/** Whether a machine is there for the channels of a namespace. */
static bool is_of_space(const gw_machine *m, const gw_settings *settings,
                        const gws_scope *scope) {
  return m->space[0] == '\0' || scope->kind != GWS_SCOPE_CHANNEL ||
         strcmp(gw_settings_namespace(settings, scope->id)->name, m->space) ==
             0;
}

const gw_machine *gws_machine_find(const gw_settings *settings, gw_view channel,
                                   gw_view key) {
  size_t skip = strlen(GWS_MACHINE_PREFIX);
  gws_scope scope;
  if (!gws_is_machine_key(key) || !gws_scope_of(channel, &scope)) return NULL;
  gw_view name = {key.data + skip, key.len - skip};
  for (size_t i = 0; i < settings->num_machines; i++) {
    const gw_machine *m = &settings->machines[i];
    if (m->scope == scope.kind && gw_view_eq(name, gw_view_of(m->name)) &&
        is_of_space(m, settings, &scope))
      return m;
  }
  return NULL;
}

/* ---- states ------------------------------------------------------------------ */

int gws_machine_read(const gw_machine *m, gw_view json) {
  if (json.len < 2 || json.data[0] != '"' || json.data[json.len - 1] != '"')
    return -1;
  gw_view name = {json.data + 1, json.len - 2};
  for (int i = 0; i < m->num_states; i++) {
    if (gw_view_eq(name, gw_view_of(m->states[i]))) return i;
  }
  return -1;
}

gw_view gws_machine_write(const gw_machine *m, uint8_t state,
                          char space[GW_MACHINE_NAME_MAX + 3]) {
  (void)snprintf(space, GW_MACHINE_NAME_MAX + 3, "\"%s\"", m->states[state]);
  return gw_view_of(space);
}

const gw_machine_transition *gws_machine_transition(const gw_machine *m,
                                                    uint8_t from, uint8_t to) {
  for (int i = 0; i < m->num_transitions; i++) {
    const gw_machine_transition *t = &m->transitions[i];
    bool leaves = t->from == from || (t->from == GW_MACHINE_ANY && from != to);
    if (leaves && t->to == to) return t;
  }
  return NULL;
}

const gw_machine_transition *gws_machine_automatic(const gw_machine *m,
                                                   uint8_t state) {
  for (int i = 0; i < m->num_transitions; i++) {
    const gw_machine_transition *t = &m->transitions[i];
    if (t->from == state && t->after_ms != 0) return t;
  }
  return NULL;
}

bool gws_transition_is_for(const gw_machine_transition *t, gws_mover by) {
  return by.is_trusted || (t->who & by.ways) != 0;
}

/* ---- words ------------------------------------------------------------------- */

/** Append what fits whole. */
static bool append(char *words, size_t *len, const char *before,
                   const char *text) {
  size_t room = GW_MAX_REASON_BYTES - *len;
  if (strlen(before) + strlen(text) > room) return false;
  *len += (size_t)sprintf(words + *len, "%s%s", before, text);
  return true;
}

void gws_machine_explain(const gw_machine *m, uint8_t state, gws_mover by,
                         char words[GW_MAX_REASON_BYTES + 1]) {
  size_t len =
      (size_t)sprintf(words, "%s is %s; allowed: ", m->name, m->states[state]);
  const char *before = "";
  for (uint8_t to = 0; to < m->num_states; to++) {
    const gw_machine_transition *t = gws_machine_transition(m, state, to);
    if (t == NULL || !gws_transition_is_for(t, by)) continue;
    if (!append(words, &len, before, m->states[to])) {
      (void)append(words, &len, before, "...");
      return;
    }
    before = ", ";
  }
  if (*before == '\0') (void)append(words, &len, "", "nothing");
}

/* ---- checking ---------------------------------------------------------------- */

/** The state that a message says. What is no state of the machine, as nothing can
 * be, counts as the initial one. */
static uint8_t state_of(const gw_machine *m, const gw_buf *b) {
  gw_frame f;
  gw_publication p;
  int state = -1;
  if (b != NULL && !b->removed &&
      gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) > 0 &&
      gw_decode_publication(f.body, &p) == 0)
    state = gws_machine_read(m, p.json);
  return state >= 0 ? (uint8_t)state : m->initial;
}

uint32_t gws_machine_check(const gw_hub *h, gw_view channel,
                           const gw_publish *msg, const gw_buf *now,
                           gws_mover by, gws_move *move) {
  if (!gws_is_machine_key(msg->item)) return GW_CODE_OK;
  const gw_machine *m = gws_machine_find(h->settings, channel, msg->item);
  if (m == NULL) return GW_CODE_UNKNOWN_MACHINE;
  bool is_new = now == NULL || now->removed;
  int to = gws_machine_read(m, msg->json);
  *move = (gws_move){m, state_of(m, now), m->initial};
  if (msg->removed) /* which takes it back to its beginning */
    return by.is_trusted ? GW_CODE_OK : GW_CODE_PERMISSION_DENIED;
  if (to < 0) return GW_CODE_ILLEGAL_TRANSITION;
  move->to = (uint8_t)to;
  if (is_new && move->to == m->initial) return GW_CODE_OK;
  const gw_machine_transition *t =
      gws_machine_transition(m, move->from, move->to);
  if (t == NULL) return GW_CODE_ILLEGAL_TRANSITION;
  return gws_transition_is_for(t, by) ? GW_CODE_OK : GW_CODE_PERMISSION_DENIED;
}
