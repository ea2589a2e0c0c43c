/* SPDX-License-Identifier: MIT */
/* members.c - presence as rows, lines and JSON. */
#include "server/cli/members.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/cli/text.h"

const char *gw_members_verb(uint32_t kind) {
  switch (kind) {
  case GW_PRESENCE_ENTER:
    return "entered";
  case GW_PRESENCE_UPDATE:
    return "changed";
  case GW_PRESENCE_LEAVE:
    return "left";
  default:
    return "did something unknown";
  }
}

/** An empty state means online; the schema says so. */
static gw_view state_of(const gw_presence_member *m) {
  return m->state.len > 0 ? m->state : gw_view_of("online");
}

static void put_user(FILE *to, const gw_presence_member *m) {
  if (m->user.len > 0) {
    gw_text_put(to, m->user);
  } else {
    fputs("(anonymous)", to);
  }
}

/** Text in a column: escaped, filled up with blanks. */
static void put_column(FILE *to, gw_view text, int width) {
  char *copy = NULL;
  size_t len = 0;
  FILE *memory = open_memstream(&copy, &len);
  if (memory == NULL) return;
  gw_text_put(memory, text);
  fclose(memory);
  fputs(copy, to);
  /* Columns count characters, not the bytes of UTF-8. */
  int shown = 0;
  for (const char *c = copy; *c != '\0'; c++)
    shown += (*c & 0xC0) != 0x80;
  fprintf(to, "%*s", shown < width ? width - shown : 1, "");
  free(copy);
}

void gw_members_put_heading(FILE *to) {
  fprintf(to, "%-20s%-10s%-10s%-18s%s\n", "USER", "STATE", "SINCE", "CLIENT",
          "DATA");
}

void gw_members_put_row(FILE *to, const gw_presence_member *m) {
  char id[GW_TEXT_ID_MAX], clock[GW_TEXT_TIME_MAX];
  gw_payload payload = gw_text_payload(m->data, m->json);
  put_column(to, m->user.len > 0 ? m->user : gw_view_of("(anonymous)"), 20);
  put_column(to, state_of(m), 10);
  fprintf(to, "%-10s%-18s", gw_text_clock(m->since_ms, clock),
          gw_text_id(m->client, id));
  gw_text_put_payload(to, payload);
  fputc('\n', to);
}

void gw_members_put_json(FILE *to, const gw_presence_member *m) {
  char id[GW_TEXT_ID_MAX], time[GW_TEXT_TIME_MAX];
  fprintf(to, "\"client\":\"%s\",\"user\":", gw_text_id(m->client, id));
  gw_text_put_string(to, m->user);
  fputs(",\"state\":", to);
  gw_text_put_string(to, state_of(m));
  if (m->since_ms != 0) {
    fprintf(to, ",\"since\":\"%s\"", gw_text_iso(m->since_ms, time));
  }
  gw_text_put_payload_member(to, gw_text_payload(m->data, m->json));
}

static const char *mode_name(uint32_t mode) {
  static const char *const names[] = {"full", "ids", "counts", "sampled"};
  return mode < sizeof names / sizeof names[0] ? names[mode] : "unknown";
}

void gw_members_put_numbers(FILE *to, const gw_presence_numbers *n,
                            gw_view channel, bool as_json) {
  if (as_json) {
    fputs("{\"type\":\"numbers\",\"channel\":", to);
    gw_text_put_string(to, channel);
    fprintf(to,
            ",\"mode\":\"%s\",\"clients\":%" PRIu32 ",\"users\":%" PRIu32 "}\n",
            mode_name(n->mode), n->clients, n->users);
    return;
  }
  gw_text_put(to, channel);
  fprintf(to, " - %" PRIu32 " clients of %" PRIu32 " users (%s)\n", n->clients,
          n->users, mode_name(n->mode));
}

static void put_change_json(FILE *to, const gw_event *e, gw_view channel) {
  static const char *const kinds[] = {"enter", "update", "leave"};
  uint32_t kind = e->u.presence.kind;
  fputs("{\"type\":\"presence\",\"channel\":", to);
  gw_text_put_string(to, channel);
  fprintf(to, ",\"kind\":\"%s\",", kind < 3 ? kinds[kind] : "unknown");
  gw_members_put_json(to, &e->u.presence.member);
  fputs("}\n", to);
}

void gw_members_put_change(FILE *to, const gw_event *e, gw_view channel,
                           bool as_json) {
  const gw_presence_member *m = &e->u.presence.member;
  if (as_json) {
    put_change_json(to, e, channel);
    return;
  }
  gw_text_put(to, channel);
  fputs(" - ", to);
  put_user(to, m);
  fprintf(to, " %s", gw_members_verb(e->u.presence.kind));
  if (e->u.presence.kind != GW_PRESENCE_LEAVE) {
    fputs(": ", to);
    gw_text_put(to, state_of(m));
    gw_payload payload = gw_text_payload(m->data, m->json);
    if (payload.bytes.len > 0) fputc(' ', to);
    gw_text_put_payload(to, payload);
  }
  fputc('\n', to);
}
