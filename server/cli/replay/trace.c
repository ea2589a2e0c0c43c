/* SPDX-License-Identifier: MIT */
/* trace.c - events of the core as lines. */
#include "server/cli/replay/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/cli/text.h"

#define POSITION "%016" PRIx64 ":%" PRIu64
#define AT(p)    (p).epoch, (p).offset
#define TEXT(v)  (int)(v).len, (v).len > 0 ? (const char *)(v).data : ""

static bool is_shown(const gw_timeline *shown, uint64_t t_ms, gw_view channel) {
  if (shown->is_brief || t_ms < shown->from_ms || t_ms > shown->to_ms)
    return false;
  return shown->channel.len == 0 || gw_view_eq(shown->channel, channel);
}

static void put_line(const gw_timeline *shown, uint64_t t_ms, const char *name,
                     gw_view channel, gw_view text) {
  if (shown->as_json) {
    printf("{\"t\":%" PRIu64 ",\"trace\":\"%s\"", t_ms, name);
    if (channel.len > 0) {
      printf(",\"channel\":");
      gw_text_put_string(stdout, channel);
    }
    printf(",\"text\":");
    gw_text_put_string(stdout, text);
    printf("}\n");
    return;
  }
  printf("%6" PRIu64 ".%03" PRIu64 " %s ", t_ms / 1000, t_ms % 1000, name);
  gw_text_put(stdout, channel);
  if (channel.len > 0) printf(": ");
  gw_text_put(stdout, text);
  putchar('\n');
}

/** A line about a channel; what is too long is cut. */
__attribute__((format(printf, 5, 6))) static void
put(const gw_timeline *shown, uint64_t t_ms, const char *name, gw_view channel,
    const char *format, ...) {
  char text[1024];
  va_list args;
  if (!is_shown(shown, t_ms, channel)) return;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_line(shown, t_ms, name, channel, gw_view_of(text));
}

void gw_trace_put(const gw_timeline *shown, uint64_t t_ms, const char *name,
                  const char *format, ...) {
  char text[1024];
  va_list args;
  if (!is_shown(shown, t_ms, (gw_view){NULL, 0})) return;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  put_line(shown, t_ms, name, (gw_view){NULL, 0}, gw_view_of(text));
}

/* ---- events ----------------------------------------------------------------- */

static void put_sub(const gw_timeline *shown, const gw_event *e) {
  put(shown, e->at_ms, "subscription", e->u.sub.channel,
      "%s -> %s (%s) at " POSITION, gw_sub_state_name(e->u.sub.from),
      gw_sub_state_name(e->u.sub.to), gw_code_name(e->u.sub.code),
      AT(e->u.sub.position));
}

static void put_publication(const gw_timeline *shown, gw_view channel,
                            const gw_event *e) {
  gw_payload payload = e->u.publication.payload;
  bool is_json = payload.type == GW_PAYLOAD_JSON;
  put(shown, e->at_ms, "publication", channel, POSITION "%s %.*s%s",
      AT(e->u.publication.position), e->u.publication.own ? " own" : "",
      is_json && payload.bytes.len < 800 ? (int)payload.bytes.len : 0,
      payload.bytes.len > 0 ? (const char *)payload.bytes.data : "",
      is_json ? "" : "(bytes)");
}

static void put_of_channel(const gw_timeline *shown, const gw_client *client,
                           const gw_event *e, uint32_t sub) {
  gw_view channel = gw_client_sub_channel(client, sub);
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    put_publication(shown, channel, e);
    break;
  case GW_EVENT_GAP:
    put(shown, e->at_ms, "gap", channel,
        "reason %u, %" PRIu64 " to %" PRIu64 ", goes on after " POSITION,
        e->u.gap.reason, e->u.gap.from, e->u.gap.to, AT(e->u.gap.position));
    break;
  case GW_EVENT_PRESENCE:
    put(shown, e->at_ms, "presence", channel, "client %016" PRIx64 " kind %u",
        e->u.presence.member.client, e->u.presence.kind);
    break;
  case GW_EVENT_PRESENCE_SYNC:
    put(shown, e->at_ms, "members", channel, "%u are known",
        e->u.presence_sync.num_members);
    break;
  default:
    put(shown, e->at_ms, "meta", channel, "%.*s", TEXT(e->u.meta.meta));
    break;
  }
}

void gw_trace_event(const gw_timeline *shown, const gw_client *client,
                    const gw_event *e) {
  gw_view none = {NULL, 0};
  switch (e->type) {
  case GW_EVENT_STATE:
    /* Another time to come back, which the recording knows better. */
    if (e->u.state.from == e->u.state.to) break;
    put(shown, e->at_ms, "state", none, "%s -> %s (%s)",
        gw_state_name(e->u.state.from), gw_state_name(e->u.state.to),
        gw_code_name(e->u.state.code));
    break;
  case GW_EVENT_SUB_STATE:
    put_sub(shown, e);
    break;
  case GW_EVENT_PUBLICATION:
    put_of_channel(shown, client, e, e->u.publication.sub);
    break;
  case GW_EVENT_GAP:
    put_of_channel(shown, client, e, e->u.gap.sub);
    break;
  case GW_EVENT_PRESENCE:
    put_of_channel(shown, client, e, e->u.presence.sub);
    break;
  case GW_EVENT_PRESENCE_SYNC:
    put_of_channel(shown, client, e, e->u.presence_sync.sub);
    break;
  case GW_EVENT_META:
    put_of_channel(shown, client, e, e->u.meta.sub);
    break;
  case GW_EVENT_PUBLISHED:
    put(shown, e->at_ms, "published", none, "key %" PRIu64 ": %s at " POSITION,
        e->u.published.key, gw_code_name(e->u.published.code),
        AT(e->u.published.position));
    break;
  case GW_EVENT_REPLY:
    put(shown, e->at_ms, "reply", none, "request %u: %s", e->u.reply.request,
        gw_code_name(e->u.reply.code));
    break;
  case GW_EVENT_CALL:
    put(shown, e->at_ms, "call", none, "%.*s", TEXT(e->u.call.method));
    break;
  case GW_EVENT_RTT:
    put(shown, e->at_ms, "rtt", none, "%u ms", e->u.rtt.ms);
    break;
  case GW_EVENT_MESSAGE:
    put(shown, e->at_ms, "message", none, "%.*s", TEXT(e->u.message.event));
    break;
  case GW_EVENT_TOKEN:
    put(shown, e->at_ms, "token", e->u.token.channel, "is asked for (%s)",
        gw_code_name(e->u.token.code));
    break;
  }
}
